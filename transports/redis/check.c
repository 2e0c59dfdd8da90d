#include "check.h"
#include "reply.h"
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

/* XADD NOMKSTREAM, exclusive ranges of XPENDING */
#define VERSION_NEEDED_MAJOR 6
#define VERSION_NEEDED_MINOR 2

/* The value of "name:value" in what INFO says, without the line's end; false when it is not there. */
static bool info_field(const char *info, const char *name, char *value, size_t size)
{
	size_t name_size = strlen(name);
	const char *line = info;
	for (; strncmp(line, name, name_size) != 0 || line[name_size] != ':'; line++) {
		line = strchr(line, '\n');
		if (!line)
			return false;
	}
	const char *text = line + name_size + 1;
	snprintf(value, size, "%.*s", (int)strcspn(text, "\r\n"), text);
	return true;
}

/* What stands in the first braces decides the slot; nothing in them counts as no braces. */
static struct msp_bytes hash_part(const char *topic)
{
	const char *open = strchr(topic, '{'), *close = open ? strchr(open, '}') : NULL;
	if (!close || close == open + 1)
		return msp_bytes_of_string(topic);
	return msp_bytes_of(open + 1, (size_t)(close - open - 1));
}

static enum msp_status slots_check(const char *const *topics, struct msp_error *err)
{
	for (size_t i = 1; topics[0] && topics[i]; i++) {
		if (!msp_bytes_equal(hash_part(topics[0]), hash_part(topics[i])))
			return msp_error_set(err, MSP_E_UNSUPPORTED,
			                     "the server is a cluster, in which %s and %s have different slots: set redis.hash.tag "
			                     "to true and create the topics anew",
			                     topics[0], topics[i]);
	}
	return MSP_OK;
}

static enum msp_status version_check(const char *info, struct msp_error *err)
{
	char version[32], *rest;
	if (!info_field(info, "redis_version", version, sizeof(version)))
		return MSP_OK;
	long major = strtol(version, &rest, 10), minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	if (major > VERSION_NEEDED_MAJOR || (major == VERSION_NEEDED_MAJOR && minor >= VERSION_NEEDED_MINOR))
		return MSP_OK;
	return msp_error_set(err, MSP_E_UNSUPPORTED, "Redis %s is too old; at least %d.%d is needed", version,
	                     VERSION_NEEDED_MAJOR, VERSION_NEEDED_MINOR);
}

static void eviction_check(const char *info)
{
	char policy[32];
	if (info_field(info, "maxmemory_policy", policy, sizeof(policy)) && strncmp(policy, "allkeys", 7) == 0)
		msp_log(MSP_LOG_WARN, "the server may evict whole streams; set maxmemory-policy to noeviction", "policy",
		        policy, NULL);
}

enum msp_status redis_check_server(struct redis_client *client, const char *const *topics, int64_t deadline_ms,
                                   struct msp_error *err)
{
	redisReply *reply = NULL;
	struct msp_error why;
	redis_put_command(&client->link.out, "INFO", (char *)NULL);
	redis_link_expect(&client->link, 0, 0);
	enum msp_status status = redis_client_result(client, "INFO", deadline_ms, &reply, &why);
	if (status == MSP_E_DENIED)
		return MSP_OK; /* what we may not know we cannot refuse */
	if (status != MSP_OK) {
		if (err)
			*err = why;
		return status;
	}
	const char *info = redis_reply_text(reply);
	char cluster[4] = "0";
	(void)info_field(info, "cluster_enabled", cluster, sizeof(cluster));
	status = version_check(info, err);
	if (status == MSP_OK && strcmp(cluster, "1") == 0)
		status = slots_check(topics, err);
	if (status == MSP_OK)
		eviction_check(info);
	freeReplyObject(reply);
	return status;
}
