#include "page.h"
#include "reply.h"
#include <assert.h>
#include <stdlib.h>

bool rds_page_find(const redisReply *reply, const redisReply **ret_entries)
{
	const redisReply *entries = rds_reply_at(rds_reply_at(reply, 0), 1);
	bool is_one = reply->elements == 1 && rds_reply_at(reply, 0)->elements == 2 && rds_reply_is_array(entries);
	*ret_entries = is_one && entries->elements > 0 ? entries : NULL;
	return is_one || reply->type == REDIS_REPLY_NIL;
}

static enum msp_status page_fill(struct rds_page *page, const redisReply *entries, const char *topic,
                                 struct msp_error *err)
{
	page->messages = msp_arena_alloc_array(&page->arena, entries->elements, sizeof(*page->messages));
	if (!page->messages)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for messages");
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < entries->elements && status == MSP_OK; i++) {
		struct msp_message *message = &page->messages[page->count++];
		status = rds_entry_parse(entries->element[i], &page->arena, message, err);
		message->topic = topic;
	}
	return status;
}

enum msp_status rds_page_new(redisReply *reply, const redisReply *entries, const char *topic,
                             struct rds_page **ret_page, struct msp_error *err)
{
	struct rds_page *page = calloc(1, sizeof(*page));
	if (!page) {
		freeReplyObject(reply);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for messages");
	}
	page->reply = reply;
	msp_arena_init(&page->arena, SIZE_MAX);
	enum msp_status status = page_fill(page, entries, topic, err);
	if (status == MSP_OK)
		*ret_page = page;
	else
		rds_page_free(page);
	return status;
}

void rds_page_free(struct rds_page *page)
{
	if (!page)
		return;
	msp_arena_done(&page->arena);
	freeReplyObject(page->reply);
	free(page);
}

size_t rds_page_fit(const struct rds_page *page, const struct msp_receive_limits *limits)
{
	assert(page->given < page->count);
	size_t bytes = 0, count = 0;
	for (size_t i = page->given; i < page->count && count < limits->max_messages; i++) {
		bytes += msp_message_size(&page->messages[i]);
		if (count > 0 && bytes > limits->max_bytes)
			break;
		count++;
	}
	return count;
}

bool rds_page_has(const struct rds_page *page, const char *id)
{
	for (size_t low = 0, high = page->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = rds_id_compare(id, page->messages[middle].id);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
