#include "reply.h"
#include <string.h>

/* What the server may say, and what it means. Anything else is told as it is. */
static const struct meaning {
	const char *code; /* the first word */
	enum msp_status status;
	bool retriable;
	const char *hint;
} MEANINGS[] = {
    {"LOADING", MSP_E_UNAVAILABLE, true, "the server is loading its data"},
    {"READONLY", MSP_E_UNAVAILABLE, true, "the server is a replica, which takes no writes"},
    {"MASTERDOWN", MSP_E_UNAVAILABLE, true, "the server is a replica without its master"},
    {"OOM", MSP_E_UNAVAILABLE, true, "the server has reached maxmemory; trim streams, or give it more"},
    {"MISCONF", MSP_E_UNAVAILABLE, true, "the server cannot write to its disk"},
    {"NOREPLICAS", MSP_E_UNAVAILABLE, true, "the server has fewer replicas than min-replicas-to-write"},
    {"BUSY", MSP_E_UNAVAILABLE, true, "the server is busy with a script"},
    {"UNBLOCKED", MSP_E_UNAVAILABLE, true, "the stream was deleted"},
    {"CLUSTERDOWN", MSP_E_UNAVAILABLE, true, "the cluster is down"},
    {"TRYAGAIN", MSP_E_UNAVAILABLE, true, "the cluster is moving slots"},
    {"NOSCRIPT", MSP_E_UNAVAILABLE, true, "the server has forgotten a script"},
    {"NOGROUP", MSP_E_NOT_FOUND, true, "the consumer group is gone"},
    {"WRONGTYPE", MSP_E_INVALID, true, "the key holds something else than a stream"},
    {"NOPERM", MSP_E_DENIED, true, "the user has no right to this"},
    {"NOAUTH", MSP_E_DENIED, false, "the server wants a password; put it into the URL"},
    {"WRONGPASS", MSP_E_DENIED, false, "wrong user or password"},
    {"MOVED", MSP_E_UNSUPPORTED, false, "a cluster with several nodes is not supported"},
    {"CROSSSLOT", MSP_E_UNSUPPORTED, false, "a model's streams must share a slot: set redis.hash.tag to true"},
};

static bool code_matches(const char *text, const char *code)
{
	size_t size = strlen(code);
	return strncmp(text, code, size) == 0 && (text[size] == ' ' || text[size] == '\0');
}

/* What a script is told when its user has no right says so in other words, since Redis 8 in others again. */
static const char *text_normalized(const char *text)
{
	bool refused = strstr(text, "The user executing the script can't") || strstr(text, "ACL failure in script");
	return refused ? "NOPERM in a script" : text;
}

bool redis_reply_is_error(const redisReply *reply, const char *code)
{
	return reply->type == REDIS_REPLY_ERROR && code_matches(reply->str, code);
}

enum msp_status redis_text_error(const char *what, const char *text, struct msp_error *err)
{
	text = text_normalized(text);
	for (size_t i = 0; i < sizeof(MEANINGS) / sizeof(MEANINGS[0]); i++) {
		const struct meaning *meaning = &MEANINGS[i];
		if (!code_matches(text, meaning->code))
			continue;
		msp_error_set(err, meaning->status, "%s: %s (%s)", what, meaning->hint, text);
		if (err)
			err->retriable = meaning->retriable;
		return meaning->status;
	}
	msp_error_set(err, MSP_E_UNAVAILABLE, "%s: the server answers: %s", what, text);
	return MSP_E_UNAVAILABLE;
}

enum msp_status redis_reply_error(const char *what, const redisReply *reply, struct msp_error *err)
{
	return redis_text_error(what, reply->type == REDIS_REPLY_ERROR ? reply->str : "something unexpected", err);
}

const redisReply *redis_reply_at(const redisReply *reply, size_t index)
{
	static const redisReply nil = {.type = REDIS_REPLY_NIL};
	return redis_reply_is_array(reply) && index < reply->elements ? reply->element[index] : &nil;
}

const redisReply *redis_reply_field(const redisReply *reply, const char *name)
{
	if (!redis_reply_is_array(reply))
		return NULL;
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		if (strcmp(redis_reply_text(reply->element[i]), name) == 0)
			return reply->element[i + 1];
	}
	return NULL;
}

int64_t redis_reply_number(const redisReply *reply, const char *name, int64_t absent)
{
	const redisReply *field = redis_reply_field(reply, name);
	return field && field->type == REDIS_REPLY_INTEGER ? field->integer : absent;
}
