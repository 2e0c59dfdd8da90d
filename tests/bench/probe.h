/* A steady trickle of inputs, and the moments at which a reader has their outputs. Every failure ends the bench. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include "stream.h"

#include <stdbool.h>

#define PROBE_KEY_SIZE 32

/* How a probe speaks to its broker. Each broker has one. */
struct probe_ops {
	/* The reader begins at the end of the outputs. The probe owns what it gives. */
	void *(*open)(const struct stream *stream);
	/* Sends a flower with this key, without waiting for more than is needed. [the probe's own thread] */
	void (*send)(void *broker, size_t number, const char *key);
	/* Gives the key ("": none) and the partition of the next output. False: none came in time. */
	bool (*receive)(void *broker, int timeout_ms, char key[PROBE_KEY_SIZE], int *ret_partition);
	void (*close)(void *broker);
};

struct probe;

struct probe_sight {
	size_t number; /* of the input, from 0 */
	int partition;
	double sent_ns, seen_ns; /* of bench_wall_ns: just before the send, and just after the receipt */
};

/* Begins to send so many iris inputs per second from a thread of its own. The caller owns the probe. */
struct probe *probe_start(const struct probe_ops *ops, const struct stream *stream, int per_second);
/* Gives the next output that the reader sees, of an input of this probe. False: none came in time. */
bool probe_next(struct probe *probe, int timeout_ms, struct probe_sight *ret_sight);
/* Ends the trickle; outputs may still come. Idempotent. */
void probe_stop(struct probe *probe);
/* How many inputs have been sent. */
size_t probe_sent(const struct probe *probe);
void probe_free(struct probe *probe);

#endif
