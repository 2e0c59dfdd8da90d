#include "pending.h"
#include "reply.h"
#include <msp/clock.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_COUNT      100
#define LIST_COUNT_TEXT "100"
#define LOOK_MAX_MS     1000
#define LOCK_RETRY_MS   5

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
static const char CLAIM[] =
    "if ARGV[2] ~= ARGV[3] then "
    "  local holder = redis.call('GET', KEYS[2]) "
    "  if holder and holder ~= ARGV[4] then return {} end "
    "end "
    "local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[5], ARGV[5], 1, ARGV[3]) "
    "if #pending == 0 then return {} end "
    "local count = pending[1][4] + 1 "
    "if #redis.call('XRANGE', KEYS[1], ARGV[5], ARGV[5]) == 0 then return {count, {{ARGV[5], false}}} end "
    "return {count, redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[5])}";

/* More than an interval of a heartbeat, and less than what is left of a lease when its renewal comes. */
static int64_t grace_ms(const struct redis_session *session)
{
	return session->endpoint->options.lease_ms / 2;
}

/* Dead owners are looked for several times per lease. */
static int64_t look_every_ms(const struct redis_session *session)
{
	int64_t every_ms = session->endpoint->options.lease_ms / 4;
	return every_ms < LOOK_MAX_MS ? every_ms : LOOK_MAX_MS;
}

enum msp_status redis_pending_init(struct redis_pending *pending, const struct redis_session *session,
                                   struct msp_error *err)
{
	int64_t now_ms = msp_monotonic_ms();
	*pending = (struct redis_pending){
	    .state = REDIS_PENDING_OWN,
	    .seen_ms = now_ms,
	    .trust_ms = now_ms + grace_ms(session),
	    .lease_prefix = redis_lease_prefix(session->inputs, session->group),
	    .ids = calloc(LIST_COUNT, sizeof(*pending->ids)),
	};
	if (!pending->lease_prefix || !pending->ids)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	return MSP_OK;
}

void redis_pending_done(struct redis_pending *pending)
{
	free(pending->lease_prefix);
	free(pending->owner);
	free(pending->ids);
	*pending = (struct redis_pending){.owner = NULL};
}

bool redis_pending_is_active(const struct redis_pending *pending)
{
	return pending->state != REDIS_PENDING_REST && pending->state != REDIS_PENDING_LOOK &&
	       pending->state != REDIS_PENDING_LOOKING;
}

bool redis_pending_is_claiming(const struct redis_pending *pending)
{
	return pending->state == REDIS_PENDING_CLAIMING;
}

/* ---- whose list is worked on ---- */

static void owner_forget(struct redis_pending *pending)
{
	free(pending->owner);
	pending->owner = NULL;
	pending->count = pending->next = 0;
}

/* Without memory for the name our own list comes first, and everything later. */
static void owner_begin(struct redis_pending *pending, const char *owner, const char *token)
{
	owner_forget(pending);
	pending->owner = strdup(owner);
	pending->state = pending->owner ? REDIS_PENDING_LIST : REDIS_PENDING_OWN;
	snprintf(pending->owner_token, sizeof(pending->owner_token), "%s", token);
	snprintf(pending->last, sizeof(pending->last), "0-0");
}

static void owner_end(struct redis_pending *pending)
{
	owner_forget(pending);
	pending->state = REDIS_PENDING_REST;
}

/* What to do next with the owner's list. A list that was given up while an answer was due begins anew. */
static void owner_go_on(struct redis_pending *pending)
{
	if (!pending->owner)
		pending->state = REDIS_PENDING_OWN;
	else if (pending->next < pending->count)
		pending->state = REDIS_PENDING_CLAIM;
	else if (pending->last[0])
		pending->state = REDIS_PENDING_LIST;
	else
		owner_end(pending);
}

static bool owner_is_us(const struct redis_pending *pending, const struct redis_session *session)
{
	return strcmp(pending->owner, session->lease.consumer) == 0;
}

void redis_pending_restart(struct redis_pending *pending)
{
	bool is_due = pending->state == REDIS_PENDING_LISTING || pending->state == REDIS_PENDING_LOOKING ||
	              pending->state == REDIS_PENDING_DISCARDING;
	owner_forget(pending);
	/* What is being claimed was delivered once more, so it is not forgotten. */
	if (pending->state != REDIS_PENDING_CLAIMING)
		pending->state = is_due ? REDIS_PENDING_DISCARDING : REDIS_PENDING_OWN;
}

void redis_pending_cut(struct redis_pending *pending)
{
	if (pending->state == REDIS_PENDING_CLAIMING || pending->state == REDIS_PENDING_DISCARDING) {
		owner_forget(pending);
		pending->state = REDIS_PENDING_OWN;
	} else if (pending->state == REDIS_PENDING_LISTING) {
		pending->state = REDIS_PENDING_LIST;
	} else if (pending->state == REDIS_PENDING_LOOKING) {
		pending->state = REDIS_PENDING_LOOK;
	}
}

void redis_pending_joined(struct redis_pending *pending, const struct redis_session *session)
{
	int64_t now_ms = msp_monotonic_ms();
	/* No lease that is kept ends sooner. */
	if (now_ms - pending->seen_ms >= grace_ms(session))
		pending->trust_ms = now_ms + grace_ms(session);
}

/* ---- asking ---- */

static void owners_ask(const struct redis_pending *pending, struct redis_session *session)
{
	redis_put_command(&session->writes.out, "EVAL", OWNERS, "1", session->inputs, session->group, pending->lease_prefix,
	                  session->lease.consumer, (char *)NULL);
	redis_link_expect(&session->writes, REDIS_OWNERS, 0);
}

static void list_ask(const struct redis_pending *pending, struct redis_session *session)
{
	char from[REDIS_ID_SIZE + 1];
	snprintf(from, sizeof(from), "(%s", pending->last);
	redis_put_command(&session->writes.out, "XPENDING", session->inputs, session->group, from, "+", LIST_COUNT_TEXT,
	                  pending->owner, (char *)NULL);
	redis_link_expect(&session->writes, REDIS_PENDING, 0);
}

static void claim_ask(struct redis_pending *pending, struct redis_session *session)
{
	struct redis_output *out = &session->writes.out;
	redis_put_array(out, 10);
	redis_put_string(out, "EVAL");
	redis_put_string(out, CLAIM);
	redis_put_string(out, "2");
	redis_put_string(out, session->inputs);
	redis_put_joined(out, msp_bytes_of_string(pending->lease_prefix), msp_bytes_of_string(pending->owner));
	redis_put_string(out, session->group);
	redis_put_string(out, session->lease.consumer);
	redis_put_string(out, pending->owner);
	redis_put_string(out, pending->owner_token);
	redis_put_string(out, pending->ids[pending->next++]);
	redis_link_expect(&session->writes, REDIS_CLAIMED, 0);
}

static void own_begin(struct redis_pending *pending, const struct redis_session *session)
{
	pending->looks = (int)(session->endpoint->options.lease_ms / look_every_ms(session));
	owner_begin(pending, session->lease.consumer, "");
}

/* Asks what the state says; returns as redis_pending_drive. */
static int64_t state_ask(struct redis_pending *pending, struct redis_session *session,
                         struct redis_redelivery_lock *lock, const struct redis_pending_view *view)
{
	if (pending->state == REDIS_PENDING_LOOK) {
		owners_ask(pending, session);
		pending->state = REDIS_PENDING_LOOKING;
	} else if (pending->state == REDIS_PENDING_LIST && !(owner_is_us(pending, session) && view->is_fetching)) {
		list_ask(pending, session);
		pending->state = REDIS_PENDING_LISTING;
	} else if (pending->state == REDIS_PENDING_CLAIM && view->may_claim) {
		if (!redis_redelivery_lock_take(lock, &pending->lock_until_ms))
			return LOCK_RETRY_MS;
		claim_ask(pending, session);
		pending->state = REDIS_PENDING_CLAIMING;
	}
	return -1;
}

int64_t redis_pending_drive(struct redis_pending *pending, struct redis_session *session,
                            struct redis_redelivery_lock *lock, const struct redis_pending_view *view)
{
	int64_t left_ms = pending->due_ms - msp_monotonic_ms();
	if (!redis_link_is_up(&session->writes))
		return -1;
	if (pending->state == REDIS_PENDING_REST && left_ms > 0)
		return left_ms;
	if (pending->state == REDIS_PENDING_REST)
		pending->state = pending->looks > 0 ? REDIS_PENDING_LOOK : REDIS_PENDING_OWN;
	if (pending->state == REDIS_PENDING_OWN)
		own_begin(pending, session);
	return state_ask(pending, session, lock, view);
}

/* ---- answers ---- */

/* Leases also vanish with the data of the server, or while it is away. Those who live have theirs again after an
 * interval of their heartbeat: since the server came back, or since they asked for what they hold, which was after the
 * data went. */
static bool owner_is_dead(const struct redis_pending *pending, const struct redis_session *session,
                          const redisReply *owner)
{
	const char *token = redis_reply_text(redis_reply_at(owner, 1));
	const redisReply *idle_ms = redis_reply_at(owner, 2);
	if (token[0])
		return redis_token_is_dead(token);
	return msp_monotonic_ms() >= pending->trust_ms && idle_ms->type == REDIS_REPLY_INTEGER &&
	       idle_ms->integer >= grace_ms(session);
}

/* The first of the owners that is dead. */
static void owners_take(struct redis_pending *pending, const struct redis_session *session, const redisReply *reply)
{
	pending->seen_ms = msp_monotonic_ms();
	pending->due_ms = pending->seen_ms + look_every_ms(session);
	pending->looks--;
	pending->state = REDIS_PENDING_REST;
	for (size_t i = 0; i < reply->elements; i++) {
		const char *name = redis_reply_text(redis_reply_at(reply->element[i], 0));
		const char *token = redis_reply_text(redis_reply_at(reply->element[i], 1));
		if (!name[0] || !owner_is_dead(pending, session, reply->element[i]))
			continue;
		owner_begin(pending, name, token);
		return;
	}
}

static void unexpected(struct redis_pending *pending, const struct redis_session *session, const redisReply *reply,
                       struct redis_news *news)
{
	redis_reply_error(session->inputs, reply, &news->why);
	news->kind = REDIS_NEWS_ERROR;
	redis_pending_restart(pending);
}

/* Rows of [id, consumer, idle, count]. What is here is only on its way. */
static void list_take(struct redis_pending *pending, const struct redis_session *session,
                      const struct redis_entries *list, const redisReply *reply, struct redis_news *news)
{
	pending->count = pending->next = 0;
	for (size_t i = 0; i < reply->elements && i < LIST_COUNT; i++) {
		const redisReply *id = redis_reply_at(reply->element[i], 0);
		if (!redis_id_is(id)) {
			unexpected(pending, session, reply, news);
			return;
		}
		snprintf(pending->last, sizeof(pending->last), "%s", id->str);
		if (!redis_entries_have(list, id->str))
			memcpy(pending->ids[pending->count++], pending->last, REDIS_ID_SIZE);
	}
	if (reply->elements < LIST_COUNT || redis_id_is_last(pending->last))
		pending->last[0] = '\0';
	owner_go_on(pending);
}

/* There may be more dead owners than this one, so they are looked for again at once. Not without an entry: an owner of
 * whose list none comes would be found again and again, because what was deleted stays in it until it is settled. */
static void owner_yields(struct redis_pending *pending, const struct redis_session *session)
{
	if (!pending->owner || owner_is_us(pending, session) || pending->due_ms == 0)
		return;
	msp_log(MSP_LOG_INFO, "taking over what a dead consumer left", "consumer", pending->owner, "group", session->group,
	        "topic", session->inputs, NULL);
	pending->due_ms = 0;
}

static bool is_claim(const redisReply *attempts, const redisReply *rows)
{
	return attempts->type == REDIS_REPLY_INTEGER && attempts->integer >= 1 && redis_reply_is_array(rows) &&
	       rows->elements <= 1;
}

/* Nothing, or [how often, entries]; there is no entry when it was deleted in that moment. */
static void claimed_take(struct redis_pending *pending, const struct redis_session *session, redisReply *reply,
                         struct redis_news *news)
{
	const redisReply *attempts = redis_reply_at(reply, 0), *rows = redis_reply_at(reply, 1);
	struct redis_entries *entries;
	bool is_known = reply->elements == 0 || is_claim(attempts, rows);
	if (!is_known || rows->elements == 0) {
		owner_go_on(pending);
		if (!is_known)
			unexpected(pending, session, reply, news);
		freeReplyObject(reply);
		return;
	}
	long long count = attempts->integer;
	if (redis_entries_new(reply, rows, session->inputs, &entries, &news->why) == MSP_OK) {
		entries->messages[0].attempts = count < INT32_MAX ? (int32_t)count : INT32_MAX;
		entries->redelivered = true;
		news->kind = REDIS_NEWS_ENTRIES;
		news->entries = entries;
		owner_yields(pending, session);
	} else {
		news->kind = REDIS_NEWS_MISSED;
	}
	owner_go_on(pending);
}

static bool is_gone(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && (strstr(reply->str, "NOGROUP") || strstr(reply->str, "no such key"));
}

void redis_pending_reply(struct redis_pending *pending, const struct redis_session *session,
                         const struct redis_pending_view *view, enum redis_kind kind, redisReply *reply,
                         struct redis_news *news)
{
	bool is_discarded = pending->state == REDIS_PENDING_DISCARDING;
	if (kind == REDIS_CLAIMED && redis_reply_is_array(reply)) {
		claimed_take(pending, session, reply, news);
		return;
	}
	pending->state = REDIS_PENDING_OWN;
	if (is_gone(reply)) {
		redis_reply_error(session->inputs, reply, &news->why);
		news->kind = REDIS_NEWS_GROUP_GONE;
	} else if (!redis_reply_is_array(reply)) {
		unexpected(pending, session, reply, news);
	} else if (kind == REDIS_OWNERS && !is_discarded) {
		owners_take(pending, session, reply);
	} else if (!is_discarded) {
		list_take(pending, session, view->list, reply, news);
	}
	freeReplyObject(reply);
}
