#include "lag.h"
#include "reply.h"
#include "transport.h"
#include <assert.h>
#include <msp/backoff.h>
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

struct rds_admin {
	struct msp_admin base;
	struct rds_client client;
};

static const struct msp_admin_ops ADMIN_OPS; /* at the end */

static struct rds_admin *admin_cast(struct msp_admin *admin)
{
	assert(admin && admin->ops == &ADMIN_OPS);
	return (struct rds_admin *)admin;
}

/* Runs a script on one topic; its answer is a number. */
static enum msp_status admin_run(struct rds_admin *admin, const char *script, const char *topic, const char *argument,
                                 int timeout_ms, int64_t *ret_number, struct msp_error *err)
{
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	redisReply *reply;
	enum msp_status status = rds_client_ready(&admin->client, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	rds_put_command(&admin->client.link, "EVAL", script, "1", topic, argument, (char *)NULL);
	rds_link_expect(&admin->client.link, 0, 0);
	status = rds_client_answer(&admin->client, topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER)
		*ret_number = reply->integer;
	else
		status = rds_reply_error(topic, reply, err);
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
static enum msp_status names_scan(struct rds_admin *admin, char cursor[static 24], struct names *names,
                                  int64_t deadline_ms, struct msp_error *err)
{
	redisReply *reply;
	rds_put_command(&admin->client.link, "SCAN", cursor, "COUNT", SCAN_COUNT, "TYPE", "stream", (char *)NULL);
	rds_link_expect(&admin->client.link, 0, 0);
	enum msp_status status = rds_client_answer(&admin->client, "topics", deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	const redisReply *next = rds_reply_at(reply, 0), *found = rds_reply_at(reply, 1);
	snprintf(cursor, 24, "%s", rds_reply_text(next));
	if (!cursor[0] || !rds_reply_is_array(found))
		status = rds_reply_error("topics", reply, err);
	for (size_t i = 0; status == MSP_OK && i < found->elements; i++) {
		if (!names_add(names, rds_reply_text(found->element[i])))
			status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for names of topics");
	}
	freeReplyObject(reply);
	return status;
}

static enum msp_status admin_topic_list(struct msp_admin *base, void (*visit)(void *context, const char *topic),
                                        void *context, int timeout_ms, struct msp_error *err)
{
	struct rds_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	struct names names = {.names = NULL};
	char cursor[24] = "0";
	enum msp_status status = rds_client_ready(&admin->client, deadline_ms, err);
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
	snprintf(to, 48, "%s", id ? rds_reply_text(id) : "");
}

static enum msp_status admin_topic_describe(struct msp_admin *base, const char *topic, struct msp_topic_info **ret_info,
                                            int timeout_ms, struct msp_error *err)
{
	struct rds_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	redisReply *reply = NULL;
	enum msp_status status = rds_client_ready(&admin->client, deadline_ms, err);
	if (status == MSP_OK)
		status = rds_client_describe(&admin->client, topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	struct msp_topic_info *info = calloc(1, sizeof(*info) + sizeof(info->partitions[0]));
	if (info) {
		const redisReply *first = rds_reply_field(reply, "first-entry");
		info->partition_count = 1;
		info->partitions[0] = (struct msp_partition_info){
		    .oldest = MSP_OFFSET_NONE,
		    .newest = MSP_OFFSET_NONE,
		    .count = rds_reply_number(reply, "length", -1),
		};
		if (first)
			position_copy(info->partitions[0].oldest_id, rds_reply_at(first, 0));
		position_copy(info->partitions[0].newest_id, rds_reply_field(reply, "last-generated-id"));
		*ret_info = info;
	} else {
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a topic's description");
	}
	freeReplyObject(reply);
	return status;
}

static enum msp_status admin_group_remaining(struct msp_admin *base, const char *group, const char *topic,
                                             const struct msp_topic_info *until, int64_t *ret_remaining, int timeout_ms,
                                             struct msp_error *err)
{
	struct rds_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	enum msp_status status = rds_client_ready(&admin->client, deadline_ms, err);
	struct rds_lag lag = {&admin->client, topic, group, until->partitions[0].newest_id, deadline_ms};
	return status == MSP_OK ? rds_lag_count(&lag, ret_remaining, err) : status;
}

/* All partitions as one. */
static enum msp_status admin_group_lag(struct msp_admin *base, const char *group, const char *topic,
                                       const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                       int timeout_ms, struct msp_error *err)
{
	struct msp_group_lag *lag = calloc(1, sizeof(*lag) + sizeof(lag->partitions[0]));
	if (!lag)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a lag");
	lag->partition_count = 1;
	lag->partitions[0].oldest_timestamp_ms = MSP_TIMESTAMP_NONE;
	enum msp_status status =
	    admin_group_remaining(base, group, topic, until, &lag->partitions[0].messages, timeout_ms, err);
	if (status == MSP_OK)
		*ret_lag = lag;
	else
		free(lag);
	return status;
}

static void admin_free(struct msp_admin *base)
{
	if (!base)
		return;
	struct rds_admin *admin = admin_cast(base);
	rds_client_done(&admin->client);
	free(admin);
}

static const struct msp_admin_ops ADMIN_OPS = {
    .topic_create = admin_topic_create,
    .topic_delete = admin_topic_delete,
    .topic_list = admin_topic_list,
    .topic_describe = admin_topic_describe,
    .group_lag = admin_group_lag,
    .free = admin_free,
};

enum msp_status rds_admin_open(struct rds_transport *transport, struct msp_admin **ret_admin, struct msp_error *err)
{
	struct rds_admin *admin = calloc(1, sizeof(*admin));
	if (!admin)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for an admin");
	admin->base.ops = &ADMIN_OPS;
	rds_client_init(&admin->client, &transport->server, "msp-admin");
	*ret_admin = &admin->base;
	return MSP_OK;
}
