#include "batch.h"

#include <stdlib.h>

/* Headers are 2 GiB at most in all; a broker's message is far smaller. */
#define HEADERS_MAX_BYTES ((size_t)1 << 31)

static bool headers_read(struct msp_arena *arena, const rd_kafka_message_t *raw, struct msp_message *message)
{
	rd_kafka_headers_t *list;
	if (rd_kafka_message_headers(raw, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return true; /* none */
	size_t count = rd_kafka_header_cnt(list);
	struct msp_header *headers = msp_arena_alloc_array(arena, count, sizeof(*headers));
	if (!headers)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		const void *value;
		size_t size;
		rd_kafka_header_get_all(list, i, &name, &value, &size);
		headers[i] = (struct msp_header){msp_bytes_of_string(name), msp_bytes_of(value, size)};
	}
	message->headers = headers;
	message->header_count = count;
	return true;
}

static bool message_read(struct msp_arena *arena, const rd_kafka_message_t *raw, const char *topic,
                         struct msp_message *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(raw, &type);
	*message = (struct msp_message){
	    .key = {raw->key, raw->key ? raw->key_len : 0},
	    .value = {raw->payload, raw->payload ? raw->len : 0},
	    .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? MSP_TIMESTAMP_NONE : timestamp_ms,
	    .topic = topic,
	    .partition = raw->partition,
	    .offset = raw->offset,
	};
	return headers_read(arena, raw, message);
}

struct kafka_batch *kafka_batch_new(rd_kafka_message_t **raw, size_t count, const char *topic)
{
	struct kafka_batch *batch = calloc(1, sizeof(*batch));
	struct msp_message *messages = malloc(count * sizeof(*messages));
	rd_kafka_message_t **owned = malloc(count * sizeof(rd_kafka_message_t *));
	if (!batch || !messages || !owned)
		goto out;
	msp_arena_init(&batch->headers, HEADERS_MAX_BYTES);
	for (size_t i = 0; i < count; i++)
		if (!message_read(&batch->headers, raw[i], topic, &messages[i])) {
			msp_arena_done(&batch->headers);
			goto out;
		}
	memcpy(owned, raw, count * sizeof(rd_kafka_message_t *));
	batch->base = (struct msp_batch){messages, count};
	batch->raw = owned;
	return batch;
out:
	free(owned);
	free(messages);
	free(batch);
	return NULL;
}

void kafka_batch_free(struct kafka_batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->base.count; i++)
		rd_kafka_message_destroy(batch->raw[i]);
	msp_arena_done(&batch->headers);
	free((void *)(uintptr_t)batch->base.messages);
	free(batch->raw);
	free(batch);
}

rd_kafka_topic_partition_list_t *kafka_batch_offsets(const struct kafka_batch *batch)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(4);
	rd_kafka_topic_partition_t *last = NULL;
	for (size_t i = 0; i < batch->base.count; i++) {
		const struct msp_message *message = &batch->base.messages[i];
		if (!last || last->partition != message->partition) {
			last = rd_kafka_topic_partition_list_find(offsets, message->topic, message->partition);
			if (!last)
				last = rd_kafka_topic_partition_list_add(offsets, message->topic, message->partition);
		}
		last->offset = message->offset + 1;
	}
	return offsets;
}

size_t kafka_message_size(const rd_kafka_message_t *message)
{
	return message->len + message->key_len;
}

void kafka_queue_drain(rd_kafka_queue_t *queue)
{
	rd_kafka_message_t *message;
	while (rd_kafka_consume_batch_queue(queue, 0, &message, 1) == 1)
		rd_kafka_message_destroy(message);
}
