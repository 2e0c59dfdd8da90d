#include "lag.h"
#include "reply.h"
#include "transport.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdio.h>
#include <stdlib.h>

#define SCAN_COUNT "1000"

/* KEYS: topic. ARGV: consumer group or "". Creates an empty stream; 0: it is there. */
static const char CREATE[] = "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end "
                             "local group = ARGV[1] ~= '' and ARGV[1] or 'msp' "
                             "redis.call('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM') "
                             "if ARGV[1] == '' then redis.call('XGROUP', 'DESTROY', KEYS[1], group) end "
                             "return 1";
/* KEYS: topic. 0: there is none. */
static const char DELETE[] = "if redis.call('TYPE', KEYS[1]).ok ~= 'stream' then return 0 end "
                             "return redis.call('DEL', KEYS[1])";

struct redis_admin {
	struct msp_admin base;
	struct redis_client client;
};

static const struct msp_admin_ops ADMIN_OPS;

static struct redis_admin *admin_cast(struct msp_admin *admin)
{
	assert(admin && admin->ops == &ADMIN_OPS);
	return (struct redis_admin *)admin;
}

/* Runs a script on one topic; its answer is a number. */
static enum msp_status admin_run(struct redis_admin *admin, const char *script, const char *topic, const char *argument,
                                 int timeout_ms, int64_t *ret_number, struct msp_error *err)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	redisReply *reply;
	enum msp_status status = redis_client_ready(&admin->client, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	redis_put_command(&admin->client.link.out, "EVAL", script, "1", topic, argument, (char *)NULL);
	redis_link_expect(&admin->client.link, 0, 0);
	status = redis_client_result(&admin->client, topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER)
		*ret_number = reply->integer;
	else
		status = redis_reply_error(topic, reply, err);
	freeReplyObject(reply);
	return status;
}

static enum msp_status admin_topic_create(struct msp_admin *base, const struct msp_topic_spec *spec, int timeout_ms,
                                          struct msp_error *err)
{
	if (spec->property_count > 0)
		return msp_error_set(err, MSP_E_INVALID, "topics have no setting %s on Redis", spec->properties[0].name);
	int64_t created = 0;
	enum msp_status status =
	    admin_run(admin_cast(base), CREATE, spec->name, spec->group ? spec->group : "", timeout_ms, &created, err);
	if (status == MSP_OK && !created)
		return msp_error_set(err, MSP_E_EXISTS, "topic %s exists", spec->name);
	return status;
}

static enum msp_status admin_topic_delete(struct msp_admin *base, const char *topic, int timeout_ms,
                                          struct msp_error *err)
{
	int64_t deleted = 0;
	enum msp_status status = admin_run(admin_cast(base), DELETE, topic, "", timeout_ms, &deleted, err);
	if (status == MSP_OK && !deleted)
		return msp_error_set(err, MSP_E_NOT_FOUND, "topic %s does not exist", topic);
	return status;
}

/* ---- list ---- */

struct names {
	char **names; /* owned, each too */
	size_t count, capacity;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
}

static bool names_add(struct names *names, const char *name)
{
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? 2 * names->capacity : 64;
		char **grown = realloc(names->names, capacity * sizeof(*grown));
		if (!grown)
			return false;
		names->names = grown;
		names->capacity = capacity;
	}
	names->names[names->count] = strdup(name);
	return names->names[names->count] && ++names->count;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One step of SCAN; `cursor` becomes "0" after the last. */
static enum msp_status names_scan(struct redis_admin *admin, char cursor[static 24], struct names *names,
                                  int64_t deadline_ms, struct msp_error *err)
{
	redisReply *reply;
	redis_put_command(&admin->client.link.out, "SCAN", cursor, "COUNT", SCAN_COUNT, "TYPE", "stream", (char *)NULL);
	redis_link_expect(&admin->client.link, 0, 0);
	enum msp_status status = redis_client_result(&admin->client, "topics", deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	const redisReply *next = redis_reply_at(reply, 0), *found = redis_reply_at(reply, 1);
	snprintf(cursor, 24, "%s", redis_reply_text(next));
	if (!cursor[0] || !redis_reply_is_array(found))
		status = redis_reply_error("topics", reply, err);
	for (size_t i = 0; status == MSP_OK && i < found->elements; i++) {
		if (!names_add(names, redis_reply_text(found->element[i])))
			status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for names of topics");
	}
	freeReplyObject(reply);
	return status;
}

static enum msp_status admin_topic_list(struct msp_admin *base, void (*visit)(void *context, const char *topic),
                                        void *context, int timeout_ms, struct msp_error *err)
{
	struct redis_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	struct names names = {.names = NULL};
	char cursor[24] = "0";
	enum msp_status status = redis_client_ready(&admin->client, deadline_ms, err);
	if (status == MSP_OK)
		do
			status = names_scan(admin, cursor, &names, deadline_ms, err);
		while (status == MSP_OK && strcmp(cursor, "0") != 0);
	if (status == MSP_OK && names.count > 0) {
		qsort(names.names, names.count, sizeof(*names.names), name_compare);
		for (size_t i = 0; i < names.count; i++)
			/* SCAN may show a name twice. */
			if (i == 0 || strcmp(names.names[i], names.names[i - 1]) != 0)
				visit(context, names.names[i]);
	}
	names_done(&names);
	return status;
}

/* ---- describe ---- */

static void position_copy(char to[static 48], const redisReply *id)
{
	snprintf(to, 48, "%s", id ? redis_reply_text(id) : "");
}

static enum msp_status admin_topic_describe(struct msp_admin *base, const char *topic, struct msp_topic_info **ret_info,
                                            int timeout_ms, struct msp_error *err)
{
	struct redis_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	redisReply *reply = NULL;
	enum msp_status status = redis_client_ready(&admin->client, deadline_ms, err);
	if (status == MSP_OK)
		status = redis_client_describe(&admin->client, topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	struct msp_topic_info *info = calloc(1, sizeof(*info) + sizeof(info->partitions[0]));
	if (info) {
		const redisReply *first = redis_reply_field(reply, "first-entry");
		info->partition_count = 1;
		info->partitions[0] = (struct msp_partition_info){
		    .oldest = MSP_OFFSET_NONE,
		    .newest = MSP_OFFSET_NONE,
		    .count = redis_reply_number(reply, "length", -1),
		};
		if (first)
			position_copy(info->partitions[0].oldest_id, redis_reply_at(first, 0));
		position_copy(info->partitions[0].newest_id, redis_reply_field(reply, "last-generated-id"));
		*ret_info = info;
	} else {
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a topic's description");
	}
	freeReplyObject(reply);
	return status;
}

static enum msp_status admin_group_lag(struct msp_admin *base, const char *group, const char *topic,
                                       const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                       int timeout_ms, struct msp_error *err)
{
	struct redis_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	const char *newest = until ? until->partitions[0].newest_id : NULL;
	struct redis_lag_question question = {&admin->client, topic, group, newest, deadline_ms};
	struct redis_lag found;
	enum msp_status status = redis_client_ready(&admin->client, deadline_ms, err);
	if (status == MSP_OK)
		status = redis_lag_ask(&question, &found, err);
	if (status != MSP_OK)
		return status;
	struct msp_group_lag *lag = calloc(1, sizeof(*lag) + sizeof(lag->partitions[0]));
	if (!lag)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a group's lag");
	lag->partition_count = 1;
	lag->partitions[0] = (struct msp_partition_lag){0, found.messages, found.oldest_timestamp_ms};
	*ret_lag = lag;
	return MSP_OK;
}

static void admin_free(struct msp_admin *base)
{
	if (!base)
		return;
	struct redis_admin *admin = admin_cast(base);
	redis_client_done(&admin->client);
	free(admin);
}

enum msp_status redis_admin_open(struct redis_transport *transport, struct msp_admin **ret_admin, struct msp_error *err)
{
	struct redis_admin *admin = calloc(1, sizeof(*admin));
	if (!admin)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for an admin");
	admin->base.ops = &ADMIN_OPS;
	redis_client_init(&admin->client, &transport->endpoint, "msp-admin");
	*ret_admin = &admin->base;
	return MSP_OK;
}

static const struct msp_admin_ops ADMIN_OPS = {
    .topic_create = admin_topic_create,
    .topic_delete = admin_topic_delete,
    .topic_list = admin_topic_list,
    .topic_describe = admin_topic_describe,
    .group_lag = admin_group_lag,
    .free = admin_free,
};
