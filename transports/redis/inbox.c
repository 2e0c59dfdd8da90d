#include "inbox.h"
#include "consumer.h"
#include "reply.h"
#include <assert.h>
#include <stdio.h>

/* How long the server may hold our question for new entries. */
#define BLOCK_MS   2000
#define BLOCK_TEXT "2000"

void rds_inbox_release(struct rds_consumer *consumer, struct rds_page *page)
{
	if (page->batches > 0 || page->given < page->count)
		return;
	struct rds_page **at = &consumer->pages;
	while (*at != page)
		at = &(*at)->next;
	*at = page->next;
	rds_page_free(page);
	rds_recovery_rest(consumer);
}

size_t rds_inbox_drop(struct rds_consumer *consumer)
{
	size_t dropped = 0;
	for (struct rds_page *page = consumer->pages, *next; page; page = next) {
		next = page->next;
		dropped += page->count - page->given;
		page->given = page->count;
		rds_inbox_release(consumer, page);
	}
	return dropped;
}

struct rds_page *rds_inbox_ready(const struct rds_consumer *consumer)
{
	struct rds_page *page = consumer->pages;
	while (page && page->given == page->count)
		page = page->next;
	return page;
}

bool rds_inbox_has_ready(const struct rds_consumer *consumer)
{
	return rds_inbox_ready(consumer) != NULL;
}

bool rds_inbox_has(const struct rds_consumer *consumer, const char *id)
{
	for (const struct rds_page *page = consumer->pages; page; page = page->next) {
		if (rds_page_has(page, id))
			return true;
	}
	return false;
}

void rds_inbox_add(struct rds_consumer *consumer, struct rds_page *page)
{
	struct rds_page **at = &consumer->pages;
	while (*at)
		at = &(*at)->next;
	*at = page;
}

/* ---- asking for entries ---- */

bool rds_inbox_wants(const struct rds_consumer *consumer)
{
	return consumer->limits.max_messages > 0 && consumer->group_is_there && !consumer->reading &&
	       rds_link_is_up(&consumer->reads) && !rds_recovery_is_active(&consumer->recovery) &&
	       !rds_inbox_has_ready(consumer);
}

/* The server knows no limit of bytes. */
static size_t entries_count(const struct rds_consumer *consumer)
{
	size_t count = consumer->limits.max_bytes / consumer->mean_bytes;
	if (count > consumer->limits.max_messages)
		count = consumer->limits.max_messages;
	return count > 0 ? count : 1;
}

void rds_inbox_ask(struct rds_consumer *consumer)
{
	char count[24];
	snprintf(count, sizeof(count), "%zu", entries_count(consumer));
	rds_put_command(&consumer->reads, "XREADGROUP", "GROUP", consumer->group, consumer->lease.consumer, "COUNT", count,
	                "BLOCK", BLOCK_TEXT, "STREAMS", consumer->inputs, ">", (char *)NULL);
	rds_link_expect(&consumer->reads, RDS_ENTRIES, 0);
	consumer->reads.patience_ms = BLOCK_MS;
	consumer->reading = true;
	rds_link_flush(&consumer->reads);
}

static void page_measure(struct rds_consumer *consumer, struct rds_page *page)
{
	assert(page->count > 0);
	size_t bytes = 0;
	for (size_t i = 0; i < page->count; i++) {
		page->messages[i].attempts = 1;
		bytes += msp_message_size(&page->messages[i]);
	}
	/* Half of it is the past. */
	consumer->mean_bytes = (consumer->mean_bytes + bytes / page->count) / 2 + 1;
}

/* Takes the reply. */
static void entries_take(struct rds_consumer *consumer, redisReply *reply, const redisReply *entries)
{
	struct rds_page *page;
	struct msp_error why;
	if (rds_page_new(reply, entries, consumer->inputs, &page, &why) == MSP_OK) {
		page_measure(consumer, page);
		rds_inbox_add(consumer, page);
	} else {
		rds_consumer_trouble(consumer, &why);
		rds_recovery_restart(consumer); /* they are ours and not here */
	}
}

void rds_inbox_take(struct rds_consumer *consumer, redisReply *reply)
{
	const redisReply *entries;
	struct msp_error why;
	consumer->reading = false;
	if (!rds_page_find(reply, &entries)) {
		enum msp_status status = rds_reply_error(consumer->inputs, reply, &why);
		if (status == MSP_E_NOT_FOUND || rds_reply_is_error(reply, "UNBLOCKED"))
			rds_consumer_void(consumer, &why);
		else
			rds_consumer_trouble(consumer, &why);
	} else if (entries) {
		entries_take(consumer, reply, entries);
		return;
	}
	freeReplyObject(reply);
}
