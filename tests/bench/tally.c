#include "tally.h"

#include <stdio.h>
#include <string.h>

void tally_add(struct tally *tally, const char *name, size_t messages, const struct bench_usage *usage,
               const struct stream_survey *survey)
{
	bench_must(survey->count == messages, "answering every message once");
	bench_must(tally->rounds < TALLY_ROUNDS, "as many rounds");
	double cpu_us = usage->cpu_ns / (double)messages / 1000, rate_k = (double)messages / survey->seconds / 1000;
	tally->cpu_us[tally->rounds] = cpu_us;
	tally->rate_k[tally->rounds++] = rate_k;
	fprintf(stderr, "%s: %.0f k/s at %.2f us of CPU each, at most %ld MiB\n", name, rate_k, cpu_us,
	        usage->max_rss_kib / 1024);
}

static double median(const double *samples, int count)
{
	double sorted[TALLY_ROUNDS];
	memcpy(sorted, samples, (size_t)count * sizeof(*samples));
	return bench_median(sorted, (size_t)count);
}

double tally_cpu_us(const struct tally *tally)
{
	return median(tally->cpu_us, tally->rounds);
}

double tally_rate_k(const struct tally *tally)
{
	return median(tally->rate_k, tally->rounds);
}
