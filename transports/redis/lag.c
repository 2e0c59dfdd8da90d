#include "lag.h"
#include "entry.h"
#include "reply.h"
#include <stdio.h>

/* How many entries are counted per question where the server has no number. */
#define PAGE_COUNT 1000

/* What XINFO GROUPS says of the group. */
struct group_info {
	bool exists;
	char delivered[REDIS_ID_SIZE]; /* the last that it was given */
	int64_t lag;                   /* how many it was not given; -1: the server does not know */
};

/* What a server can have counted; a few of them make no overflow. */
static bool is_count(int64_t number)
{
	return number >= 0 && number < INT64_MAX / 4;
}

static const char *newest_id(const struct redis_lag_question *question)
{
	return question->newest ? question->newest : "+";
}

static bool is_old_enough(const struct redis_lag_question *question, const char *id)
{
	return !question->newest || redis_id_compare(id, question->newest) <= 0;
}

static enum msp_status answer_wait(const struct redis_lag_question *question, redisReply **ret_reply,
                                   struct msp_error *err)
{
	redis_link_expect(&question->client->link, 0, 0);
	return redis_client_result(question->client, question->topic, question->deadline_ms, ret_reply, err);
}

/* Counts pages of what `ask` asks for, an array of arrays that begin with an id, from after `last` on. */
static enum msp_status pages_count(const struct redis_lag_question *question, const char *last,
                                   void (*ask)(const struct redis_lag_question *question, const char *from,
                                               const char *count),
                                   int64_t *count, struct msp_error *err)
{
	char from[REDIS_ID_SIZE + 1], page_count[16];
	snprintf(from, sizeof(from), "(%s", last);
	snprintf(page_count, sizeof(page_count), "%d", PAGE_COUNT);
	for (size_t got = PAGE_COUNT; got == PAGE_COUNT && !redis_id_is_last(from + 1);) {
		redisReply *reply;
		ask(question, from, page_count);
		enum msp_status status = answer_wait(question, &reply, err);
		if (status != MSP_OK)
			return status;
		got = reply->elements;
		*count += (int64_t)got;
		const redisReply *id = redis_reply_at(redis_reply_at(reply, got - 1), 0);
		if (redis_id_is(id))
			snprintf(from, sizeof(from), "(%s", id->str);
		else if (!redis_reply_is_array(reply) || got > 0)
			status = redis_reply_error(question->topic, reply, err);
		freeReplyObject(reply);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

static void entries_ask(const struct redis_lag_question *question, const char *from, const char *count)
{
	redis_put_command(&question->client->link.out, "XRANGE", question->topic, from, newest_id(question), "COUNT", count,
	                  (char *)NULL);
}

static void pending_ask(const struct redis_lag_question *question, const char *from, const char *count)
{
	redis_put_command(&question->client->link.out, "XPENDING", question->topic, question->group, from,
	                  newest_id(question), count, (char *)NULL);
}

/* Delivered and not settled. */
static enum msp_status pending_count(const struct redis_lag_question *question, struct redis_lag *lag,
                                     struct msp_error *err)
{
	redisReply *reply;
	redis_put_command(&question->client->link.out, "XPENDING", question->topic, question->group, (char *)NULL);
	enum msp_status status = answer_wait(question, &reply, err);
	if (status != MSP_OK)
		return status;
	/* [how many, the first, the last, by consumer] */
	const redisReply *number = redis_reply_at(reply, 0), *first = redis_reply_at(reply, 1),
	                 *last = redis_reply_at(reply, 2);
	bool is_number = number->type == REDIS_REPLY_INTEGER && is_count(number->integer);
	bool has_ids = redis_id_is(first) && redis_id_is(last);
	bool is_known = is_number && (number->integer == 0 || (has_ids && is_old_enough(question, last->str)));
	if (is_known)
		lag->messages += number->integer;
	if (has_ids && is_old_enough(question, first->str))
		lag->oldest_timestamp_ms = redis_id_ms(first->str);
	freeReplyObject(reply);
	return is_known ? MSP_OK : pages_count(question, "0-0", pending_ask, &lag->messages, err);
}

/* The first entry that the group was not given, or "". */
static enum msp_status undelivered_first(const struct redis_lag_question *question, const char *delivered,
                                         char first[static REDIS_ID_SIZE], struct msp_error *err)
{
	char from[REDIS_ID_SIZE + 1];
	redisReply *reply;
	first[0] = '\0';
	if (redis_id_is_last(delivered))
		return MSP_OK;
	snprintf(from, sizeof(from), "(%s", delivered);
	entries_ask(question, from, "1");
	enum msp_status status = answer_wait(question, &reply, err);
	if (status != MSP_OK)
		return status;
	const redisReply *id = redis_reply_at(redis_reply_at(reply, 0), 0);
	if (redis_id_is(id))
		snprintf(first, REDIS_ID_SIZE, "%s", id->str);
	else if (!redis_reply_is_array(reply) || reply->elements > 0)
		status = redis_reply_error(question->topic, reply, err);
	freeReplyObject(reply);
	return status;
}

/* The server's own number of entries after `group->delivered`, when it has one for just those that count; else -1. */
static enum msp_status undelivered_known(const struct redis_lag_question *question, const struct group_info *group,
                                         int64_t *ret_known, struct msp_error *err)
{
	*ret_known = group->lag;
	if (!question->newest && is_count(group->lag))
		return MSP_OK;
	redisReply *info;
	enum msp_status status =
	    redis_client_describe(question->client, question->topic, question->deadline_ms, &info, err);
	if (status != MSP_OK)
		return status;
	const redisReply *newest = redis_reply_field(info, "last-generated-id");
	bool is_all = newest && is_old_enough(question, redis_reply_text(newest));
	if (is_all && !is_count(group->lag) && redis_id_compare(group->delivered, "0-0") == 0)
		*ret_known = redis_reply_number(info, "length", -1);
	if (!is_all || !is_count(*ret_known))
		*ret_known = -1;
	freeReplyObject(info);
	return MSP_OK;
}

static enum msp_status undelivered_count(const struct redis_lag_question *question, const struct group_info *group,
                                         struct redis_lag *lag, struct msp_error *err)
{
	char first[REDIS_ID_SIZE];
	int64_t known = -1;
	enum msp_status status = undelivered_first(question, group->delivered, first, err);
	if (status != MSP_OK || !first[0])
		return status;
	if (lag->oldest_timestamp_ms == MSP_TIMESTAMP_NONE)
		lag->oldest_timestamp_ms = redis_id_ms(first);
	status = undelivered_known(question, group, &known, err);
	if (status == MSP_OK && known < 0)
		return pages_count(question, group->delivered, entries_ask, &lag->messages, err);
	if (status == MSP_OK)
		lag->messages += known;
	return status;
}

static void group_find(const redisReply *groups, const char *name, struct group_info *group)
{
	for (size_t i = 0; redis_reply_is_array(groups) && i < groups->elements; i++) {
		const redisReply *row = groups->element[i], *row_name = redis_reply_field(row, "name");
		const redisReply *delivered = redis_reply_field(row, "last-delivered-id");
		if (!row_name || strcmp(redis_reply_text(row_name), name) != 0)
			continue;
		group->exists = true;
		group->lag = redis_reply_number(row, "lag", -1);
		if (delivered && redis_id_is(delivered))
			snprintf(group->delivered, sizeof(group->delivered), "%s", delivered->str);
	}
}

enum msp_status redis_lag_ask(const struct redis_lag_question *question, struct redis_lag *ret_lag,
                              struct msp_error *err)
{
	redisReply *groups;
	struct group_info group = {.delivered = "0-0", .lag = -1};
	struct redis_lag lag = {.oldest_timestamp_ms = MSP_TIMESTAMP_NONE};
	redis_put_command(&question->client->link.out, "XINFO", "GROUPS", question->topic, (char *)NULL);
	enum msp_status status = answer_wait(question, &groups, err);
	if (status != MSP_OK)
		return status;
	group_find(groups, question->group, &group);
	freeReplyObject(groups);
	if (group.exists)
		status = pending_count(question, &lag, err);
	if (status == MSP_OK)
		status = undelivered_count(question, &group, &lag, err);
	if (status == MSP_OK)
		*ret_lag = lag;
	return status;
}
