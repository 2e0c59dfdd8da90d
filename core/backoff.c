#include <msp/backoff.h>

#include <assert.h>
#include <limits.h>

/* The next number of the SplitMix64 sequence (Steele, Lea, Flood 2014). Any seed will do. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

void msp_backoff_init(struct msp_backoff *backoff, int initial_ms, int max_ms)
{
	assert(0 < initial_ms && initial_ms <= max_ms);
	/* Time tells processes apart, the address the workers of one process. */
	uint64_t seed = (uint64_t)msp_monotonic_ns() ^ (uint64_t)(uintptr_t)backoff << 16;
	*backoff = (struct msp_backoff){.initial_ms = initial_ms, .max_ms = max_ms, .random = seed};
}

void msp_backoff_reset(struct msp_backoff *backoff)
{
	backoff->tries = 0;
}

int msp_backoff_next_ms(struct msp_backoff *backoff)
{
	int64_t wait_ms = backoff->initial_ms;
	for (int i = 0; i < backoff->tries && wait_ms < backoff->max_ms; i++)
		wait_ms *= 2;
	if (wait_ms > backoff->max_ms)
		wait_ms = backoff->max_ms;
	if (backoff->tries < INT_MAX)
		backoff->tries++;
	int64_t half_ms = (wait_ms + 1) / 2;
	return (int)(half_ms + (int64_t)(random_next(&backoff->random) % (uint64_t)(wait_ms - half_ms + 1)));
}
