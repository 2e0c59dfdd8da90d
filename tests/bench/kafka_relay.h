/* The floor of whatever serves a Kafka topic: consume, produce, wait for the acknowledgements, commit. Nothing of msp
 * is in it. Bare as it is, it keeps the promise that it is compared for: no input is marked consumed before its result
 * is durable. Every failure ends the process. */
#ifndef BENCH_KAFKA_RELAY_H
#define BENCH_KAFKA_RELAY_H

#include <stdbool.h>
#include <stddef.h>

struct kafka_relay_config {
	const char *brokers, *inputs, *outputs, *group;
	/* At least once with two batches in flight, or each batch in a transaction with its offsets. */
	bool transactional;
	/* Messages after which it ends; 0: at SIGTERM, and results go out as they come instead of in large requests. */
	size_t count;
	/* Writes the result of one input, at most FUSED_RESULT_SIZE bytes, and gives its size; NULL: the input's own
	 * bytes are sent. */
	size_t (*answer)(void *context, const char *value, size_t size, char *result);
	void *context;
};

void kafka_relay(const struct kafka_relay_config *config);

#endif
