#include <msp/histogram.h>

int64_t msp_histogram_bound_ns(size_t bucket)
{
	if (bucket + 1 >= MSP_HISTOGRAM_BUCKETS)
		return INT64_MAX;
	int64_t octave = (int64_t)1 << (MSP_HISTOGRAM_MIN_BITS + (bucket >> MSP_HISTOGRAM_SUB_BITS));
	int64_t subs = (int64_t)(bucket & ((1u << MSP_HISTOGRAM_SUB_BITS) - 1));
	return octave + (octave >> MSP_HISTOGRAM_SUB_BITS) * subs;
}

void msp_histogram_add_to(const struct msp_histogram *histogram, struct msp_histogram_snapshot *snapshot)
{
	snapshot->sum_ns += atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
	for (size_t i = 0; i < MSP_HISTOGRAM_BUCKETS; i++) {
		uint64_t count = atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
		snapshot->counts[i] += count;
		snapshot->count += count;
	}
}

int64_t msp_histogram_quantile_ns(const struct msp_histogram_snapshot *snapshot, double share)
{
	uint64_t seen = 0;
	for (size_t i = 0; i < MSP_HISTOGRAM_BUCKETS && snapshot->count > 0; i++) {
		seen += snapshot->counts[i];
		if ((double)seen >= share * (double)snapshot->count)
			return msp_histogram_bound_ns(i);
	}
	return 0;
}
