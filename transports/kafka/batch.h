/* librdkafka's messages as ours. */
#ifndef KAFKA_BATCH_H
#define KAFKA_BATCH_H

#include <librdkafka/rdkafka.h>
#include <msp/arena.h>
#include <msp/transport.h>

struct kafka_batch {
	struct msp_batch base;
	struct kafka_batch *next; /* alive before this one */
	bool settled;
	unsigned generation; /* of the fetch under which it was received */
	struct msp_arena headers;
	rd_kafka_message_t **raw; /* owned; base.count of them */
};

/* Takes `count` > 0 messages out of `raw`. NULL: no memory, nothing was taken. `topic` is borrowed for the batch's
 * life. */
struct kafka_batch *kafka_batch_new(rd_kafka_message_t **raw, size_t count, const char *topic);
void kafka_batch_free(struct kafka_batch *batch);

/* What is consumed when the batch is settled: for each partition the offset after its last message. The caller destroys
 * the list. */
rd_kafka_topic_partition_list_t *kafka_batch_offsets(const struct kafka_batch *batch);

/* What counts of a message against a limit of bytes. */
size_t kafka_message_size(const rd_kafka_message_t *message);

/* Frees the messages that wait in a queue. */
void kafka_queue_drain(rd_kafka_queue_t *queue);

#endif
