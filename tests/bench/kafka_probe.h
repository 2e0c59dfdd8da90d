/* A steady trickle of inputs, and the moments at which a reader has their outputs. Every failure ends the bench. */
#ifndef BENCH_KAFKA_PROBE_H
#define BENCH_KAFKA_PROBE_H

#include "kafka_stream.h"

#include <stdbool.h>

struct kafka_probe;

struct kafka_sight {
	int partition;
	double sent_ns, seen_ns; /* of bench_wall_ns: just before the send, and just after the receipt */
};

/* Begins to send so many iris inputs per second, to the partitions in turn, from a thread of its own. The caller owns
 * the probe. */
struct kafka_probe *kafka_probe_start(const struct kafka_stream *stream, int per_second);
/* Gives the next output that a read-committed reader sees, of an input of this probe. False: none came in time. */
bool kafka_probe_next(struct kafka_probe *probe, int timeout_ms, struct kafka_sight *ret_sight);
/* Ends the trickle; outputs may still come. Idempotent. */
void kafka_probe_stop(struct kafka_probe *probe);
/* How many inputs have been sent. */
size_t kafka_probe_sent(const struct kafka_probe *probe);
void kafka_probe_free(struct kafka_probe *probe);

#endif
