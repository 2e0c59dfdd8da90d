#include "here/fourth.h"
#include "there/second.h"

int here_first(void)
{
	return THERE_SECOND + HERE_FOURTH;
}
