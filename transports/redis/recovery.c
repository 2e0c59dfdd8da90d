#include "recovery.h"
#include "consumer.h"
#include "reply.h"
#include "transport.h"
#include <msp/backoff.h>
#include <msp/log.h>
#include <stdlib.h>

#define LIST_COUNT      100
#define LIST_COUNT_TEXT "100"
#define LOOK_MAX_MS     1000
#define TURN_RETRY_MS   5

/* KEYS: inputs. ARGV: group, prefix of leases, our name. Answers [consumer, its lease or nil, for how long it asked for
 * nothing] of those others that hold entries. */
static const char OWNERS[] = "local owners = {} "
                             "for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do "
                             "  local f = {} for i = 1, #consumer, 2 do f[consumer[i]] = consumer[i + 1] end "
                             "  if f.pending > 0 and f.name ~= ARGV[3] then "
                             "    owners[#owners + 1] = {f.name, redis.call('GET', ARGV[2] .. f.name), f.idle} "
                             "  end "
                             "end "
                             "return owners";

/* KEYS: inputs, the lease of the owner. ARGV: group, we, the owner, its lease when it was found dead, an id. Answers
 * nothing when the entry is not the owner's any more or the owner lives; otherwise how often it was delivered with this
 * time, and [[id, fields]]. An entry that was deleted stays as it is: claiming it would make it vanish unnoticed. */
static const char FETCH[] =
    "if ARGV[2] ~= ARGV[3] then "
    "  local holder = redis.call('GET', KEYS[2]) "
    "  if holder and holder ~= ARGV[4] then return {} end "
    "end "
    "local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[5], ARGV[5], 1, ARGV[3]) "
    "if #pending == 0 then return {} end "
    "local count = pending[1][4] + 1 "
    "if #redis.call('XRANGE', KEYS[1], ARGV[5], ARGV[5]) == 0 then return {count, {{ARGV[5], false}}} end "
    "return {count, redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[5])}";

/* More than a turn of a keeper, and less than what is left of a lease when its turn comes. */
static int64_t grace_ms(const struct rds_consumer *consumer)
{
	return consumer->transport->server.options.lease_ms / 2;
}

enum msp_status rds_recovery_init(struct rds_recovery *recovery, const struct rds_consumer *consumer,
                                  struct msp_error *err)
{
	recovery->lease_prefix = rds_lease_prefix(consumer->inputs, consumer->group);
	recovery->ids = calloc(LIST_COUNT, sizeof(*recovery->ids));
	recovery->own_due = true;
	recovery->looked_at_ms = msp_monotonic_ms();
	recovery->leases_at_ms = recovery->looked_at_ms + grace_ms(consumer);
	if (!recovery->lease_prefix || !recovery->ids)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	return MSP_OK;
}

void rds_recovery_done(struct rds_recovery *recovery)
{
	free(recovery->lease_prefix);
	free(recovery->owner);
	free(recovery->ids);
	*recovery = (struct rds_recovery){.owner = NULL};
}

bool rds_recovery_is_active(const struct rds_recovery *recovery)
{
	return recovery->own_due || recovery->owner;
}

static void owner_end(struct rds_recovery *recovery)
{
	free(recovery->owner);
	recovery->owner = NULL;
	recovery->count = recovery->next = 0;
}

void rds_recovery_restart(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	owner_end(recovery);
	recovery->own_due = true;
}

void rds_recovery_rest(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	bool is_busy = recovery->is_fetching;
	for (const struct rds_page *page = consumer->pages; page; page = page->next)
		is_busy |= page->alone;
	if (!is_busy)
		rds_turn_give(&consumer->transport->turn, &recovery->turn);
}

void rds_recovery_joined(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	int64_t now_ms = msp_monotonic_ms();
	/* No lease that is kept ends sooner. */
	if (now_ms - recovery->looked_at_ms >= grace_ms(consumer))
		recovery->leases_at_ms = now_ms + grace_ms(consumer);
}

void rds_recovery_cut(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	if (recovery->is_fetching)
		recovery->own_due = true;
	recovery->is_asking = recovery->is_fetching = false;
	rds_recovery_rest(consumer);
}

static void owner_begin(struct rds_recovery *recovery, const char *owner, const char *token)
{
	owner_end(recovery);
	recovery->owner = strdup(owner);
	if (!recovery->owner)
		recovery->own_due = true; /* no memory: later */
	snprintf(recovery->owner_token, sizeof(recovery->owner_token), "%s", token);
	snprintf(recovery->last, sizeof(recovery->last), "0-0");
	recovery->has_more = true;
}

/* ---- asking ---- */

static void ask(struct rds_consumer *consumer, int kind)
{
	rds_link_expect(&consumer->writes, kind, 0);
	consumer->recovery.is_asking = true;
	consumer->recovery.is_fetching = kind == RDS_FETCHED;
}

static void ask_owners(struct rds_consumer *consumer)
{
	rds_put_command(&consumer->writes, "EVAL", OWNERS, "1", consumer->inputs, consumer->group,
	                consumer->recovery.lease_prefix, consumer->lease.consumer, (char *)NULL);
	ask(consumer, RDS_OWNERS);
}

static void ask_pending(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	char from[RDS_ID_SIZE + 1];
	snprintf(from, sizeof(from), "(%s", recovery->last);
	rds_put_command(&consumer->writes, "XPENDING", consumer->inputs, consumer->group, from, "+", LIST_COUNT_TEXT,
	                recovery->owner, (char *)NULL);
	ask(consumer, RDS_PENDING);
}

static void ask_entry(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	struct rds_link *link = &consumer->writes;
	rds_put_array(link, 10);
	rds_put_string(link, "EVAL");
	rds_put_string(link, FETCH);
	rds_put_string(link, "2");
	rds_put_string(link, consumer->inputs);
	rds_put_joined(link, msp_bytes_of_string(recovery->lease_prefix), msp_bytes_of_string(recovery->owner));
	rds_put_string(link, consumer->group);
	rds_put_string(link, consumer->lease.consumer);
	rds_put_string(link, recovery->owner);
	rds_put_string(link, recovery->owner_token);
	rds_put_string(link, recovery->ids[recovery->next++]);
	ask(consumer, RDS_FETCHED);
}

static bool owner_is_us(const struct rds_consumer *consumer)
{
	return strcmp(consumer->recovery.owner, consumer->lease.consumer) == 0;
}

/* While new entries are on their way they are in our own list and not here. */
static void ask_pending_when_quiet(struct rds_consumer *consumer)
{
	if (!owner_is_us(consumer) || !consumer->reading)
		ask_pending(consumer);
}

/* Dead ones are looked for several times per lease. */
static int64_t look_every_ms(const struct rds_consumer *consumer)
{
	int64_t every_ms = consumer->transport->server.options.lease_ms / 4;
	return every_ms < LOOK_MAX_MS ? every_ms : LOOK_MAX_MS;
}

int64_t rds_recovery_drive(struct rds_consumer *consumer, bool may_fetch)
{
	struct rds_recovery *recovery = &consumer->recovery;
	if (recovery->is_asking || !consumer->group_is_there)
		return -1;
	int64_t now_ms = msp_monotonic_ms();
	if (recovery->own_due || (!recovery->owner && now_ms >= recovery->own_at_ms)) {
		recovery->own_due = false;
		recovery->own_at_ms = now_ms + consumer->transport->server.options.lease_ms;
		owner_begin(recovery, consumer->lease.consumer, "");
	}
	if (recovery->owner && recovery->next == recovery->count && !recovery->has_more)
		owner_end(recovery);
	int64_t left_ms = recovery->look_at_ms - now_ms;
	if (!recovery->owner && left_ms > 0)
		return left_ms;
	if (!recovery->owner)
		ask_owners(consumer);
	else if (recovery->next == recovery->count)
		ask_pending_when_quiet(consumer);
	else if (!may_fetch || rds_inbox_has_ready(consumer))
		return -1;
	else if (!rds_turn_take(&consumer->transport->turn, &recovery->turn))
		return TURN_RETRY_MS;
	else
		ask_entry(consumer);
	return -1;
}

/* ---- answers ---- */

/* Leases also vanish with the data of the server, or while it is away. Those who live have theirs again after a turn of
 * their keeper: since the server came back, or since they asked for what they hold, which was after the data went. */
static bool owner_is_dead(const struct rds_consumer *consumer, const redisReply *owner)
{
	const char *token = rds_reply_text(rds_reply_at(owner, 1));
	const redisReply *idle_ms = rds_reply_at(owner, 2);
	if (token[0])
		return rds_token_is_dead(token);
	return msp_monotonic_ms() >= consumer->recovery.leases_at_ms && idle_ms->type == REDIS_REPLY_INTEGER &&
	       idle_ms->integer >= grace_ms(consumer);
}

/* The first of the owners that is dead. */
static void take_owners(struct rds_consumer *consumer, const redisReply *reply)
{
	consumer->recovery.looked_at_ms = msp_monotonic_ms();
	consumer->recovery.look_at_ms = consumer->recovery.looked_at_ms + look_every_ms(consumer);
	for (size_t i = 0; i < reply->elements; i++) {
		const char *name = rds_reply_text(rds_reply_at(reply->element[i], 0));
		const char *token = rds_reply_text(rds_reply_at(reply->element[i], 1));
		if (!name[0] || !owner_is_dead(consumer, reply->element[i]))
			continue;
		owner_begin(&consumer->recovery, name, token);
		return;
	}
}

static void unexpected(struct rds_consumer *consumer, const redisReply *reply)
{
	struct msp_error why;
	rds_reply_error(consumer->inputs, reply, &why);
	rds_consumer_trouble(consumer, &why);
	rds_recovery_restart(consumer);
}

/* Rows of [id, consumer, idle, count]. What is alive here is only on its way. */
static void take_pending(struct rds_consumer *consumer, const redisReply *reply)
{
	struct rds_recovery *recovery = &consumer->recovery;
	recovery->count = recovery->next = 0;
	recovery->has_more = reply->elements == LIST_COUNT;
	for (size_t i = 0; i < reply->elements && i < LIST_COUNT; i++) {
		const redisReply *id = rds_reply_at(reply->element[i], 0);
		if (!rds_id_is(id)) {
			unexpected(consumer, reply);
			return;
		}
		snprintf(recovery->last, sizeof(recovery->last), "%s", id->str);
		if (!rds_inbox_has(consumer, id->str))
			memcpy(recovery->ids[recovery->count++], recovery->last, RDS_ID_SIZE);
	}
}

/* Something came of the list that is worked on. There may be more dead owners than this one; but one of whose list
 * nothing comes would be found again at once, and for ever: what was deleted stays in it until it is settled. */
static void owner_yields(struct rds_consumer *consumer)
{
	struct rds_recovery *recovery = &consumer->recovery;
	if (!recovery->owner || owner_is_us(consumer) || recovery->look_at_ms == 0)
		return;
	msp_log(MSP_LOG_INFO, "taking over what a dead consumer left", "consumer", recovery->owner, "group",
	        consumer->group, "topic", consumer->inputs, NULL);
	recovery->look_at_ms = 0;
}

/* Nothing, or [how often, entries]; there is no entry when it was deleted in that moment. */
static void take_entry(struct rds_consumer *consumer, redisReply *reply)
{
	const redisReply *attempts = rds_reply_at(reply, 0), *entries = rds_reply_at(reply, 1);
	struct rds_page *page;
	struct msp_error why;
	bool is_nothing = reply->elements == 0 || (rds_reply_is_array(entries) && entries->elements == 0);
	if (is_nothing || attempts->type != REDIS_REPLY_INTEGER || attempts->integer < 1 || entries->elements != 1) {
		if (!is_nothing)
			unexpected(consumer, reply);
		freeReplyObject(reply);
		return;
	}
	long long count = attempts->integer;
	if (rds_page_new(reply, entries, consumer->inputs, &page, &why) != MSP_OK) {
		rds_consumer_trouble(consumer, &why);
		rds_recovery_restart(consumer);
		return;
	}
	page->messages[0].attempts = count < INT32_MAX ? (int32_t)count : INT32_MAX;
	page->alone = true;
	rds_inbox_add(consumer, page);
	owner_yields(consumer);
}

static bool is_gone(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && (strstr(reply->str, "NOGROUP") || strstr(reply->str, "no such key"));
}

void rds_recovery_reply(struct rds_consumer *consumer, int kind, redisReply *reply)
{
	struct msp_error why;
	consumer->recovery.is_asking = consumer->recovery.is_fetching = false;
	if (kind == RDS_FETCHED && rds_reply_is_array(reply)) {
		take_entry(consumer, reply);
		rds_recovery_rest(consumer);
		return;
	}
	if (is_gone(reply)) {
		rds_reply_error(consumer->inputs, reply, &why);
		rds_consumer_void(consumer, &why);
	} else if (!rds_reply_is_array(reply)) {
		unexpected(consumer, reply);
	} else if (kind == RDS_OWNERS) {
		take_owners(consumer, reply);
	} else {
		take_pending(consumer, reply);
	}
	rds_recovery_rest(consumer);
	freeReplyObject(reply);
}
