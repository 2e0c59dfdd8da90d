#include "entries.h"
#include "reply.h"
#include <assert.h>
#include <stdlib.h>

bool redis_entries_find(const redisReply *reply, const redisReply **ret_entries)
{
	const redisReply *entries = redis_reply_at(redis_reply_at(reply, 0), 1);
	bool is_one = reply->elements == 1 && redis_reply_at(reply, 0)->elements == 2 && redis_reply_is_array(entries);
	*ret_entries = is_one && entries->elements > 0 ? entries : NULL;
	return is_one || reply->type == REDIS_REPLY_NIL;
}

static enum msp_status entries_fill(struct redis_entries *entries, const redisReply *rows, const char *topic,
                                    struct msp_error *err)
{
	entries->messages = msp_arena_alloc_array(&entries->arena, rows->elements, sizeof(*entries->messages));
	if (!entries->messages)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for messages");
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < rows->elements && status == MSP_OK; i++) {
		struct msp_message *message = &entries->messages[entries->count++];
		status = redis_entry_parse(rows->element[i], &entries->arena, message, err);
		if (status != MSP_OK)
			break;
		message->topic = topic;
		entries->bytes += msp_message_size(message);
	}
	return status;
}

enum msp_status redis_entries_new(redisReply *reply, const redisReply *rows, const char *topic,
                                  struct redis_entries **ret_entries, struct msp_error *err)
{
	struct redis_entries *entries = calloc(1, sizeof(*entries));
	if (!entries) {
		freeReplyObject(reply);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for messages");
	}
	entries->reply = reply;
	msp_arena_init(&entries->arena, SIZE_MAX);
	enum msp_status status = entries_fill(entries, rows, topic, err);
	if (status == MSP_OK)
		*ret_entries = entries;
	else
		redis_entries_free(entries);
	return status;
}

void redis_entries_free(struct redis_entries *entries)
{
	if (!entries)
		return;
	msp_arena_done(&entries->arena);
	freeReplyObject(entries->reply);
	free(entries);
}

size_t redis_entries_fit(const struct redis_entries *entries, const struct msp_receive_limits *limits)
{
	assert(entries->given < entries->count);
	size_t bytes = 0, count = 0;
	for (size_t i = entries->given; i < entries->count && count < limits->max_messages; i++) {
		bytes += msp_message_size(&entries->messages[i]);
		if (count > 0 && bytes > limits->max_bytes)
			break;
		count++;
	}
	return count;
}

size_t redis_entries_mean_bytes(const struct redis_entries *entries)
{
	return 1 + entries->bytes / entries->count;
}

/* They came in the order of their ids. */
static bool entries_have(const struct redis_entries *entries, const char *id)
{
	for (size_t low = 0, high = entries->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = redis_id_compare(id, entries->messages[middle].id);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool redis_entries_have(const struct redis_entries *list, const char *id)
{
	while (list && !entries_have(list, id))
		list = list->next;
	return list != NULL;
}
