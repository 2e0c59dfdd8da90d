/* How long an input waits for its output at 1,000 messages per second. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "probe.h"

#define LATENCY_PER_SECOND 1000

struct latency {
	double p50_ms, p99_ms;
};

/* Starts the command, which serves the stream until SIGTERM, and sends it a trickle. Ends the bench when outputs do not
 * come. */
struct latency latency_measure(const char *const command[], const struct probe_ops *ops, const struct stream *stream);

#endif
