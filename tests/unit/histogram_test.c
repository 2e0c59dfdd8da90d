#include "check.h"

#include <msp/histogram.h>

/* Every duration lies below its bucket's bound and not below the one before, within an eighth. */
static void buckets_hold_their_durations(void **state)
{
	(void)state;
	for (int64_t ns = 0; ns < (int64_t)1 << 50; ns += 1 + ns / 7) {
		size_t bucket = msp_histogram_bucket(ns);
		assert_true(bucket < MSP_HISTOGRAM_BUCKETS);
		assert_true(ns < msp_histogram_bound_ns(bucket));
		if (bucket > 0)
			assert_true(ns >= msp_histogram_bound_ns(bucket - 1));
		if (bucket > 0 && bucket + 1 < MSP_HISTOGRAM_BUCKETS)
			assert_true(msp_histogram_bound_ns(bucket) <= msp_histogram_bound_ns(bucket - 1) / 8 * 9);
	}
	assert_int_equal(msp_histogram_bucket(-1), 0);
	assert_int_equal(msp_histogram_bucket(INT64_MIN), 0);
	assert_int_equal(msp_histogram_bucket(INT64_MAX), MSP_HISTOGRAM_BUCKETS - 1);
}

static void bounds_rise(void **state)
{
	(void)state;
	for (size_t i = 1; i < MSP_HISTOGRAM_BUCKETS; i++)
		assert_true(msp_histogram_bound_ns(i) > msp_histogram_bound_ns(i - 1));
	assert_int_equal(msp_histogram_bound_ns(0), 1024);
	assert_int_equal(msp_histogram_bound_ns(MSP_HISTOGRAM_BUCKETS - 2), (int64_t)1 << MSP_HISTOGRAM_MAX_BITS);
}

static void quantiles_come_from_all_that_was_recorded(void **state)
{
	(void)state;
	static struct msp_histogram fast, slow;
	struct msp_histogram_snapshot snapshot = {.count = 0};
	assert_int_equal(msp_histogram_quantile_ns(&snapshot, 0.5), 0);
	msp_histogram_record(&fast, 2000, 98);
	msp_histogram_record(&slow, 5000000, 2);
	msp_histogram_record(&slow, -5, 1);
	msp_histogram_add_to(&fast, &snapshot);
	msp_histogram_add_to(&slow, &snapshot);
	assert_int_equal(snapshot.count, 101);
	assert_int_equal(snapshot.sum_ns, 98 * 2000 + 2 * 5000000);
	assert_int_equal(msp_histogram_quantile_ns(&snapshot, 0.5), 2048);
	assert_in_range(msp_histogram_quantile_ns(&snapshot, 0.99), 5000000, 5000000 * 9 / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buckets_hold_their_durations),
	    cmocka_unit_test(bounds_rise),
	    cmocka_unit_test(quantiles_come_from_all_that_was_recorded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
