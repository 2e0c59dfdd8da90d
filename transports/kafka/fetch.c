#include "fetch.h"
#include "error.h"

#include <assert.h>
#include <stdlib.h>

/* How many messages are taken from librdkafka at once; it knows no limit in bytes, so what is too much is kept. */
#define TAKE_MAX 512

void kafka_fetch_init(struct kafka_fetch *fetch, rd_kafka_t *rk, const char *topic, size_t prefetch_max, int wake_fd)
{
	static const uint64_t one = 1;
	*fetch = (struct kafka_fetch){.topic = topic, .prefetch_max = prefetch_max, .queue = rd_kafka_queue_new(rk)};
	rd_kafka_queue_io_event_enable(fetch->queue, wake_fd, &one, sizeof(one));
}

/* ---- the queues ---- */

void kafka_fetch_forward(struct kafka_fetch *fetch)
{
	for (size_t i = 0; i < fetch->partition_count; i++)
		rd_kafka_queue_forward(fetch->partitions[i], fetch->queue);
}

static void partitions_release(struct kafka_fetch *fetch)
{
	for (size_t i = 0; i < fetch->partition_count; i++) {
		rd_kafka_queue_forward(fetch->partitions[i], NULL);
		kafka_queue_drain(fetch->partitions[i]);
		rd_kafka_queue_destroy(fetch->partitions[i]);
	}
	free(fetch->partitions);
	fetch->partitions = NULL;
	fetch->partition_count = 0;
}

void kafka_fetch_assign(struct kafka_fetch *fetch, rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions)
{
	partitions_release(fetch);
	fetch->partitions = calloc((size_t)partitions->cnt + 1, sizeof(rd_kafka_queue_t *));
	if (!fetch->partitions)
		return;
	for (int i = 0; i < partitions->cnt; i++) {
		const rd_kafka_topic_partition_t *partition = &partitions->elems[i];
		rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(rk, partition->topic, partition->partition);
		if (queue)
			fetch->partitions[fetch->partition_count++] = queue;
	}
	kafka_fetch_forward(fetch);
}

void kafka_fetch_drop(struct kafka_fetch *fetch)
{
	while (fetch->undelivered_begin < fetch->undelivered_end)
		rd_kafka_message_destroy(fetch->undelivered[fetch->undelivered_begin++]);
	fetch->undelivered_begin = fetch->undelivered_end = 0;
	kafka_queue_drain(fetch->queue);
}

void kafka_fetch_invalidate(struct kafka_fetch *fetch)
{
	fetch->generation++;
	fetch->dropped = 0;
	kafka_fetch_drop(fetch);
}

void kafka_fetch_done(struct kafka_fetch *fetch)
{
	assert(!fetch->batches);
	partitions_release(fetch);
	if (fetch->queue) {
		kafka_fetch_drop(fetch);
		rd_kafka_queue_io_event_enable(fetch->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(fetch->queue);
	}
	free(fetch->undelivered);
}

/* ---- messages ---- */

static bool undelivered_reserve(struct kafka_fetch *fetch, size_t count)
{
	if (fetch->undelivered_begin == fetch->undelivered_end)
		fetch->undelivered_begin = fetch->undelivered_end = 0;
	if (fetch->undelivered_capacity - fetch->undelivered_end >= count)
		return true;
	size_t capacity = fetch->undelivered_end + count;
	rd_kafka_message_t **undelivered = realloc(fetch->undelivered, capacity * sizeof(rd_kafka_message_t *));
	if (!undelivered)
		return false;
	fetch->undelivered = undelivered;
	fetch->undelivered_capacity = capacity;
	return true;
}

void kafka_fetch_keep(struct kafka_fetch *fetch, rd_kafka_message_t *message)
{
	if (undelivered_reserve(fetch, 1)) {
		fetch->undelivered[fetch->undelivered_end++] = message;
		return;
	}
	rd_kafka_message_destroy(message);
	fetch->dropped++;
}

/* Takes up to `count` more from librdkafka; false when nothing came. */
static bool fetch_more(struct kafka_fetch *fetch, size_t count, struct msp_error *pending)
{
	if (!undelivered_reserve(fetch, count))
		return false;
	rd_kafka_message_t **to = fetch->undelivered + fetch->undelivered_end;
	ssize_t taken = rd_kafka_consume_batch_queue(fetch->queue, 0, to, count);
	for (ssize_t i = 0; i < taken; i++) {
		if (to[i]->err) {
			kafka_error_set(pending, to[i]->err, rd_kafka_message_errstr(to[i]), "topic %s", fetch->topic);
			rd_kafka_message_destroy(to[i]);
		} else {
			fetch->undelivered[fetch->undelivered_end++] = to[i];
		}
	}
	return taken > 0;
}

/* How many of the undelivered messages one batch may have; takes more while there is room. */
static size_t fetch_fill(struct kafka_fetch *fetch, const struct msp_receive_limits *limits, struct msp_error *pending)
{
	size_t count = 0, bytes = 0;
	for (;;) {
		while (count < limits->max_messages && fetch->undelivered_begin + count < fetch->undelivered_end) {
			bytes += kafka_message_size(fetch->undelivered[fetch->undelivered_begin + count]);
			if (count > 0 && bytes > limits->max_bytes)
				return count;
			count++;
		}
		size_t room = limits->max_messages - count;
		if (room == 0 || !fetch_more(fetch, room < TAKE_MAX ? room : TAKE_MAX, pending))
			return count;
	}
}

enum msp_status kafka_fetch_take(struct kafka_fetch *fetch, const struct msp_receive_limits *limits,
                                 struct kafka_batch **ret_batch, struct msp_error *pending, struct msp_error *err)
{
	fetch->was_full |= rd_kafka_queue_length(fetch->queue) >= fetch->prefetch_max;
	size_t count = fetch_fill(fetch, limits, pending);
	*ret_batch = NULL;
	if (count == 0)
		return MSP_OK;
	struct kafka_batch *batch = kafka_batch_new(fetch->undelivered + fetch->undelivered_begin, count, fetch->topic);
	if (!batch)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu messages", count);
	fetch->undelivered_begin += count;
	fetch->is_restarted = false;
	batch->generation = fetch->generation;
	batch->next = fetch->batches;
	fetch->batches = batch;
	*ret_batch = batch;
	return MSP_OK;
}

void kafka_fetch_free(struct kafka_fetch *fetch, struct kafka_batch *batch)
{
	struct kafka_batch **link = &fetch->batches;
	while (*link && *link != batch)
		link = &(*link)->next;
	assert(*link);
	*link = batch->next;
	if (!batch->settled && batch->generation == fetch->generation)
		fetch->dropped += batch->base.count;
	kafka_batch_free(batch);
}

bool kafka_fetch_is_valid(const struct kafka_fetch *fetch, const struct kafka_batch *batch)
{
	return batch->generation == fetch->generation && fetch->dropped == 0;
}

size_t kafka_fetch_unsettled(const struct kafka_fetch *fetch)
{
	size_t count =
	    fetch->dropped + rd_kafka_queue_length(fetch->queue) + fetch->undelivered_end - fetch->undelivered_begin;
	for (const struct kafka_batch *batch = fetch->batches; batch; batch = batch->next)
		if (!batch->settled && batch->generation == fetch->generation)
			count += batch->base.count;
	return count;
}

bool kafka_fetch_has_room_again(struct kafka_fetch *fetch)
{
	if (!fetch->was_full || rd_kafka_queue_length(fetch->queue) > fetch->prefetch_max / 2)
		return false;
	fetch->was_full = false;
	return true;
}
