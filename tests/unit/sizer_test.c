#include "sizer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void starts_with_one_and_doubles(void **state)
{
	(void)state;
	struct msp_sizer sizer;
	msp_sizer_init(&sizer, 100, 1000000000, 1 << 20);
	static const size_t expected[] = {1, 2, 4, 8, 16, 32, 64, 100, 100};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(sizer.next, expected[i]);
		msp_sizer_observe(&sizer, sizer.next, (int64_t)sizer.next * 1000, sizer.next * 100);
	}
}

static void a_small_batch_says_nothing_about_growing(void **state)
{
	(void)state;
	struct msp_sizer sizer;
	msp_sizer_init(&sizer, 100, 1000000000, 1 << 20);
	msp_sizer_observe(&sizer, 1, 1000, 100);
	msp_sizer_observe(&sizer, 1, 1000, 100);
	assert_int_equal(sizer.next, 2);
}

static void slow_models_get_what_fits_the_time(void **state)
{
	(void)state;
	struct msp_sizer sizer;
	msp_sizer_init(&sizer, 10000, 1000000000, 1 << 30);
	for (int i = 0; i < 20; i++)
		msp_sizer_observe(&sizer, sizer.next, (int64_t)sizer.next * 100000000, 1);
	assert_int_equal(sizer.next, 10);
	/* It becomes slower: the next batch is shorter at once. */
	msp_sizer_observe(&sizer, 10, 5000000000, 1);
	assert_int_equal(sizer.next, 2);
	/* One message that takes longer than the time still goes, alone. */
	msp_sizer_observe(&sizer, 2, 20000000000, 1);
	assert_int_equal(sizer.next, 1);
	/* It recovers, though not after one good batch. */
	msp_sizer_observe(&sizer, 1, 1000, 1);
	assert_int_equal(sizer.next, 1);
	for (int i = 0; i < 100; i++)
		msp_sizer_observe(&sizer, sizer.next, (int64_t)sizer.next * 1000, 1);
	assert_int_equal(sizer.next, 10000);
}

static void memory_bounds_the_size(void **state)
{
	(void)state;
	struct msp_sizer sizer;
	msp_sizer_init(&sizer, 10000, 1000000000, 1000);
	for (int i = 0; i < 20; i++)
		msp_sizer_observe(&sizer, sizer.next, 1, sizer.next * 100);
	assert_int_equal(sizer.next, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts_with_one_and_doubles),
	    cmocka_unit_test(a_small_batch_says_nothing_about_growing),
	    cmocka_unit_test(slow_models_get_what_fits_the_time),
	    cmocka_unit_test(memory_bounds_the_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
