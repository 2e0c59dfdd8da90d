#include "parts.h"

int three(int depth)
{
	return depth ? one(depth - 1) : 0;
}
