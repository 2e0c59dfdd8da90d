#include "entries.h"
#include "reply.h"
#include "transport.h"
#include "wakeup.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_TIMEOUT_MS 10000
/* Of those, for the connection. A server that is away is for the caller to wait for, whom a stop can wake. */
#define CONNECT_TIMEOUT_MS 2000
#define BLOCK_MS           2000
/* How many entries are asked for until their size is known. */
#define FIRST_COUNT 100

struct redis_reader {
	struct msp_reader base;
	struct redis_client client;
	struct redis_wakeup wakeup;
	char *topic;              /* owned */
	char last[REDIS_ID_SIZE]; /* id of the last entry that was read, or the one before the first to be read */
	char end[REDIS_ID_SIZE];  /* id of the last entry to be read; "": none, it follows */
	int64_t end_timestamp_ms;
	bool ended;
	bool asked; /* an answer is due, perhaps since an earlier call */
	size_t mean_bytes;
	struct redis_entries *entries; /* owned; of the last answer */
};

static const struct msp_reader_ops READER_OPS;

static struct redis_reader *reader_cast(struct msp_reader *reader)
{
	assert(reader && reader->ops == &READER_OPS);
	return (struct redis_reader *)reader;
}

/* ---- reading ---- */

static size_t count_for(const struct redis_reader *reader, const struct msp_receive_limits *limits)
{
	size_t count = reader->mean_bytes ? limits->max_bytes / reader->mean_bytes : FIRST_COUNT;
	if (count > limits->max_messages)
		count = limits->max_messages;
	return count ? count : 1;
}

static void reader_ask(struct redis_reader *reader, const struct msp_receive_limits *limits)
{
	struct redis_link *link = &reader->client.link;
	char count[24], block[16], from[REDIS_ID_SIZE + 1];
	snprintf(count, sizeof(count), "%zu", count_for(reader, limits));
	snprintf(block, sizeof(block), "%d", BLOCK_MS);
	snprintf(from, sizeof(from), "(%s", reader->last);
	if (reader->end[0])
		redis_put_command(&link->out, "XRANGE", reader->topic, from, reader->end, "COUNT", count, (char *)NULL);
	else
		redis_put_command(&link->out, "XREAD", "COUNT", count, "BLOCK", block, "STREAMS", reader->topic, reader->last,
		                  (char *)NULL);
	link->extra_ms = reader->end[0] ? 0 : BLOCK_MS;
	redis_link_expect(link, 0, 0);
	reader->asked = true;
}

/* NULL: there are none. False: the answer is something else; XRANGE's is nothing but entries. */
static bool reply_find(const struct redis_reader *reader, const redisReply *reply, const redisReply **ret_entries)
{
	if (!reader->end[0])
		return redis_entries_find(reply, ret_entries);
	*ret_entries = reply->elements > 0 ? reply : NULL;
	return redis_reply_is_array(reply);
}

/* Cuts off what lies at or after the end by time. */
static void entries_cut(struct redis_reader *reader)
{
	struct redis_entries *entries = reader->entries;
	if (reader->end_timestamp_ms == MSP_TIMESTAMP_NONE)
		return;
	while (entries->count > 0 && entries->messages[entries->count - 1].timestamp_ms >= reader->end_timestamp_ms) {
		entries->count--;
		reader->ended = true;
	}
}

static enum msp_status reader_take(struct redis_reader *reader, struct msp_error *err)
{
	redisReply *reply = reader->client.reply;
	reader->client.reply = NULL;
	reader->asked = false;
	const redisReply *entries;
	if (!reply_find(reader, reply, &entries)) {
		enum msp_status status = redis_reply_error(reader->topic, reply, err);
		freeReplyObject(reply);
		return status;
	}
	if (!entries) {
		reader->ended = reader->end[0] != '\0';
		freeReplyObject(reply);
		return MSP_OK;
	}
	enum msp_status status = redis_entries_new(reply, entries, reader->topic, &reader->entries, err);
	if (status != MSP_OK)
		return status;
	snprintf(reader->last, sizeof(reader->last), "%s", reader->entries->messages[reader->entries->count - 1].id);
	if (reader->end[0] && redis_id_compare(reader->last, reader->end) >= 0)
		reader->ended = true;
	reader->mean_bytes = redis_entries_mean_bytes(reader->entries);
	entries_cut(reader);
	return MSP_OK;
}

/* Asks, waits for the answer and takes it. MSP_OK without entries: nothing came in time. */
static enum msp_status reader_fetch(struct redis_reader *reader, const struct msp_receive_limits *limits,
                                    int64_t deadline_ms, struct msp_error *err)
{
	struct redis_client *client = &reader->client;
	if (client->was_down || !redis_link_is_up(&client->link))
		reader->asked = false;
	enum msp_status status = redis_client_ready(client, deadline_ms, err);
	if (status != MSP_OK || client->woken)
		return status;
	if (!reader->asked)
		reader_ask(reader, limits);
	status = redis_client_wait(client, deadline_ms, err);
	return status == MSP_OK && client->reply ? reader_take(reader, err) : status;
}

static void entries_drop(struct redis_reader *reader)
{
	if (reader->entries && reader->entries->given < reader->entries->count)
		return;
	redis_entries_free(reader->entries);
	reader->entries = NULL;
}

static enum msp_status reader_read(struct msp_reader *base, const struct msp_receive_limits *limits,
                                   const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
                                   struct msp_error *err)
{
	struct redis_reader *reader = reader_cast(base);
	int64_t deadline_ms = msp_deadline_in(limits->timeout_ms);
	enum msp_status status = MSP_OK;
	*ret_messages = NULL;
	*ret_count = 0;
	entries_drop(reader);
	while (!reader->entries && !reader->ended && status == MSP_OK && !redis_wakeup_take(&reader->wakeup)) {
		status = reader_fetch(reader, limits, deadline_ms, err);
		entries_drop(reader); /* one that the end by time has emptied */
		if (!reader->entries && msp_monotonic_ms() >= deadline_ms)
			break;
	}
	if (reader->entries) {
		*ret_count = redis_entries_fit(reader->entries, limits);
		*ret_messages = reader->entries->messages + reader->entries->given;
		reader->entries->given += *ret_count;
	}
	*ret_end = reader->ended && (!reader->entries || reader->entries->given == reader->entries->count);
	return status;
}

static void reader_wake(struct msp_reader *base)
{
	redis_wakeup_wake(&reader_cast(base)->wakeup);
}

static void reader_free(struct msp_reader *base)
{
	if (!base)
		return;
	struct redis_reader *reader = reader_cast(base);
	redis_client_done(&reader->client);
	redis_wakeup_done(&reader->wakeup);
	redis_entries_free(reader->entries);
	free(reader->topic);
	free(reader);
}

/* ---- opening ---- */

/* The greatest id before "<ms>-<number>", so that reading after it begins with that one. */
static enum msp_status id_before(const char *id, char before[static REDIS_ID_SIZE], struct msp_error *err)
{
	char *rest;
	unsigned long long ms = strtoull(id, &rest, 10), number = *rest == '-' ? strtoull(rest + 1, &rest, 10) : 0;
	if (id[0] < '0' || id[0] > '9' || *rest)
		return msp_error_set(err, MSP_E_INVALID, "\"%s\" is no id of an entry, like 1526919030474-55", id);
	if (number > 0)
		snprintf(before, REDIS_ID_SIZE, "%llu-%llu", ms, number - 1);
	else if (ms > 0)
		snprintf(before, REDIS_ID_SIZE, "%llu-%llu", ms - 1, (unsigned long long)UINT64_MAX);
	else
		snprintf(before, REDIS_ID_SIZE, "0-0");
	return MSP_OK;
}

static enum msp_status tail_start(struct redis_reader *reader, int64_t number, int64_t deadline_ms,
                                  struct msp_error *err)
{
	char count[24];
	redisReply *reply;
	snprintf(count, sizeof(count), "%lld", (long long)number);
	redis_put_command(&reader->client.link.out, "XREVRANGE", reader->topic, "+", "-", "COUNT", count, (char *)NULL);
	redis_link_expect(&reader->client.link, 0, 0);
	enum msp_status status = redis_client_result(&reader->client, reader->topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	const redisReply *first = redis_reply_at(redis_reply_at(reply, reply->elements - 1), 0);
	if (redis_id_is(first))
		status = id_before(first->str, reader->last, err);
	else if (!redis_reply_is_array(reply) || reply->elements > 0)
		status = redis_reply_error(reader->topic, reply, err);
	freeReplyObject(reply);
	return status;
}

static enum msp_status reader_start(struct redis_reader *reader, const struct msp_reader_config *config,
                                    const char *newest, int64_t deadline_ms, struct msp_error *err)
{
	char id[REDIS_ID_SIZE];
	snprintf(reader->last, sizeof(reader->last), "0-0");
	if (config->stop_at_end)
		snprintf(reader->end, sizeof(reader->end), "%s", newest);
	switch (config->start) {
	case MSP_START_BEGINNING:
		return MSP_OK;
	case MSP_START_POSITION:
		if (!config->id)
			return msp_error_set(err, MSP_E_INVALID, "positions are ids of entries here, like 1526919030474-55");
		return id_before(config->id, reader->last, err);
	case MSP_START_TIMESTAMP:
		snprintf(id, sizeof(id), "%lld-0", (long long)(config->number > 0 ? config->number : 0));
		return id_before(id, reader->last, err);
	case MSP_START_TAIL:
		if (config->number > 0)
			return tail_start(reader, config->number, deadline_ms, err);
		break;
	case MSP_START_END:
		break;
	}
	snprintf(reader->last, sizeof(reader->last), "%s", newest);
	return MSP_OK;
}

static enum msp_status reader_init(struct redis_reader *reader, const struct msp_reader_config *config,
                                   struct msp_error *err)
{
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = now_ms + OPEN_TIMEOUT_MS;
	redisReply *info = NULL;
	reader->topic = strdup(config->topic);
	if (!reader->topic)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	if (config->partition > 0)
		return msp_error_set(err, MSP_E_NOT_FOUND, "topics have no partitions here");
	enum msp_status status = redis_wakeup_init(&reader->wakeup, err);
	if (status == MSP_OK)
		status = redis_client_ready(&reader->client, now_ms + CONNECT_TIMEOUT_MS, err);
	if (status == MSP_OK)
		status = redis_client_describe(&reader->client, reader->topic, deadline_ms, &info, err);
	if (status != MSP_OK)
		return status;
	const redisReply *newest = redis_reply_field(info, "last-generated-id");
	status = reader_start(reader, config, newest ? redis_reply_text(newest) : "0-0", deadline_ms, err);
	freeReplyObject(info);
	reader->ended = reader->end[0] && redis_id_compare(reader->last, reader->end) >= 0;
	reader->client.wake = reader->wakeup.fd;
	return status;
}

enum msp_status redis_reader_open(struct redis_transport *transport, const struct msp_reader_config *config,
                                  struct msp_reader **ret_reader, struct msp_error *err)
{
	struct redis_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	reader->base.ops = &READER_OPS;
	reader->end_timestamp_ms = config->end_timestamp_ms;
	reader->wakeup.fd = -1;
	redis_client_init(&reader->client, &transport->endpoint, "msp-reader");
	enum msp_status status = reader_init(reader, config, err);
	if (status == MSP_OK)
		*ret_reader = &reader->base;
	else
		reader_free(&reader->base);
	return status;
}

static const struct msp_reader_ops READER_OPS = {
    .read = reader_read,
    .wake = reader_wake,
    .free = reader_free,
};
