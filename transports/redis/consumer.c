#include "consumer.h"
#include "reply.h"
#include <assert.h>
#include <msp/clock.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAVE_TIMEOUT_MS 500 /* for each of its two steps */

static const struct msp_consumer_ops CONSUMER_OPS;

static struct redis_consumer *consumer_cast(struct msp_consumer *consumer)
{
	assert(consumer && consumer->ops == &CONSUMER_OPS);
	return (struct redis_consumer *)consumer;
}

/* ---- news ---- */

static void error_note(struct redis_consumer *consumer, const struct msp_error *why)
{
	consumer->pending_error = *why;
	consumer->pending_error.retriable = true;
	consumer->resume_ms = msp_deadline_in((int)consumer->transport->endpoint.options.retry_ms);
}

/* Everything that was received and not settled is the group's that was, which is gone. */
static void group_gone(struct redis_consumer *consumer, const struct msp_error *why)
{
	struct redis_session *session = &consumer->session;
	size_t dropped = redis_fetch_drop(&consumer->fetch);
	msp_log(MSP_LOG_WARN, "the consumer group or its topic is gone", "group", session->group, "topic", session->inputs,
	        "prefetched_dropped", MSP_LOG_NUMBER(dropped), NULL);
	session->generation++;
	redis_member_cut(&consumer->member);
	redis_pending_restart(&consumer->pending);
	error_note(consumer, why);
}

/* Another process has our name and finds what is delivered under it from now on, so that little should be. Batches that
 * were received under it may still be settled. */
static void name_replace(struct redis_consumer *consumer)
{
	struct redis_session *session = &consumer->session;
	struct redis_lease *fresh = &consumer->member.search.lease;
	struct msp_error why;
	msp_error_set(&why, MSP_E_UNAVAILABLE, "another process has the name %s: going on as %s", session->lease.consumer,
	              fresh->consumer);
	redis_lease_move(&session->lease, fresh);
	(void)redis_fetch_drop(&consumer->fetch);
	redis_pending_restart(&consumer->pending);
	redis_link_fail(&session->reads, &why);
	if (redis_heartbeat_add(&consumer->transport->heartbeat, &session->lease, &why) != MSP_OK)
		error_note(consumer, &why);
}

/* Lets other consumers redeliver, unless such an entry is being claimed or computed here. */
static void redelivery_unlock(struct redis_consumer *consumer)
{
	if (!redis_pending_is_claiming(&consumer->pending) && !redis_fetch_has_redelivered(&consumer->fetch))
		redis_redelivery_lock_give(&consumer->transport->redelivery_lock, &consumer->pending.lock_until_ms);
}

static void consumer_hear(struct redis_consumer *consumer, const struct redis_news *news)
{
	switch (news->kind) {
	case REDIS_NEWS_NONE:
		break;
	case REDIS_NEWS_ENTRIES:
		redis_fetch_add(&consumer->fetch, news->entries);
		break;
	case REDIS_NEWS_MISSED:
		redis_pending_restart(&consumer->pending);
		error_note(consumer, &news->why);
		break;
	case REDIS_NEWS_ERROR:
		error_note(consumer, &news->why);
		break;
	case REDIS_NEWS_JOINED:
		redis_pending_joined(&consumer->pending, &consumer->session);
		break;
	case REDIS_NEWS_NAMED:
		name_replace(consumer);
		break;
	case REDIS_NEWS_GROUP_GONE:
		group_gone(consumer, &news->why);
		break;
	}
	redelivery_unlock(consumer);
}

/* ---- the links ---- */

static struct redis_pending_view pending_view(const struct redis_consumer *consumer, bool may_claim)
{
	return (struct redis_pending_view){
	    .list = consumer->fetch.list,
	    .is_fetching = consumer->fetch.asked,
	    .may_claim = may_claim && !redis_fetch_ready(&consumer->fetch),
	};
}

static int64_t settle_drive(struct redis_consumer *consumer)
{
	struct redis_news news = {.kind = REDIS_NEWS_NONE};
	int64_t due_ms = redis_settle_drive(&consumer->settle, &consumer->session, &news);
	consumer_hear(consumer, &news);
	return due_ms;
}

static void link_reply(void *context, int kind, size_t index, redisReply *reply)
{
	struct redis_consumer *consumer = context;
	struct redis_session *session = &consumer->session;
	struct redis_pending_view view = pending_view(consumer, false);
	struct redis_news news = {.kind = REDIS_NEWS_NONE};
	switch ((enum redis_kind)kind) {
	case REDIS_FETCHED:
		redis_fetch_reply(&consumer->fetch, session, reply, &news);
		break;
	case REDIS_JOINED:
	case REDIS_NAMED:
	case REDIS_RELEASED:
		redis_member_reply(&consumer->member, session, (enum redis_kind)kind, reply, &news);
		break;
	case REDIS_OWNERS:
	case REDIS_PENDING:
	case REDIS_CLAIMED:
		redis_pending_reply(&consumer->pending, session, &view, (enum redis_kind)kind, reply, &news);
		break;
	case REDIS_IGNORED:
		freeReplyObject(reply);
		return;
	default:
		redis_settle_reply(&consumer->settle, session, (enum redis_kind)kind, index, reply, &news);
	}
	consumer_hear(consumer, &news);
	/* Most answers about results are followed by others, and then by what comes next. */
	if (kind >= REDIS_LOADED && consumer->settle.step != REDIS_STEP_PUBLISHING)
		(void)settle_drive(consumer);
}

/* Entries that were on their way are in our list of pending ones. */
static void reads_down(void *context)
{
	struct redis_consumer *consumer = context;
	if (redis_fetch_cut(&consumer->fetch))
		redis_pending_restart(&consumer->pending);
	error_note(consumer, &consumer->session.reads.error);
}

static void writes_down(void *context)
{
	struct redis_consumer *consumer = context;
	redis_member_cut(&consumer->member);
	redis_pending_cut(&consumer->pending);
	redis_settle_cut(&consumer->settle, &consumer->session.writes.error);
	redelivery_unlock(consumer);
	error_note(consumer, &consumer->session.writes.error);
}

static const struct redis_link_events READS_EVENTS = {link_reply, reads_down};
static const struct redis_link_events WRITES_EVENTS = {link_reply, writes_down};

/* ---- the loop ---- */

/* Asks for new entries, unless others come first. */
static void fetch_drive(struct redis_consumer *consumer)
{
	if (consumer->member.state == REDIS_MEMBER_INSIDE && !redis_pending_is_active(&consumer->pending))
		redis_fetch_drive(&consumer->fetch, &consumer->session);
}

/* Asks everything that can be asked now; returns in how many milliseconds to do so again at the latest, or -1. */
static int64_t consumer_drive(struct redis_consumer *consumer, bool may_claim)
{
	int64_t settle_ms = settle_drive(consumer), rest_ms = consumer->resume_ms - msp_monotonic_ms();
	if (consumer->session.leaving) {
		redis_member_drive(&consumer->member, &consumer->session);
	} else if (rest_ms <= 0) {
		struct redis_pending_view view = pending_view(consumer, may_claim);
		redis_member_drive(&consumer->member, &consumer->session);
		rest_ms = -1;
		if (consumer->member.state == REDIS_MEMBER_INSIDE)
			rest_ms = redis_pending_drive(&consumer->pending, &consumer->session, &consumer->transport->redelivery_lock,
			                              &view);
		fetch_drive(consumer);
	}
	redis_link_flush(&consumer->session.writes);
	return settle_ms < 0 || (rest_ms >= 0 && rest_ms < settle_ms) ? rest_ms : settle_ms;
}

/* Serves both links once, waiting at most until the deadline. `may_wake`: for somebody whom a wake ends; `may_claim`:
 * who waits for a batch. */
static void consumer_pump(struct redis_consumer *consumer, int64_t deadline_ms, bool may_wake, bool may_claim)
{
	struct redis_session *session = &consumer->session;
	int64_t drive_ms = consumer_drive(consumer, may_claim), wait_ms = deadline_ms - msp_monotonic_ms();
	struct pollfd fds[3] = {[2] = {.fd = may_wake ? consumer->wakeup.fd : -1, .events = POLLIN}};
	int reads_ms = redis_link_prepare(&session->reads, &fds[0]);
	int writes_ms = redis_link_prepare(&session->writes, &fds[1]);
	if (drive_ms >= 0 && drive_ms < wait_ms)
		wait_ms = drive_ms;
	if (reads_ms < wait_ms)
		wait_ms = reads_ms;
	if (writes_ms < wait_ms)
		wait_ms = writes_ms;
	if (poll(fds, 3, wait_ms < 0 ? 0 : (int)wait_ms) < 0)
		fds[0].revents = fds[1].revents = 0;
	redis_link_serve(&session->reads, &fds[0]);
	redis_link_serve(&session->writes, &fds[1]);
	redis_stats_note(&consumer->stats, session, consumer->fetch.list);
}

/* An instance name is this process's for good, so another that has it is a mistake; any other name is as good as the
 * one that is lost. */
static enum msp_status name_check(struct redis_consumer *consumer, struct msp_error *err)
{
	struct redis_session *session = &consumer->session;
	if (!atomic_load(&session->lease.is_lost) || consumer->member.state == REDIS_MEMBER_NAMELESS ||
	    consumer->member.state == REDIS_MEMBER_NAMING)
		return MSP_OK;
	if (session->lease.is_instance)
		return msp_error_set(err, MSP_E_CONFLICT,
		                     "another process uses the name %s in group %s: this one hung or was cut off for too long",
		                     session->lease.consumer, session->group);
	redis_heartbeat_remove(&consumer->transport->heartbeat, &session->lease);
	return redis_member_rename(&consumer->member, session, err);
}

static enum msp_status error_tell(struct redis_consumer *consumer, struct msp_error *err)
{
	enum msp_status status = consumer->pending_error.status;
	if (status != MSP_OK && err)
		*err = consumer->pending_error;
	consumer->pending_error.status = MSP_OK;
	return status;
}

/* ---- receive ---- */

static void batch_give(struct redis_consumer *consumer, struct redis_entries *entries, struct msp_batch **ret_batch)
{
	struct redis_batch *batch = consumer->batches;
	while (batch->alive)
		batch++;
	assert(batch < consumer->batches + REDIS_BATCHES);
	size_t count = redis_entries_fit(entries, &consumer->fetch.limits);
	*batch = (struct redis_batch){
	    .base = {entries->messages + entries->given, count},
	    .entries = entries,
	    .generation = consumer->session.generation,
	    .alive = true,
	};
	entries->given += count;
	entries->batches++;
	*ret_batch = &batch->base;
	/* The next ones are asked for while these are computed. */
	if (msp_monotonic_ms() >= consumer->resume_ms)
		fetch_drive(consumer);
}

static enum msp_status consumer_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	struct redis_consumer *consumer = consumer_cast(base);
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = msp_deadline_in(limits->timeout_ms);
	consumer->fetch.limits = *limits;
	consumer->fetch.stopped = false;
	*ret_batch = NULL;
	/* First what has come by now. */
	for (int64_t until_ms = now_ms;; until_ms = deadline_ms) {
		if (redis_wakeup_take(&consumer->wakeup))
			return MSP_OK;
		enum msp_status status = name_check(consumer, err);
		if (status != MSP_OK)
			return status;
		consumer_pump(consumer, until_ms, true, true);
		struct redis_entries *entries = redis_fetch_ready(&consumer->fetch);
		if (entries) {
			batch_give(consumer, entries, ret_batch);
			return MSP_OK;
		}
		status = error_tell(consumer, err);
		if (status != MSP_OK)
			return status;
		if (until_ms == deadline_ms && msp_monotonic_ms() >= deadline_ms)
			return MSP_OK;
	}
}

static enum msp_status consumer_serve(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct redis_consumer *consumer = consumer_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	do {
		if (redis_wakeup_take(&consumer->wakeup))
			return MSP_OK;
		enum msp_status status = name_check(consumer, err);
		if (status != MSP_OK)
			return status;
		consumer_pump(consumer, deadline_ms, true, false);
		status = error_tell(consumer, err);
		if (status != MSP_OK)
			return status;
	} while (msp_monotonic_ms() < deadline_ms);
	return MSP_OK;
}

static void consumer_batch_free(struct msp_consumer *base, struct msp_batch *batch_base)
{
	struct redis_consumer *consumer = consumer_cast(base);
	struct redis_batch *batch = (struct redis_batch *)batch_base;
	if (!batch)
		return;
	assert(batch->alive && (consumer->settle.step == REDIS_STEP_NONE || &batch->base != consumer->settle.batch));
	batch->alive = false;
	batch->entries->batches--;
	redis_fetch_release(&consumer->fetch, batch->entries);
	redelivery_unlock(consumer);
}

/* ---- settle ---- */

static void consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch_base,
                                  struct msp_outgoing *outgoing)
{
	struct redis_consumer *consumer = consumer_cast(base);
	struct redis_batch *batch = (struct redis_batch *)batch_base;
	batch->entries->redelivered = false;
	redis_settle_begin(&consumer->settle, &batch->base, batch->generation, outgoing);
	(void)settle_drive(consumer);
	redis_link_flush(&consumer->session.writes);
}

static enum msp_settle_answer consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct redis_consumer *consumer = consumer_cast(base);
	struct redis_settle *settle = &consumer->settle;
	struct redis_link *writes = &consumer->session.writes;
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	assert(settle->step != REDIS_STEP_NONE);
	while (redis_settle_is_under_way(settle)) {
		consumer_pump(consumer, deadline_ms, false, false);
		if (redis_settle_is_under_way(settle) && msp_monotonic_ms() >= deadline_ms) {
			if (err)
				*err = redis_link_is_up(writes) ? settle->error : writes->error;
			return MSP_SETTLE_AGAIN;
		}
	}
	settle->step = REDIS_STEP_NONE;
	if (err && settle->answer == MSP_SETTLE_LOST)
		*err = settle->error;
	return settle->answer;
}

/* ---- the rest ---- */

static void consumer_wake(struct msp_consumer *base)
{
	redis_wakeup_wake(&consumer_cast(base)->wakeup);
}

static void consumer_stats(struct msp_consumer *base, struct msp_consumer_stats *ret_stats)
{
	redis_stats_read(&consumer_cast(base)->stats, ret_stats);
}

/* Sees to it that no entry is delivered to nobody, and gives the name up. A lease that cannot be given up ends by
 * itself. */
static void consumer_leave(struct redis_consumer *consumer)
{
	struct redis_session *session = &consumer->session;
	if (!session->lease.is_held)
		return;
	session->leaving = true;
	int64_t deadline_ms = msp_deadline_in(LEAVE_TIMEOUT_MS);
	while (redis_fetch_stop(&consumer->fetch, session) && msp_monotonic_ms() < deadline_ms)
		consumer_pump(consumer, consumer->fetch.unblock_at_ms, false, false);
	deadline_ms = msp_deadline_in(LEAVE_TIMEOUT_MS);
	redis_member_leave(&consumer->member);
	while (consumer->member.state != REDIS_MEMBER_LEFT && msp_monotonic_ms() < deadline_ms)
		consumer_pump(consumer, deadline_ms, false, false);
}

static void consumer_free(struct msp_consumer *base)
{
	if (!base)
		return;
	struct redis_consumer *consumer = consumer_cast(base);
	redis_heartbeat_remove(&consumer->transport->heartbeat, &consumer->session.lease);
	consumer_leave(consumer);
	redis_redelivery_lock_give(&consumer->transport->redelivery_lock, &consumer->pending.lock_until_ms);
	redis_fetch_done(&consumer->fetch);
	redis_pending_done(&consumer->pending);
	redis_member_done(&consumer->member);
	redis_session_done(&consumer->session);
	redis_wakeup_done(&consumer->wakeup);
	free(consumer);
}

/* ---- opening ---- */

static void links_init(struct redis_consumer *consumer)
{
	struct redis_endpoint *endpoint = &consumer->transport->endpoint;
	struct redis_link_config reads = {endpoint, "msp-reads", &READS_EVENTS, consumer};
	struct redis_link_config writes = {endpoint, "msp-writes", &WRITES_EVENTS, consumer};
	redis_link_init(&consumer->session.reads, &reads);
	redis_link_init(&consumer->session.writes, &writes);
}

enum msp_status redis_consumer_new(struct redis_transport *transport, const struct msp_consumer_config *config,
                                   struct redis_consumer **ret_consumer, struct msp_error *err)
{
	struct redis_consumer *consumer = calloc(1, sizeof(*consumer));
	if (!consumer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	consumer->base.ops = &CONSUMER_OPS;
	consumer->transport = transport;
	consumer->wakeup.fd = -1;
	links_init(consumer);
	redis_fetch_init(&consumer->fetch);
	redis_stats_note(&consumer->stats, &consumer->session, NULL);
	enum msp_status status = redis_session_init(&consumer->session, &transport->endpoint, config, err);
	if (status == MSP_OK)
		status = redis_wakeup_init(&consumer->wakeup, err);
	if (status == MSP_OK)
		status = redis_pending_init(&consumer->pending, &consumer->session, err);
	if (status == MSP_OK)
		*ret_consumer = consumer;
	else
		consumer_free(&consumer->base);
	return status;
}

enum msp_status redis_consumer_open(struct redis_transport *transport, const struct msp_consumer_config *config,
                                    struct msp_consumer **ret_consumer, struct msp_error *err)
{
	assert(config->inputs && config->group);
	struct redis_consumer *consumer;
	struct redis_client client;
	enum msp_status status = redis_consumer_new(transport, config, &consumer, err);
	if (status != MSP_OK)
		return status;
	redis_client_init(&client, &transport->endpoint, "msp-open");
	status = redis_member_open(&consumer->session, config, transport->serial, &client, err);
	redis_client_done(&client);
	if (status == MSP_OK)
		status = redis_heartbeat_add(&transport->heartbeat, &consumer->session.lease, err);
	if (status == MSP_OK)
		*ret_consumer = &consumer->base;
	else
		consumer_free(&consumer->base);
	return status;
}

static const struct msp_consumer_ops CONSUMER_OPS = {
    .receive = consumer_receive,
    .serve = consumer_serve,
    .batch_free = consumer_batch_free,
    .settle_begin = consumer_settle_begin,
    .settle_wait = consumer_settle_wait,
    .wake = consumer_wake,
    .stats = consumer_stats,
    .free = consumer_free,
};
