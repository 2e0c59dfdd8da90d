/* What the rounds of a contestant gave. */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "bench.h"
#include "stream.h"

#define TALLY_ROUNDS 5 /* at most */

struct tally {
	double cpu_us[TALLY_ROUNDS], rate_k[TALLY_ROUNDS]; /* per message, and thousands of messages per second */
	int rounds;
};

/* Adds a round, in which every one of so many messages must have been answered once, and says it on stderr. */
void tally_add(struct tally *tally, const char *name, size_t messages, const struct bench_usage *usage,
               const struct stream_survey *survey);

/* The medians. */
double tally_cpu_us(const struct tally *tally);
double tally_rate_k(const struct tally *tally);

#endif
