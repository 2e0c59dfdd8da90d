#include "here/fourth.h"
#include "there/second.h"

int there_third(void)
{
	return THERE_SECOND + HERE_FOURTH;
}
