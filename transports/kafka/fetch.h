/* What was fetched: the prefetch queue of all partitions of ours, and the batches that were made of it. [owner thread]
 */
#ifndef KAFKA_FETCH_H
#define KAFKA_FETCH_H

#include "batch.h"

struct kafka_fetch {
	const char *topic;             /* borrowed */
	size_t prefetch_max;           /* messages after which librdkafka fetches no more */
	rd_kafka_queue_t *queue;       /* the messages of all partitions of ours */
	rd_kafka_queue_t **partitions; /* of those that are or were ours; owned */
	size_t partition_count;
	rd_kafka_message_t **undelivered; /* taken from `queue`, in no batch yet */
	size_t undelivered_begin, undelivered_end, undelivered_capacity;
	struct kafka_batch *batches; /* alive; owned by whoever received them */
	unsigned generation;         /* grows whenever what was received becomes invalid */
	size_t dropped;              /* so many of this generation were freed unsettled: what came after must not settle */
	bool was_full;               /* `queue` was as full as it gets */
	bool is_restarted;           /* librdkafka may still undo the forwarding */
};

/* `topic` is borrowed. Waits for nothing. */
void kafka_fetch_init(struct kafka_fetch *fetch, rd_kafka_t *rk, const char *topic, size_t prefetch_max, int wake_fd);
/* Gives up all queues; no batch is alive. Not before the member has given its partitions back: each message refers to
 * its partition, and librdkafka waits in rd_kafka_destroy for partitions whose topic was deleted meanwhile. */
void kafka_fetch_done(struct kafka_fetch *fetch);

/* Sends the messages of these partitions to `queue`, so that the events of the group can be polled at any time without
 * taking a message, also while a batch is in flight. */
void kafka_fetch_assign(struct kafka_fetch *fetch, rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
/* After a restart: stopping a partition undoes its forwarding, at a time of librdkafka's choice, so this is repeated
 * until messages come. */
void kafka_fetch_forward(struct kafka_fetch *fetch);
/* Takes a message that came among the events, because its partition was not forwarded; it is delivered next. */
void kafka_fetch_keep(struct kafka_fetch *fetch, rd_kafka_message_t *message);
/* Everything received and not settled is invalid from now on, and what was not delivered is dropped. */
void kafka_fetch_invalidate(struct kafka_fetch *fetch);
/* Drops what was not delivered. */
void kafka_fetch_drop(struct kafka_fetch *fetch);

/* Makes the next batch, of what is there. MSP_OK with *ret_batch NULL: nothing. Errors of partitions go to `pending`.
 */
enum msp_status kafka_fetch_take(struct kafka_fetch *fetch, const struct msp_receive_limits *limits,
                                 struct kafka_batch **ret_batch, struct msp_error *pending, struct msp_error *err);
/* Frees a batch; one of this generation that is not settled counts as dropped. */
void kafka_fetch_free(struct kafka_fetch *fetch, struct kafka_batch *batch);
/* Whether the batch may be settled: nothing before it was dropped or became invalid. */
bool kafka_fetch_is_valid(const struct kafka_fetch *fetch, const struct kafka_batch *batch);
/* How many messages were read and are not settled. */
size_t kafka_fetch_unsettled(const struct kafka_fetch *fetch);
/* True once after the queue was full and is half empty: librdkafka before 2.2 looks up only once a second then, and
 * somebody should wake it. */
bool kafka_fetch_has_room_again(struct kafka_fetch *fetch);

#endif
