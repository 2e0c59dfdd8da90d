#include "batch.h"
#include "error.h"
#include "topic.h"

#include <assert.h>
#include <inttypes.h>
#include <msp/backoff.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TAKE_MAX 1024
/* wake has to be noticed while librdkafka waits for messages. */
#define WAIT_SLICE_MS 50

/* How far a partition is read. */
struct partition {
	int64_t start;
	int64_t end;    /* stop here with stop_at_end */
	bool is_oldest; /* nothing is before `start` */
	bool ended;
	int64_t skip; /* so many messages before the first one that is wanted */
};

struct kafka_reader {
	struct msp_reader base;
	struct kafka_client client;
	char *topic;
	bool stop_at_end;
	int64_t end_timestamp_ms;
	rd_kafka_queue_t *queue;
	size_t queue_full;            /* length at which librdkafka stops fetching */
	bool was_full;                /* and has not been asked to look again */
	struct partition *partitions; /* by partition */
	int32_t partition_count;
	int32_t reading; /* partitions that have not ended */
	rd_kafka_message_t *taken[TAKE_MAX];
	size_t taken_begin, taken_end;
	struct kafka_batch *batch; /* lent by the last read */
	atomic_bool woken;
	rd_kafka_resp_err_t pending; /* the error of a partition that the next read reports */
};

static struct kafka_reader *reader_cast(struct msp_reader *reader)
{
	assert(reader);
	return (struct kafka_reader *)reader;
}

/* ---- reading ---- */

static void partition_end(struct kafka_reader *reader, int32_t partition)
{
	if (!reader->partitions[partition].ended) {
		reader->partitions[partition].ended = true;
		reader->reading--;
	}
}

/* True: the message is to be delivered. */
static bool message_accept(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		if (reader->stop_at_end)
			partition_end(reader, message->partition);
		return false;
	}
	if (message->err) {
		reader->pending = message->err;
		return false;
	}
	struct partition *partition = &reader->partitions[message->partition];
	bool after_end = reader->stop_at_end && message->offset >= partition->end;
	if (reader->end_timestamp_ms != MSP_TIMESTAMP_NONE && !partition->ended) {
		rd_kafka_timestamp_type_t type;
		after_end |= rd_kafka_message_timestamp(message, &type) >= reader->end_timestamp_ms;
	}
	if (after_end || partition->ended) {
		partition_end(reader, message->partition);
		return false;
	}
	if (reader->stop_at_end && message->offset + 1 == partition->end)
		partition_end(reader, message->partition);
	if (partition->skip > 0) {
		partition->skip--;
		return false;
	}
	return true;
}

/* Before 2.2, librdkafka's fetcher looks up only once a second after its queue was full. */
static void reader_watch_queue(struct kafka_reader *reader)
{
	size_t length = rd_kafka_queue_length(reader->queue);
	if (length >= reader->queue_full) {
		reader->was_full = true;
	} else if (reader->was_full && length <= reader->queue_full / 2) {
		rd_kafka_topic_partition_list_t *assignment = NULL;
		reader->was_full = false;
		if (rd_kafka_version() < 0x02020000 && !rd_kafka_assignment(reader->client.rk, &assignment)) {
			kafka_leaders_nudge(&reader->client, assignment);
			rd_kafka_topic_partition_list_destroy(assignment);
		}
	}
}

/* Takes what librdkafka has and keeps what is to be delivered. */
static void reader_take(struct kafka_reader *reader, int timeout_ms)
{
	if (reader->taken_begin < reader->taken_end)
		return;
	reader->taken_begin = reader->taken_end = 0;
	reader_watch_queue(reader);
	ssize_t count = rd_kafka_consume_batch_queue(reader->queue, timeout_ms, reader->taken, 1);
	if (count == 1) {
		ssize_t more = rd_kafka_consume_batch_queue(reader->queue, 0, reader->taken + 1, TAKE_MAX - 1);
		count += more > 0 ? more : 0;
	}
	for (ssize_t i = 0; i < count; i++) {
		if (message_accept(reader, reader->taken[i]))
			reader->taken[reader->taken_end++] = reader->taken[i];
		else
			rd_kafka_message_destroy(reader->taken[i]);
	}
}

static enum msp_status reader_lend(struct kafka_reader *reader, const struct msp_receive_limits *limits,
                                   const struct msp_message **ret_messages, size_t *ret_count, struct msp_error *err)
{
	size_t count = 0, bytes = 0, there = reader->taken_end - reader->taken_begin;
	rd_kafka_message_t **taken = reader->taken + reader->taken_begin;
	while (count < there && count < limits->max_messages) {
		bytes += kafka_message_size(taken[count]);
		if (count > 0 && bytes > limits->max_bytes)
			break;
		count++;
	}
	if (count == 0)
		return MSP_OK;
	reader->batch = kafka_batch_new(taken, count, reader->topic);
	if (!reader->batch)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu messages", count);
	reader->taken_begin += count;
	*ret_messages = reader->batch->base.messages;
	*ret_count = count;
	return MSP_OK;
}

static enum msp_status reader_read(struct msp_reader *base, const struct msp_receive_limits *limits,
                                   const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
                                   struct msp_error *err)
{
	struct kafka_reader *reader = reader_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + limits->timeout_ms;
	kafka_batch_free(reader->batch);
	reader->batch = NULL;
	*ret_messages = NULL;
	*ret_count = 0;
	for (bool first = true;; first = false) {
		kafka_client_poll(&reader->client);
		int64_t left_ms = deadline_ms - msp_monotonic_ms();
		bool over = left_ms <= 0 || atomic_exchange(&reader->woken, false);
		if (reader->reading > 0 && (first || !over))
			reader_take(reader, over ? 0 : left_ms < WAIT_SLICE_MS ? (int)left_ms : WAIT_SLICE_MS);
		bool empty = reader->taken_begin == reader->taken_end;
		if (!empty || over || reader->reading == 0 || reader->pending)
			break;
	}
	if (reader->pending) {
		rd_kafka_resp_err_t code = reader->pending;
		reader->pending = RD_KAFKA_RESP_ERR_NO_ERROR;
		return kafka_client_error(&reader->client, code, err, "topic %s", reader->topic);
	}
	enum msp_status status = reader_lend(reader, limits, ret_messages, ret_count, err);
	*ret_end = reader->reading == 0 && reader->taken_begin == reader->taken_end;
	if (status == MSP_OK && *ret_count == 0 && !*ret_end && reader->client.down) {
		reader->client.down = false; /* said once per loss of connection */
		return kafka_client_error(&reader->client, RD_KAFKA_RESP_ERR__TRANSPORT, err, "the broker does not answer");
	}
	return status;
}

static void reader_wake(struct msp_reader *base)
{
	atomic_store(&reader_cast(base)->woken, true);
}

static void reader_free(struct msp_reader *base)
{
	if (!base)
		return;
	struct kafka_reader *reader = reader_cast(base);
	kafka_batch_free(reader->batch);
	while (reader->taken_begin < reader->taken_end)
		rd_kafka_message_destroy(reader->taken[reader->taken_begin++]);
	if (reader->queue)
		rd_kafka_queue_destroy(reader->queue);
	if (reader->client.rk)
		rd_kafka_consumer_close(reader->client.rk);
	kafka_client_done(&reader->client);
	free(reader->partitions);
	free(reader->topic);
	free(reader);
}

/* ---- opening ---- */

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static int64_t start_offset(const struct msp_reader_config *config, int64_t oldest, int64_t newest, int64_t stamped)
{
	switch (config->start) {
	case MSP_START_END:
		return newest;
	case MSP_START_POSITION:
		return clamp(config->number, oldest, newest);
	case MSP_START_TAIL:
		return clamp(newest - config->number, oldest, newest);
	case MSP_START_TIMESTAMP:
		if (config->number <= 0)
			return oldest; /* librdkafka 2.8 finds nothing from the time 0 on */
		return stamped < 0 ? newest : stamped;
	default:
		return oldest;
	}
}

/* The three offsets of each partition that start_offset chooses from. */
struct bounds {
	rd_kafka_topic_partition_list_t *oldest, *newest, *stamped;
};

static enum msp_status bounds_query(struct kafka_reader *reader, const struct msp_reader_config *config,
                                    struct bounds *bounds, struct msp_error *err)
{
	int64_t timestamp_ms = config->start == MSP_START_TIMESTAMP ? config->number : RD_KAFKA_OFFSET_END;
	bounds->oldest = kafka_partitions_new(reader->topic, reader->partition_count, RD_KAFKA_OFFSET_BEGINNING);
	bounds->newest = kafka_partitions_new(reader->topic, reader->partition_count, RD_KAFKA_OFFSET_END);
	bounds->stamped = kafka_partitions_new(reader->topic, reader->partition_count, timestamp_ms);
	enum msp_status status = kafka_offsets_query(&reader->client, bounds->oldest, KAFKA_OPEN_TIMEOUT_MS, err);
	if (status == MSP_OK)
		status = kafka_offsets_query(&reader->client, bounds->newest, KAFKA_OPEN_TIMEOUT_MS, err);
	if (status == MSP_OK && config->start == MSP_START_TIMESTAMP)
		status = kafka_offsets_query(&reader->client, bounds->stamped, KAFKA_OPEN_TIMEOUT_MS, err);
	return status;
}

static void bounds_done(struct bounds *bounds)
{
	if (bounds->oldest) {
		rd_kafka_topic_partition_list_destroy(bounds->oldest);
		rd_kafka_topic_partition_list_destroy(bounds->newest);
		rd_kafka_topic_partition_list_destroy(bounds->stamped);
	}
}

/* Where the last messages of a partition begin. */
struct tail {
	int64_t start;
	int64_t skip; /* so many messages after `start` */
};

/* `tails` as reader_start. */
static enum msp_status reader_assign(struct kafka_reader *reader, const struct msp_reader_config *config,
                                     const struct tail *tails, const struct bounds *bounds, struct msp_error *err)
{
	rd_kafka_topic_partition_list_t *assignment = rd_kafka_topic_partition_list_new(reader->partition_count);
	for (int32_t i = 0; i < reader->partition_count; i++) {
		struct partition *partition = &reader->partitions[i];
		partition->ended = partition->is_oldest = true;
		if (config->partition != MSP_PARTITION_ANY && config->partition != i)
			continue;
		partition->end = bounds->newest->elems[i].offset;
		int64_t oldest = bounds->oldest->elems[i].offset;
		partition->start =
		    tails ? tails[i].start : start_offset(config, oldest, partition->end, bounds->stamped->elems[i].offset);
		partition->skip = tails ? tails[i].skip : 0;
		partition->is_oldest = partition->start <= oldest;
		if (reader->stop_at_end && partition->start >= partition->end)
			continue;
		partition->ended = false;
		reader->reading++;
		rd_kafka_topic_partition_list_add(assignment, reader->topic, i)->offset = partition->start;
	}
	rd_kafka_resp_err_t code = rd_kafka_assign(reader->client.rk, assignment);
	rd_kafka_topic_partition_list_destroy(assignment);
	return code ? kafka_error_set(err, code, NULL, "topic %s", reader->topic) : MSP_OK;
}

/* With `tails`, of each partition, the start is there and not what `config` says. */
static enum msp_status reader_start(struct kafka_reader *reader, const struct msp_reader_config *config,
                                    const struct tail *tails, struct msp_error *err)
{
	enum msp_status status = kafka_topic_partition_count(&reader->client, reader->topic, KAFKA_OPEN_TIMEOUT_MS,
	                                                     &reader->partition_count, err);
	if (status != MSP_OK)
		return status;
	if (config->partition >= reader->partition_count)
		return msp_error_set(err, MSP_E_NOT_FOUND, "topic %s has no partition %" PRId32, reader->topic,
		                     config->partition);
	reader->partitions = calloc((size_t)reader->partition_count, sizeof(*reader->partitions));
	if (!reader->partitions)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %" PRId32 " partitions", reader->partition_count);
	struct bounds bounds = {0};
	status = bounds_query(reader, config, &bounds, err);
	if (status == MSP_OK)
		status = reader_assign(reader, config, tails, &bounds, err);
	bounds_done(&bounds);
	return status;
}

static enum msp_status reader_connect(struct kafka_reader *reader, const struct kafka_settings *settings,
                                      struct msp_error *err)
{
	rd_kafka_conf_t *conf;
	enum msp_status status = kafka_conf_new(settings, KAFKA_CONSUMER, &conf, err);
	if (status != MSP_OK)
		return status;
	/* librdkafka wants a group for any assignment; nothing is ever committed or joined. */
	kafka_conf_set(conf, "group.id", "msp-reader");
	kafka_conf_set(conf, "enable.auto.commit", "false");
	kafka_conf_set(conf, "enable.partition.eof", "true");
	status = kafka_client_init(&reader->client, RD_KAFKA_CONSUMER, conf, reader, err);
	if (status == MSP_OK) {
		reader->queue_full = kafka_prefetch_messages(&settings->options);
		reader->queue = rd_kafka_queue_get_consumer(reader->client.rk);
	}
	return status;
}

static const struct msp_reader_ops READER_OPS = {
    .read = reader_read,
    .wake = reader_wake,
    .free = reader_free,
};

static enum msp_status reader_open(const struct kafka_settings *settings, const struct msp_reader_config *config,
                                   const struct tail *tails, struct kafka_reader **ret_reader, struct msp_error *err)
{
	struct kafka_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	reader->base.ops = &READER_OPS;
	reader->stop_at_end = config->stop_at_end;
	reader->end_timestamp_ms = config->end_timestamp_ms;
	enum msp_status status = MSP_OK;
	if (!(reader->topic = strdup(config->topic)))
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	if (status == MSP_OK)
		status = reader_connect(reader, settings, err);
	if (status == MSP_OK)
		status = reader_start(reader, config, tails, err);
	if (status != MSP_OK) {
		reader_free(&reader->base);
		return status;
	}
	*ret_reader = reader;
	return MSP_OK;
}

/* ---- the last messages ---- */

/* Reads the probe to its end and counts the messages of each partition. */
static enum msp_status probe_count(struct kafka_reader *probe, int64_t *counts, struct msp_error *err)
{
	int64_t deadline_ms = msp_monotonic_ms() + KAFKA_OPEN_TIMEOUT_MS;
	while (probe->reading > 0) {
		kafka_client_poll(&probe->client);
		reader_take(probe, WAIT_SLICE_MS);
		if (probe->taken_begin < probe->taken_end)
			deadline_ms = msp_monotonic_ms() + KAFKA_OPEN_TIMEOUT_MS;
		while (probe->taken_begin < probe->taken_end) {
			rd_kafka_message_t *message = probe->taken[probe->taken_begin++];
			counts[message->partition]++;
			rd_kafka_message_destroy(message);
		}
		rd_kafka_resp_err_t code = probe->pending;
		if (!code && kafka_left_ms(deadline_ms) == 0)
			code = RD_KAFKA_RESP_ERR__TIMED_OUT;
		if (code)
			return kafka_client_error(&probe->client, code, err, "topic %s", probe->topic);
	}
	return MSP_OK;
}

/* False: a partition has fewer than `number` messages from where the probe began, and may have more before. */
static bool tails_make(const struct kafka_reader *probe, const int64_t *counts, int64_t number, struct tail *tails)
{
	bool enough = true;
	for (int32_t i = 0; i < probe->partition_count; i++) {
		tails[i].start = probe->partitions[i].start;
		tails[i].skip = counts[i] > number ? counts[i] - number : 0;
		enough &= counts[i] >= number || probe->partitions[i].is_oldest;
	}
	return enough;
}

/* Tries so many offsets before the end. */
static enum msp_status tails_try(const struct kafka_settings *settings, const struct msp_reader_config *config,
                                 int64_t width, struct tail **ret_tails, bool *ret_enough, struct msp_error *err)
{
	struct msp_reader_config probe_config = *config;
	struct kafka_reader *probe;
	probe_config.number = width;
	probe_config.stop_at_end = true;
	enum msp_status status = reader_open(settings, &probe_config, NULL, &probe, err);
	if (status != MSP_OK)
		return status;
	struct tail *tails = calloc((size_t)probe->partition_count + 1, sizeof(*tails));
	int64_t *counts = calloc((size_t)probe->partition_count + 1, sizeof(*counts));
	if (tails && counts)
		status = probe_count(probe, counts, err);
	else
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %" PRId32 " partitions", probe->partition_count);
	*ret_enough = status == MSP_OK && tails_make(probe, counts, config->number, tails);
	free(counts);
	reader_free(&probe->base);
	if (status == MSP_OK)
		*ret_tails = tails;
	else
		free(tails);
	return status;
}

/* Markers of transactions and aborted records take offsets, so that the last messages may begin further back than their
 * number. The caller frees *ret_tails. */
static enum msp_status tails_find(const struct kafka_settings *settings, const struct msp_reader_config *config,
                                  struct tail **ret_tails, struct msp_error *err)
{
	bool enough = false;
	enum msp_status status = MSP_OK;
	for (int64_t width = config->number; status == MSP_OK && !enough; width *= 4) {
		struct tail *tails = NULL;
		bool is_widest = width > INT64_MAX / 4;
		status = tails_try(settings, config, width, &tails, &enough, err);
		free(*ret_tails);
		*ret_tails = tails;
		enough |= is_widest;
	}
	return status;
}

enum msp_status kafka_reader_open(const struct kafka_settings *settings, const struct msp_reader_config *config,
                                  struct msp_reader **ret_reader, struct msp_error *err)
{
	if (config->start == MSP_START_POSITION && config->id)
		return msp_error_set(err, MSP_E_INVALID, "positions of a Kafka topic are offsets, not ids");
	struct tail *tails = NULL;
	struct kafka_reader *reader;
	enum msp_status status = MSP_OK;
	if (config->start == MSP_START_TAIL && config->number > 0)
		status = tails_find(settings, config, &tails, err);
	if (status == MSP_OK)
		status = reader_open(settings, config, tails, &reader, err);
	if (status == MSP_OK)
		*ret_reader = &reader->base;
	free(tails);
	return status;
}
