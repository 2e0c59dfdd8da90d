#include "lag.h"
#include "entry.h"
#include "reply.h"
#include <stdio.h>

/* How many entries are counted per question where the server has no number. */
#define PAGE_COUNT 1000

/* What a server can have counted; a few of them make no overflow. */
static bool is_count(int64_t number)
{
	return number >= 0 && number < INT64_MAX / 4;
}

static enum msp_status lag_answer(const struct rds_lag *lag, redisReply **ret_reply, struct msp_error *err)
{
	rds_link_expect(&lag->client->link, 0, 0);
	return rds_client_answer(lag->client, lag->topic, lag->deadline_ms, ret_reply, err);
}

/* Counts pages of what `ask` asks for, an array of arrays that begin with an id, from after `last` on. */
static enum msp_status pages_count(const struct rds_lag *lag, const char *last,
                                   void (*ask)(const struct rds_lag *lag, const char *from, const char *count),
                                   int64_t *count, struct msp_error *err)
{
	char from[RDS_ID_SIZE + 1], page_count[16];
	snprintf(from, sizeof(from), "(%s", last);
	snprintf(page_count, sizeof(page_count), "%d", PAGE_COUNT);
	for (size_t got = PAGE_COUNT; got == PAGE_COUNT;) {
		redisReply *reply;
		ask(lag, from, page_count);
		enum msp_status status = lag_answer(lag, &reply, err);
		if (status != MSP_OK)
			return status;
		got = reply->elements;
		*count += (int64_t)got;
		const redisReply *id = rds_reply_at(rds_reply_at(reply, got - 1), 0);
		if (rds_id_is(id))
			snprintf(from, sizeof(from), "(%s", id->str);
		else if (!rds_reply_is_array(reply) || got > 0)
			status = rds_reply_error(lag->topic, reply, err);
		freeReplyObject(reply);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

static void ask_entries(const struct rds_lag *lag, const char *from, const char *count)
{
	rds_put_command(&lag->client->link, "XRANGE", lag->topic, from, lag->newest, "COUNT", count, (char *)NULL);
}

static void ask_pending(const struct rds_lag *lag, const char *from, const char *count)
{
	rds_put_command(&lag->client->link, "XPENDING", lag->topic, lag->group, from, lag->newest, count, (char *)NULL);
}

/* Delivered and not settled. */
static enum msp_status pending_count(const struct rds_lag *lag, int64_t *count, struct msp_error *err)
{
	redisReply *reply;
	rds_put_command(&lag->client->link, "XPENDING", lag->topic, lag->group, (char *)NULL);
	enum msp_status status = lag_answer(lag, &reply, err);
	if (status != MSP_OK)
		return status;
	/* [how many, the first, the last, by consumer] */
	const redisReply *pending = rds_reply_at(reply, 0), *last = rds_reply_at(reply, 2);
	bool known = pending->type == REDIS_REPLY_INTEGER && is_count(pending->integer) &&
	             (pending->integer == 0 || (rds_id_is(last) && rds_id_compare(last->str, lag->newest) <= 0));
	if (known)
		*count += pending->integer;
	freeReplyObject(reply);
	return known ? MSP_OK : pages_count(lag, "0-0", ask_pending, count, err);
}

/* Entries after `last`: the server's own number when it has one for just these. */
static enum msp_status undelivered_count(const struct rds_lag *lag, const char *last, int64_t known, int64_t *count,
                                         struct msp_error *err)
{
	if (rds_id_compare(last, lag->newest) >= 0)
		return MSP_OK;
	redisReply *info;
	enum msp_status status = rds_client_describe(lag->client, lag->topic, lag->deadline_ms, &info, err);
	if (status != MSP_OK)
		return status;
	const redisReply *newest = rds_reply_field(info, "last-generated-id");
	bool is_all = newest && rds_id_compare(rds_reply_text(newest), lag->newest) <= 0;
	if (is_all && !is_count(known) && rds_id_compare(last, "0-0") == 0)
		known = rds_reply_number(info, "length", -1);
	freeReplyObject(info);
	if (!is_all || !is_count(known))
		return pages_count(lag, last, ask_entries, count, err);
	*count += known;
	return MSP_OK;
}

static const redisReply *group_find(const redisReply *groups, const char *group)
{
	for (size_t i = 0; rds_reply_is_array(groups) && i < groups->elements; i++) {
		const redisReply *name = rds_reply_field(groups->element[i], "name");
		if (name && strcmp(rds_reply_text(name), group) == 0)
			return groups->element[i];
	}
	return NULL;
}

enum msp_status rds_lag_count(const struct rds_lag *lag, int64_t *ret_count, struct msp_error *err)
{
	redisReply *groups;
	char last[RDS_ID_SIZE] = "0-0";
	int64_t count = 0, known = -1;
	rds_put_command(&lag->client->link, "XINFO", "GROUPS", lag->topic, (char *)NULL);
	enum msp_status status = lag_answer(lag, &groups, err);
	if (status != MSP_OK)
		return status;
	const redisReply *group = group_find(groups, lag->group);
	if (group) {
		const redisReply *delivered = rds_reply_field(group, "last-delivered-id");
		snprintf(last, sizeof(last), "%s", delivered ? rds_reply_text(delivered) : "0-0");
		known = rds_reply_number(group, "lag", -1);
	}
	freeReplyObject(groups);
	if (group)
		status = pending_count(lag, &count, err);
	if (status == MSP_OK)
		status = undelivered_count(lag, last, known, &count, err);
	if (status == MSP_OK)
		*ret_count = count;
	return status;
}
