/* How many messages the next batch may have, so that its predict stays under a time and its memory under a size. */
#ifndef MSP_SIZER_H
#define MSP_SIZER_H

#include <stddef.h>
#include <stdint.h>

/* Caller storage. [owner thread] */
struct msp_sizer {
	size_t max_messages;
	int64_t max_ns;
	size_t max_memory;
	size_t next; /* the answer: 1 to max_messages */
	double ns_per_message;
	double memory_per_message;
};

/* Starts with batches of one: nothing is known of the model yet. All limits > 0. */
void msp_sizer_init(struct msp_sizer *sizer, size_t max_messages, int64_t max_ns, size_t max_memory);

/* Learns from a batch of `count` > 0 messages. Doubles the size after a full batch as long as the limits allow; shrinks
 * at once when a batch was slower or larger than thought. */
void msp_sizer_observe(struct msp_sizer *sizer, size_t count, int64_t predict_ns, size_t memory);

#endif
