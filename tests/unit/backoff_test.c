#include "check.h"

#include <msp/backoff.h>

#include <limits.h>
#include <time.h>

/* Every wait lies between half and all of what the exponential allows, and the try is counted. */
static void check_bounds(int initial_ms, int max_ms, int tries)
{
	struct msp_backoff backoff;
	msp_backoff_init(&backoff, initial_ms, max_ms);
	int64_t whole_ms = initial_ms;
	for (int i = 0; i < tries; i++) {
		if (whole_ms > max_ms)
			whole_ms = max_ms;
		int64_t wait_ms = msp_backoff_next_ms(&backoff);
		if (wait_ms < (whole_ms + 1) / 2 || wait_ms > whole_ms)
			fail_msg("try %d of %d to %d: %lld", i, initial_ms, max_ms, (long long)wait_ms);
		assert_int_equal(backoff.tries, i + 1);
		whole_ms *= 2;
	}
}

static void waits_stay_within_their_bounds(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		check_bounds(1, 1, 10);
		check_bounds(1, 2, 10);
		check_bounds(100, 10000, 100);
		check_bounds(3, 1000, 100);
		check_bounds(1, INT_MAX, 100);
		check_bounds(INT_MAX, INT_MAX, 3);
	}
}

static void both_bounds_are_reached(void **state)
{
	(void)state;
	struct msp_backoff backoff;
	msp_backoff_init(&backoff, 4, 4);
	bool seen[5] = {false};
	for (int i = 0; i < 1000; i++)
		seen[msp_backoff_next_ms(&backoff)] = true;
	assert_true(seen[2] && seen[3] && seen[4]);
}

static void success_starts_over(void **state)
{
	(void)state;
	struct msp_backoff backoff;
	msp_backoff_init(&backoff, 10, 10000);
	for (int i = 0; i < 20; i++)
		(void)msp_backoff_next_ms(&backoff);
	msp_backoff_reset(&backoff);
	assert_int_equal(backoff.tries, 0);
	assert_in_range(msp_backoff_next_ms(&backoff), 5, 10);
}

static void the_count_of_tries_does_not_overflow(void **state)
{
	(void)state;
	struct msp_backoff backoff;
	msp_backoff_init(&backoff, 10, 1000);
	backoff.tries = INT_MAX;
	assert_in_range(msp_backoff_next_ms(&backoff), 500, 1000);
	assert_int_equal(backoff.tries, INT_MAX);
}

static void two_workers_do_not_wait_in_step(void **state)
{
	(void)state;
	struct msp_backoff a, b;
	msp_backoff_init(&a, 1000000, 1000000);
	msp_backoff_init(&b, 1000000, 1000000);
	int same = 0;
	for (int i = 0; i < 20; i++)
		same += msp_backoff_next_ms(&a) == msp_backoff_next_ms(&b);
	assert_in_range(same, 0, 2);
}

static void clocks(void **state)
{
	(void)state;
	int64_t ns = msp_monotonic_ns(), ms = msp_monotonic_ms();
	assert_true(ms >= ns / 1000000);
	assert_true(msp_monotonic_ns() >= ns);
	int64_t before = (int64_t)time(NULL), wall = msp_wall_ms(), after = (int64_t)time(NULL);
	/* time(2) may lag by a tick of the kernel. */
	assert_true(wall / 1000 >= before && wall / 1000 <= after + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_stay_within_their_bounds),
	    cmocka_unit_test(both_bounds_are_reached),
	    cmocka_unit_test(success_starts_over),
	    cmocka_unit_test(the_count_of_tries_does_not_overflow),
	    cmocka_unit_test(two_workers_do_not_wait_in_step),
	    cmocka_unit_test(clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
