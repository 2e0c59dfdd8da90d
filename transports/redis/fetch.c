#include "fetch.h"
#include "reply.h"
#include <msp/clock.h>
#include <stdio.h>

#define FIRST_MEAN_BYTES 1024
/* How long the server may hold our question for new entries. */
#define BLOCK_MS   2000
#define BLOCK_TEXT "2000"
/* A question that is to be ended may still be on its way to the server, so that is repeated. */
#define UNBLOCK_EVERY_MS 10

void redis_fetch_init(struct redis_fetch *fetch)
{
	*fetch = (struct redis_fetch){.stopped = true, .mean_bytes = FIRST_MEAN_BYTES};
}

void redis_fetch_done(struct redis_fetch *fetch)
{
	for (struct redis_entries *entries = fetch->list, *next; entries; entries = next) {
		next = entries->next;
		redis_entries_free(entries);
	}
	fetch->list = NULL;
}

/* ---- the queue ---- */

void redis_fetch_add(struct redis_fetch *fetch, struct redis_entries *entries)
{
	struct redis_entries **at = &fetch->list;
	while (*at)
		at = &(*at)->next;
	*at = entries;
}

struct redis_entries *redis_fetch_ready(const struct redis_fetch *fetch)
{
	struct redis_entries *entries = fetch->list;
	while (entries && entries->given == entries->count)
		entries = entries->next;
	return entries;
}

void redis_fetch_release(struct redis_fetch *fetch, struct redis_entries *entries)
{
	if (entries->batches > 0 || entries->given < entries->count)
		return;
	struct redis_entries **at = &fetch->list;
	while (*at != entries)
		at = &(*at)->next;
	*at = entries->next;
	redis_entries_free(entries);
}

size_t redis_fetch_drop(struct redis_fetch *fetch)
{
	size_t dropped = 0;
	for (struct redis_entries *entries = fetch->list, *next; entries; entries = next) {
		next = entries->next;
		dropped += entries->count - entries->given;
		entries->given = entries->count;
		redis_fetch_release(fetch, entries);
	}
	return dropped;
}

bool redis_fetch_has_redelivered(const struct redis_fetch *fetch)
{
	const struct redis_entries *entries = fetch->list;
	while (entries && !entries->redelivered)
		entries = entries->next;
	return entries != NULL;
}

/* ---- the question ---- */

/* The server knows no limit of bytes. */
static size_t entries_count(const struct redis_fetch *fetch)
{
	size_t count = fetch->limits.max_bytes / fetch->mean_bytes;
	if (count > fetch->limits.max_messages)
		count = fetch->limits.max_messages;
	return count > 0 ? count : 1;
}

void redis_fetch_drive(struct redis_fetch *fetch, struct redis_session *session)
{
	struct redis_link *link = &session->reads;
	char count[24];
	if (fetch->stopped || fetch->asked || !redis_link_is_up(link) || redis_fetch_ready(fetch))
		return;
	snprintf(count, sizeof(count), "%zu", entries_count(fetch));
	redis_put_command(&link->out, "XREADGROUP", "GROUP", session->group, session->lease.consumer, "COUNT", count,
	                  "BLOCK", BLOCK_TEXT, "STREAMS", session->inputs, ">", (char *)NULL);
	redis_link_expect(link, REDIS_FETCHED, 0);
	link->extra_ms = BLOCK_MS;
	fetch->asked = true;
	redis_link_flush(link);
}

bool redis_fetch_cut(struct redis_fetch *fetch)
{
	bool was_asked = fetch->asked;
	fetch->asked = false;
	return was_asked;
}

bool redis_fetch_stop(struct redis_fetch *fetch, struct redis_session *session)
{
	struct redis_link *link = &session->writes;
	int64_t now_ms = msp_monotonic_ms();
	fetch->stopped = true;
	if (!fetch->asked || !session->reads.client_id || !redis_link_is_up(link))
		return false;
	if (now_ms < fetch->unblock_at_ms)
		return true;
	redis_put_array(&link->out, 3);
	redis_put_string(&link->out, "CLIENT");
	redis_put_string(&link->out, "UNBLOCK");
	redis_put_integer(&link->out, session->reads.client_id);
	redis_link_expect(link, REDIS_IGNORED, 0);
	fetch->unblock_at_ms = now_ms + UNBLOCK_EVERY_MS;
	return true;
}

static void entries_take(struct redis_fetch *fetch, const struct redis_session *session, redisReply *reply,
                         const redisReply *rows, struct redis_news *news)
{
	struct redis_entries *entries;
	if (redis_entries_new(reply, rows, session->inputs, &entries, &news->why) != MSP_OK) {
		news->kind = REDIS_NEWS_MISSED;
		return;
	}
	for (size_t i = 0; i < entries->count; i++)
		entries->messages[i].attempts = 1;
	/* Half of it is the past. */
	fetch->mean_bytes = (fetch->mean_bytes + redis_entries_mean_bytes(entries)) / 2;
	news->kind = REDIS_NEWS_ENTRIES;
	news->entries = entries;
}

void redis_fetch_reply(struct redis_fetch *fetch, struct redis_session *session, redisReply *reply,
                       struct redis_news *news)
{
	const redisReply *rows;
	fetch->asked = false;
	if (!redis_entries_find(reply, &rows)) {
		enum msp_status status = redis_reply_error(session->inputs, reply, &news->why);
		bool is_gone = status == MSP_E_NOT_FOUND || redis_reply_is_error(reply, "UNBLOCKED");
		news->kind = is_gone ? REDIS_NEWS_GROUP_GONE : REDIS_NEWS_ERROR;
	} else if (rows) {
		entries_take(fetch, session, reply, rows, news);
		return;
	}
	freeReplyObject(reply);
}
