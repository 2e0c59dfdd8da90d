#include "parts.h"

int two(int depth)
{
	return depth ? three(depth - 1) : 0;
}
