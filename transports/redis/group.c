#include "group.h"
#include "reply.h"
#include <msp/log.h>

/* KEYS: topic. ARGV: group, 1: may repeat. */
static const char ENSURE[] = "local kind = redis.call('TYPE', KEYS[1]).ok "
                             "if kind == 'none' then return 'missing' end "
                             "if kind ~= 'stream' then return redis.error_reply('WRONGTYPE ' .. kind) end "
                             "for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do "
                             "  for i = 1, #group, 2 do "
                             "    if group[i] == 'name' and group[i + 1] == ARGV[1] then return 'there' end "
                             "  end "
                             "end "
                             "local entries = redis.call('XLEN', KEYS[1]) "
                             "if entries > 0 and ARGV[2] ~= '1' then return 'refused' end "
                             "redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0') "
                             "return entries > 0 and 'repeated' or 'created'";

/* KEYS: inputs, then what results go to. ARGV: group. Tries what settling does with ids that no entry can have; the
 * first complaint about rights or types comes back. */
static const char PROBE[] = "local function complaint(answer) "
                            "  local text = type(answer) == 'table' and answer.err or '' "
                            "  if text:find('NOPERM') or text:find('WRONGTYPE') or text:find(\"can't\") "
                            "    or text:find('ACL failure') then return text end "
                            "end "
                            "local bad = complaint(redis.pcall('XACK', KEYS[1], ARGV[1], '0-0')) "
                            "  or complaint(redis.pcall('XPENDING', KEYS[1], ARGV[1])) "
                            "if bad then return KEYS[1] .. '\\n' .. bad end "
                            "for i = 2, #KEYS do "
                            "  bad = complaint(redis.pcall('XDEL', KEYS[i], '0-0')) "
                            "    or complaint(redis.pcall('XADD', KEYS[i], 'NOMKSTREAM', '0-0', 'probe', '')) "
                            "  if bad then return KEYS[i] .. '\\n' .. bad end "
                            "end "
                            "return ''";

void redis_group_put(const struct redis_group *group, struct redis_output *out)
{
	redis_put_command(out, "EVAL", ENSURE, "1", group->topic, group->name, group->may_repeat ? "1" : "0", (char *)NULL);
}

static enum msp_status group_refuse(const struct redis_group *group, struct msp_error *err)
{
	return msp_error_set(err, MSP_E_UNAVAILABLE,
	                     "topic %s has entries but no group %s: type XGROUP CREATE %s %s 0 to process all of them "
	                     "(again), or with $ instead of 0 only new ones",
	                     group->topic, group->name, group->topic, group->name);
}

enum msp_status redis_group_result(const struct redis_group *group, const redisReply *reply, struct msp_error *err)
{
	const char *result = redis_reply_text(reply);
	if (strcmp(result, "refused") == 0)
		return group_refuse(group, err);
	if (strcmp(result, "missing") == 0) {
		msp_error_set(err, MSP_E_NOT_FOUND, "topic %s does not exist", group->topic);
		if (err)
			err->retriable = true;
		return MSP_E_NOT_FOUND;
	}
	if (strcmp(result, "created") == 0)
		msp_log(MSP_LOG_INFO, "created the consumer group", "group", group->name, "topic", group->topic, NULL);
	if (strcmp(result, "repeated") == 0)
		msp_log(MSP_LOG_WARN,
		        "created the consumer group; every entry of the topic comes, perhaps not for the first time", "group",
		        group->name, "topic", group->topic, NULL);
	bool is_there = strcmp(result, "there") == 0 || strcmp(result, "created") == 0 || strcmp(result, "repeated") == 0;
	return is_there ? MSP_OK : redis_reply_error(group->topic, reply, err);
}

enum msp_status redis_group_probe(const struct redis_group *group, const char *const *topics,
                                  struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	struct redis_output *out = &client->link.out;
	size_t count = 0;
	while (topics[count])
		count++;
	redis_put_array(out, 5 + count);
	redis_put_string(out, "EVAL");
	redis_put_string(out, PROBE);
	redis_put_integer(out, (int64_t)(1 + count));
	redis_put_string(out, group->topic);
	for (size_t i = 0; i < count; i++)
		redis_put_string(out, topics[i]);
	redis_put_string(out, group->name);
	redis_link_expect(&client->link, 0, 0);
	redisReply *reply;
	enum msp_status status = redis_client_result(client, group->topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	const char *complaint = redis_reply_text(reply), *text = strchr(complaint, '\n');
	if (text) {
		char topic[256];
		snprintf(topic, sizeof(topic), "%.*s", (int)(text - complaint), complaint);
		status = redis_text_error(topic, text + 1, err);
		if (err)
			err->retriable = true; /* an operator mends it while we wait */
	}
	freeReplyObject(reply);
	return status;
}
