/* How probes speak to Kafka: a producer that does not wait, and a read-committed reader. */
#ifndef BENCH_KAFKA_PROBE_H
#define BENCH_KAFKA_PROBE_H

#include "probe.h"

/* Sends to the partitions in turn. */
extern const struct probe_ops kafka_probe;

#endif
