/* Random numbers that a seed repeats (splitmix64, Steele, Lea and Flood 2014). */
#ifndef FAULT_RANDOM_H
#define FAULT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* One of 0 … count - 1. */
static inline size_t random_below(uint64_t *state, size_t count)
{
	return (size_t)(random_next(state) % count);
}

#endif
