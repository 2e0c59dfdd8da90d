#include "two.h"

int two(void)
{
	return 2;
}
