/* The floor of whatever serves a Redis stream: read a batch for a group, add its results, acknowledge it. Nothing of
 * msp is in it. It is barer than what it is compared with: an acknowledgement is sent behind the results without
 * waiting for their answers, and nothing comes again. Every failure ends the process. */
#ifndef BENCH_REDIS_RELAY_H
#define BENCH_REDIS_RELAY_H

#include <stdbool.h>
#include <stddef.h>

struct redis_relay_config {
	int port;
	const char *inputs, *outputs, *group;
	/* One script per batch, in which an entry that is acknowledged is answered, instead of a pipeline. It passes values
	 * on and nothing else. */
	bool by_script;
	/* The next batch is read, and its results are sent, before the answers to the last results are looked at. The
	 * server never waits then, but neither can it be asked to wait for entries: `count` is not 0. */
	bool two_in_flight;
	size_t count; /* messages after which it ends; 0: at SIGTERM */
	/* Writes the result of one input, at most FUSED_RESULT_SIZE bytes, and gives its size; NULL: the input's own
	 * bytes are sent. */
	size_t (*answer)(void *context, const char *value, size_t size, char *result);
	void *context;
};

void redis_relay(const struct redis_relay_config *config);

#endif
