#include "two.h"

#include "one.h"

int two(void)
{
	return 2;
}
