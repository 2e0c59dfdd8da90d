/* How probes speak to Redis: one connection that adds, one that waits for the outputs. */
#ifndef BENCH_REDIS_PROBE_H
#define BENCH_REDIS_PROBE_H

#include "probe.h"

extern const struct probe_ops redis_probe;

#endif
