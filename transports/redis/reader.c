#include "page.h"
#include "reply.h"
#include "transport.h"
#include "wakeup.h"
#include <assert.h>
#include <msp/backoff.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_TIMEOUT_MS 10000
/* Of those, for the connection. A server that is away is for the caller to wait for, whom a stop can wake. */
#define CONNECT_TIMEOUT_MS 2000
#define BLOCK_MS           2000
/* How many entries are asked for until their size is known. */
#define FIRST_COUNT 100

struct rds_reader {
	struct msp_reader base;
	struct rds_client client;
	struct rds_wakeup wakeup;
	char *topic;            /* owned */
	char last[RDS_ID_SIZE]; /* id of the last entry that was read, or the one before the first to be read */
	char end[RDS_ID_SIZE];  /* id of the last entry to be read; "": none, it follows */
	int64_t end_timestamp_ms;
	bool ended;
	bool asked; /* an answer is due, perhaps since an earlier call */
	size_t mean_bytes;
	struct rds_page *page; /* owned */
};

static const struct msp_reader_ops READER_OPS; /* at the end */

static struct rds_reader *reader_cast(struct msp_reader *reader)
{
	assert(reader && reader->ops == &READER_OPS);
	return (struct rds_reader *)reader;
}

/* ---- reading ---- */

static size_t count_for(const struct rds_reader *reader, const struct msp_receive_limits *limits)
{
	size_t count = reader->mean_bytes ? limits->max_bytes / reader->mean_bytes : FIRST_COUNT;
	if (count > limits->max_messages)
		count = limits->max_messages;
	return count ? count : 1;
}

static void reader_ask(struct rds_reader *reader, const struct msp_receive_limits *limits)
{
	struct rds_link *link = &reader->client.link;
	char count[24], block[16], from[RDS_ID_SIZE + 1];
	snprintf(count, sizeof(count), "%zu", count_for(reader, limits));
	snprintf(block, sizeof(block), "%d", BLOCK_MS);
	snprintf(from, sizeof(from), "(%s", reader->last);
	if (reader->end[0])
		rds_put_command(link, "XRANGE", reader->topic, from, reader->end, "COUNT", count, (char *)NULL);
	else
		rds_put_command(link, "XREAD", "COUNT", count, "BLOCK", block, "STREAMS", reader->topic, reader->last,
		                (char *)NULL);
	link->patience_ms = reader->end[0] ? 0 : BLOCK_MS;
	rds_link_expect(link, 0, 0);
	reader->asked = true;
}

/* NULL: there are none. False: the answer is something else; XRANGE's is nothing but entries. */
static bool entries_find(const struct rds_reader *reader, const redisReply *reply, const redisReply **ret_entries)
{
	if (!reader->end[0])
		return rds_page_find(reply, ret_entries);
	*ret_entries = reply->elements > 0 ? reply : NULL;
	return rds_reply_is_array(reply);
}

static void page_measure(struct rds_reader *reader)
{
	const struct rds_page *page = reader->page;
	size_t bytes = 0;
	assert(page->count > 0);
	for (size_t i = 0; i < page->count; i++)
		bytes += msp_message_size(&page->messages[i]);
	reader->mean_bytes = 1 + bytes / page->count;
}

/* Cuts off what lies at or after the end by time. */
static void page_cut(struct rds_reader *reader)
{
	struct rds_page *page = reader->page;
	if (reader->end_timestamp_ms == MSP_TIMESTAMP_NONE)
		return;
	while (page->count > 0 && page->messages[page->count - 1].timestamp_ms >= reader->end_timestamp_ms) {
		page->count--;
		reader->ended = true;
	}
}

static enum msp_status reader_take(struct rds_reader *reader, struct msp_error *err)
{
	redisReply *reply = reader->client.reply;
	reader->client.reply = NULL;
	reader->asked = false;
	const redisReply *entries;
	if (!entries_find(reader, reply, &entries)) {
		enum msp_status status = rds_reply_error(reader->topic, reply, err);
		freeReplyObject(reply);
		return status;
	}
	if (!entries) {
		reader->ended = reader->end[0] != '\0';
		freeReplyObject(reply);
		return MSP_OK;
	}
	enum msp_status status = rds_page_new(reply, entries, reader->topic, &reader->page, err);
	if (status != MSP_OK)
		return status;
	snprintf(reader->last, sizeof(reader->last), "%s", reader->page->messages[reader->page->count - 1].id);
	if (reader->end[0] && rds_id_compare(reader->last, reader->end) >= 0)
		reader->ended = true;
	page_measure(reader);
	page_cut(reader);
	return MSP_OK;
}

/* Asks, waits for the answer and takes it. MSP_OK without a page: nothing came in time. */
static enum msp_status reader_fetch(struct rds_reader *reader, const struct msp_receive_limits *limits,
                                    int64_t deadline_ms, struct msp_error *err)
{
	struct rds_client *client = &reader->client;
	if (client->was_down || !rds_link_is_up(&client->link))
		reader->asked = false;
	enum msp_status status = rds_client_ready(client, deadline_ms, err);
	if (status != MSP_OK || client->woken)
		return status;
	if (!reader->asked)
		reader_ask(reader, limits);
	status = rds_client_wait(client, deadline_ms, err);
	return status == MSP_OK && client->reply ? reader_take(reader, err) : status;
}

static void page_drop(struct rds_reader *reader)
{
	if (reader->page && reader->page->given < reader->page->count)
		return;
	rds_page_free(reader->page);
	reader->page = NULL;
}

static enum msp_status reader_read(struct msp_reader *base, const struct msp_receive_limits *limits,
                                   const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
                                   struct msp_error *err)
{
	struct rds_reader *reader = reader_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + limits->timeout_ms;
	enum msp_status status = MSP_OK;
	*ret_messages = NULL;
	*ret_count = 0;
	page_drop(reader);
	while (!reader->page && !reader->ended && status == MSP_OK && !rds_wakeup_take(&reader->wakeup)) {
		status = reader_fetch(reader, limits, deadline_ms, err);
		page_drop(reader); /* one that the end by time has emptied */
		if (!reader->page && msp_monotonic_ms() >= deadline_ms)
			break;
	}
	if (reader->page) {
		*ret_count = rds_page_fit(reader->page, limits);
		*ret_messages = reader->page->messages + reader->page->given;
		reader->page->given += *ret_count;
	}
	*ret_end = reader->ended && (!reader->page || reader->page->given == reader->page->count);
	return status;
}

static void reader_wake(struct msp_reader *base)
{
	rds_wakeup_wake(&reader_cast(base)->wakeup);
}

static void reader_free(struct msp_reader *base)
{
	if (!base)
		return;
	struct rds_reader *reader = reader_cast(base);
	rds_client_done(&reader->client);
	rds_wakeup_done(&reader->wakeup);
	rds_page_free(reader->page);
	free(reader->topic);
	free(reader);
}

static const struct msp_reader_ops READER_OPS = {
    .read = reader_read,
    .wake = reader_wake,
    .free = reader_free,
};

/* ---- opening ---- */

/* The greatest id before "<ms>-<number>", so that reading after it begins with that one. */
static enum msp_status id_before(const char *id, char before[static RDS_ID_SIZE], struct msp_error *err)
{
	char *rest;
	unsigned long long ms = strtoull(id, &rest, 10), number = *rest == '-' ? strtoull(rest + 1, &rest, 10) : 0;
	if (id[0] < '0' || id[0] > '9' || *rest)
		return msp_error_set(err, MSP_E_INVALID, "\"%s\" is no id of an entry, like 1526919030474-55", id);
	if (number > 0)
		snprintf(before, RDS_ID_SIZE, "%llu-%llu", ms, number - 1);
	else if (ms > 0)
		snprintf(before, RDS_ID_SIZE, "%llu-%llu", ms - 1, (unsigned long long)UINT64_MAX);
	else
		snprintf(before, RDS_ID_SIZE, "0-0");
	return MSP_OK;
}

static enum msp_status tail_start(struct rds_reader *reader, int64_t number, int64_t deadline_ms, struct msp_error *err)
{
	char count[24];
	redisReply *reply;
	snprintf(count, sizeof(count), "%lld", (long long)number);
	rds_put_command(&reader->client.link, "XREVRANGE", reader->topic, "+", "-", "COUNT", count, (char *)NULL);
	rds_link_expect(&reader->client.link, 0, 0);
	enum msp_status status = rds_client_answer(&reader->client, reader->topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	const redisReply *first = rds_reply_at(rds_reply_at(reply, reply->elements - 1), 0);
	if (rds_id_is(first))
		status = id_before(first->str, reader->last, err);
	else if (!rds_reply_is_array(reply) || reply->elements > 0)
		status = rds_reply_error(reader->topic, reply, err);
	freeReplyObject(reply);
	return status;
}

static enum msp_status reader_start(struct rds_reader *reader, const struct msp_reader_config *config,
                                    const char *newest, int64_t deadline_ms, struct msp_error *err)
{
	char id[RDS_ID_SIZE];
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

static enum msp_status reader_init(struct rds_reader *reader, const struct msp_reader_config *config,
                                   struct msp_error *err)
{
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = now_ms + OPEN_TIMEOUT_MS;
	redisReply *info = NULL;
	reader->topic = strdup(config->topic);
	if (!reader->topic)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	if (config->partition > 0)
		return msp_error_set(err, MSP_E_NOT_FOUND, "topics have no partitions here");
	enum msp_status status = rds_wakeup_init(&reader->wakeup, err);
	if (status == MSP_OK)
		status = rds_client_ready(&reader->client, now_ms + CONNECT_TIMEOUT_MS, err);
	if (status == MSP_OK)
		status = rds_client_describe(&reader->client, reader->topic, deadline_ms, &info, err);
	if (status != MSP_OK)
		return status;
	const redisReply *newest = rds_reply_field(info, "last-generated-id");
	status = reader_start(reader, config, newest ? rds_reply_text(newest) : "0-0", deadline_ms, err);
	freeReplyObject(info);
	reader->ended = reader->end[0] && rds_id_compare(reader->last, reader->end) >= 0;
	reader->client.wake = reader->wakeup.fd;
	return status;
}

enum msp_status rds_reader_open(struct rds_transport *transport, const struct msp_reader_config *config,
                                struct msp_reader **ret_reader, struct msp_error *err)
{
	struct rds_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	reader->base.ops = &READER_OPS;
	reader->end_timestamp_ms = config->end_timestamp_ms;
	reader->wakeup.fd = -1;
	rds_client_init(&reader->client, &transport->server, "msp-reader");
	enum msp_status status = reader_init(reader, config, err);
	if (status == MSP_OK)
		*ret_reader = &reader->base;
	else
		reader_free(&reader->base);
	return status;
}
