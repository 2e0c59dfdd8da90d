#include "parts.h"

int one(int depth)
{
	return depth ? two(depth - 1) : 0;
}
