/* A histogram of durations: log-linear, eight buckets to each power of two. One thread records, any thread reads. */
#ifndef MSP_HISTOGRAM_H
#define MSP_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The first bucket ends at 2^10 ns (1 µs), the last but one at 2^40 ns (18 minutes), the last never. */
#define MSP_HISTOGRAM_MIN_BITS 10
#define MSP_HISTOGRAM_MAX_BITS 40
#define MSP_HISTOGRAM_SUB_BITS 3
#define MSP_HISTOGRAM_BUCKETS  (((MSP_HISTOGRAM_MAX_BITS - MSP_HISTOGRAM_MIN_BITS) << MSP_HISTOGRAM_SUB_BITS) + 2)

/* Zeroed storage is an empty histogram. */
struct msp_histogram {
	_Atomic uint64_t sum_ns;
	_Atomic uint64_t counts[MSP_HISTOGRAM_BUCKETS];
};

/* The bucket that counts a duration. Negative ones count as 0: clocks of two machines differ. [any thread] */
static inline size_t msp_histogram_bucket(int64_t ns)
{
	if (ns < (int64_t)1 << MSP_HISTOGRAM_MIN_BITS)
		return 0;
	if (ns >= (int64_t)1 << MSP_HISTOGRAM_MAX_BITS)
		return MSP_HISTOGRAM_BUCKETS - 1;
	int bits = 63 - __builtin_clzll((unsigned long long)ns);
	size_t sub = (size_t)(ns >> (bits - MSP_HISTOGRAM_SUB_BITS)) & ((1u << MSP_HISTOGRAM_SUB_BITS) - 1);
	return ((size_t)(bits - MSP_HISTOGRAM_MIN_BITS) << MSP_HISTOGRAM_SUB_BITS) + sub + 1;
}

/* Adds `times` durations of `ns`. [one thread] Without a locked instruction: nobody else writes. */
static inline void msp_histogram_record(struct msp_histogram *histogram, int64_t ns, uint64_t times)
{
	_Atomic uint64_t *count = &histogram->counts[msp_histogram_bucket(ns)];
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + times, memory_order_relaxed);
	uint64_t sum = atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed) + (ns > 0 ? (uint64_t)ns * times : 0);
	atomic_store_explicit(&histogram->sum_ns, sum, memory_order_relaxed);
}

/* The smallest duration that is too long for the bucket; INT64_MAX for the last. [any thread] */
int64_t msp_histogram_bound_ns(size_t bucket);

/* A copy that does not move any more; sums of several add up. */
struct msp_histogram_snapshot {
	uint64_t count, sum_ns;
	uint64_t counts[MSP_HISTOGRAM_BUCKETS];
};

/* Adds what `histogram` counts now to `snapshot`. [any thread] */
void msp_histogram_add_to(const struct msp_histogram *histogram, struct msp_histogram_snapshot *snapshot);
/* The duration that a share (0 to 1) of the snapshot's is shorter than: the bound of its bucket; 0 when it is empty. */
int64_t msp_histogram_quantile_ns(const struct msp_histogram_snapshot *snapshot, double share);

#endif
