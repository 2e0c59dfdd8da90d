#include "consumer.h"
#include "group.h"
#include "member.h"
#include "reply.h"
#include "transport.h"
#include <assert.h>
#include <msp/backoff.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

/* What a message is taken to be like until the first came. */
#define FIRST_MEAN_BYTES 1024

static const struct msp_consumer_ops CONSUMER_OPS; /* at the end */

static struct rds_consumer *consumer_cast(struct msp_consumer *consumer)
{
	assert(consumer && consumer->ops == &CONSUMER_OPS);
	return (struct rds_consumer *)consumer;
}

/* ---- what went wrong ---- */

void rds_consumer_trouble(struct rds_consumer *consumer, const struct msp_error *why)
{
	consumer->trouble = *why;
	consumer->trouble.retriable = true;
	consumer->resume_at_ms = msp_monotonic_ms() + consumer->retry_ms;
}

void rds_consumer_void(struct rds_consumer *consumer, const struct msp_error *why)
{
	size_t dropped = rds_inbox_drop(consumer);
	msp_log(MSP_LOG_WARN, "the consumer group or its topic is gone", "group", consumer->group, "topic",
	        consumer->inputs, "read_ahead_dropped", MSP_LOG_NUMBER(dropped), NULL);
	consumer->term++;
	consumer->group_is_there = false;
	rds_recovery_restart(consumer);
	rds_consumer_trouble(consumer, why);
}

/* ---- the links ---- */

struct rds_group rds_consumer_group(const struct rds_consumer *consumer)
{
	return (struct rds_group){
	    .topic = consumer->inputs,
	    .name = consumer->group,
	    .may_repeat = consumer->guarantee == MSP_AT_LEAST_ONCE || !consumer->outputs,
	};
}

static void take_group(struct rds_consumer *consumer, redisReply *reply)
{
	struct rds_group group = rds_consumer_group(consumer);
	struct msp_error why;
	consumer->group_asked = false;
	consumer->group_is_there = rds_group_result(&group, reply, &why) == MSP_OK;
	if (consumer->group_is_there)
		rds_recovery_joined(consumer);
	else
		rds_consumer_trouble(consumer, &why);
	freeReplyObject(reply);
}

static void link_reply(void *context, int kind, size_t index, redisReply *reply)
{
	struct rds_consumer *consumer = context;
	switch ((enum rds_kind)kind) {
	case RDS_ENTRIES:
		rds_inbox_take(consumer, reply);
		break;
	case RDS_GROUP:
		take_group(consumer, reply);
		break;
	case RDS_OWNERS:
	case RDS_PENDING:
	case RDS_FETCHED:
		rds_recovery_reply(consumer, kind, reply);
		break;
	case RDS_RELEASED:
		consumer->lease.is_held = false;
		freeReplyObject(reply);
		break;
	case RDS_IGNORED:
		freeReplyObject(reply);
		break;
	default:
		rds_settle_reply(consumer, kind, index, reply);
	}
}

/* Entries that were on their way are in our list of pending ones. */
static void reads_down(void *context)
{
	struct rds_consumer *consumer = context;
	if (consumer->reading)
		rds_recovery_restart(consumer);
	consumer->reading = false;
	rds_consumer_trouble(consumer, &consumer->reads.error);
}

static void writes_down(void *context)
{
	struct rds_consumer *consumer = context;
	consumer->group_asked = consumer->group_is_there = false;
	rds_recovery_cut(consumer);
	rds_settle_cut(consumer);
	rds_consumer_trouble(consumer, &consumer->writes.error);
}

static const struct rds_link_events READS_EVENTS = {link_reply, reads_down};
static const struct rds_link_events WRITES_EVENTS = {link_reply, writes_down};

/* The lease before anything is read: what took the group may have taken it, and who has none counts as dead. */
static void group_ask(struct rds_consumer *consumer)
{
	struct rds_group group = rds_consumer_group(consumer);
	rds_lease_put_renewal(&consumer->lease, &consumer->writes, (int)consumer->transport->server.options.lease_ms);
	rds_link_expect(&consumer->writes, RDS_IGNORED, 0);
	rds_group_put(&group, &consumer->writes);
	rds_link_expect(&consumer->writes, RDS_GROUP, 0);
	consumer->group_asked = true;
}

/* Asks everything that can be asked now; returns in how many milliseconds to do so again at the latest. */
static int64_t consumer_drive(struct rds_consumer *consumer, bool may_fetch)
{
	int64_t settle_ms = rds_settle_drive(consumer), rest_ms = consumer->resume_at_ms - msp_monotonic_ms();
	if (rest_ms <= 0) {
		if (rds_link_is_up(&consumer->writes) && !consumer->group_is_there && !consumer->group_asked &&
		    !consumer->leaving)
			group_ask(consumer);
		rest_ms = rds_recovery_drive(consumer, may_fetch);
		if (rds_inbox_wants(consumer))
			rds_inbox_ask(consumer);
	}
	rds_link_flush(&consumer->writes);
	return settle_ms < 0 || (rest_ms >= 0 && rest_ms < settle_ms) ? rest_ms : settle_ms;
}

void rds_consumer_pump(struct rds_consumer *consumer, int64_t deadline_ms, bool may_fetch)
{
	int64_t drive_ms = consumer_drive(consumer, may_fetch), wait_ms = deadline_ms - msp_monotonic_ms();
	struct pollfd fds[3] = {[2] = {.fd = may_fetch ? consumer->wakeup.fd : -1, .events = POLLIN}};
	int reads_ms = rds_link_prepare(&consumer->reads, &fds[0]);
	int writes_ms = rds_link_prepare(&consumer->writes, &fds[1]);
	if (drive_ms >= 0 && drive_ms < wait_ms)
		wait_ms = drive_ms;
	if (reads_ms < wait_ms)
		wait_ms = reads_ms;
	if (writes_ms < wait_ms)
		wait_ms = writes_ms;
	if (poll(fds, 3, wait_ms < 0 ? 0 : (int)wait_ms) < 0)
		fds[0].revents = fds[1].revents = 0;
	rds_link_serve(&consumer->reads, &fds[0]);
	rds_link_serve(&consumer->writes, &fds[1]);
}

/* ---- receive ---- */

static void batch_give(struct rds_consumer *consumer, struct rds_page *page, const struct msp_receive_limits *limits,
                       struct msp_batch **ret_batch)
{
	struct rds_batch *batch = consumer->batches;
	while (batch->alive)
		batch++;
	assert(batch < consumer->batches + RDS_BATCHES);
	size_t count = rds_page_fit(page, limits);
	*batch = (struct rds_batch){
	    .base = {page->messages + page->given, count},
	    .page = page,
	    .term = consumer->term,
	    .alive = true,
	};
	page->given += count;
	page->batches++;
	*ret_batch = &batch->base;
	/* The next ones are asked for while these are computed. */
	if (rds_inbox_wants(consumer) && msp_monotonic_ms() >= consumer->resume_at_ms)
		rds_inbox_ask(consumer);
}

/* An instance name is this process's for good, so another that has it is a mistake; any other name is as good as the
 * one that is lost. */
static enum msp_status name_lost(struct rds_consumer *consumer, struct msp_error *err)
{
	if (!consumer->lease.is_instance)
		return rds_member_rename(consumer, err);
	return msp_error_set(err, MSP_E_CONFLICT,
	                     "another process uses the name %s in group %s: this one hung or was cut off for too long",
	                     consumer->lease.consumer, consumer->group);
}

static enum msp_status consumer_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	struct rds_consumer *consumer = consumer_cast(base);
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = now_ms + limits->timeout_ms;
	consumer->limits = *limits;
	*ret_batch = NULL;
	/* First what has come by now. */
	for (int64_t until_ms = now_ms;; until_ms = deadline_ms) {
		if (rds_wakeup_take(&consumer->wakeup))
			return MSP_OK;
		if (atomic_load(&consumer->lease.is_lost)) {
			enum msp_status status = name_lost(consumer, err);
			if (status != MSP_OK)
				return status;
			continue;
		}
		rds_consumer_pump(consumer, until_ms, true);
		struct rds_page *page = rds_inbox_ready(consumer);
		if (page) {
			batch_give(consumer, page, limits, ret_batch);
			return MSP_OK;
		}
		if (consumer->trouble.status != MSP_OK) {
			struct msp_error trouble = consumer->trouble;
			consumer->trouble.status = MSP_OK;
			if (err)
				*err = trouble;
			return trouble.status;
		}
		if (until_ms == deadline_ms && msp_monotonic_ms() >= deadline_ms)
			return MSP_OK;
	}
}

static void consumer_batch_free(struct msp_consumer *base, struct msp_batch *batch_base)
{
	struct rds_consumer *consumer = consumer_cast(base);
	struct rds_batch *batch = (struct rds_batch *)batch_base;
	if (!batch)
		return;
	assert(batch->alive && (consumer->settle.step == RDS_STEP_NONE || batch != consumer->settle.batch));
	batch->alive = false;
	batch->page->batches--;
	rds_inbox_release(consumer, batch->page);
}

/* ---- the rest ---- */

static void consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	rds_settle_begin(consumer_cast(base), (struct rds_batch *)batch, outgoing);
}

static enum msp_settle_answer consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct rds_consumer *consumer = consumer_cast(base);
	struct rds_settle *settle = &consumer->settle;
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	assert(settle->step != RDS_STEP_NONE);
	while (settle->step != RDS_STEP_DONE) {
		rds_consumer_pump(consumer, deadline_ms, false);
		if (settle->step != RDS_STEP_DONE && msp_monotonic_ms() >= deadline_ms) {
			if (err)
				*err = rds_link_is_up(&consumer->writes) ? settle->error : consumer->writes.error;
			return MSP_SETTLE_AGAIN;
		}
	}
	settle->step = RDS_STEP_NONE;
	if (err && settle->answer == MSP_SETTLE_LOST)
		*err = settle->error;
	return settle->answer;
}

static void consumer_wake(struct msp_consumer *base)
{
	rds_wakeup_wake(&consumer_cast(base)->wakeup);
}

static void consumer_free(struct msp_consumer *base)
{
	if (!base)
		return;
	struct rds_consumer *consumer = consumer_cast(base);
	rds_keeper_remove(&consumer->transport->keeper, &consumer->lease);
	rds_member_leave(consumer);
	rds_link_done(&consumer->reads);
	rds_link_done(&consumer->writes);
	for (struct rds_page *page = consumer->pages, *next; page; page = next) {
		next = page->next;
		rds_page_free(page);
	}
	rds_turn_give(&consumer->transport->turn, &consumer->recovery.turn);
	rds_recovery_done(&consumer->recovery);
	rds_lease_done(&consumer->lease);
	rds_wakeup_done(&consumer->wakeup);
	free(consumer->inputs);
	free(consumer->outputs);
	free(consumer->errors);
	free(consumer->group);
	free(consumer);
}

static const struct msp_consumer_ops CONSUMER_OPS = {
    .receive = consumer_receive,
    .batch_free = consumer_batch_free,
    .settle_begin = consumer_settle_begin,
    .settle_wait = consumer_settle_wait,
    .wake = consumer_wake,
    .free = consumer_free,
};

/* ---- opening ---- */

static enum msp_status names_copy(struct rds_consumer *consumer, const struct msp_consumer_config *config,
                                  struct msp_error *err)
{
	consumer->inputs = strdup(config->inputs);
	consumer->group = strdup(config->group);
	consumer->outputs = config->outputs ? strdup(config->outputs) : NULL;
	consumer->errors = config->errors ? strdup(config->errors) : NULL;
	if (!consumer->inputs || !consumer->group || !config->outputs != !consumer->outputs ||
	    !config->errors != !consumer->errors)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	return MSP_OK;
}

static enum msp_status consumer_join(struct rds_consumer *consumer, const struct msp_consumer_config *config,
                                     struct msp_error *err)
{
	struct rds_transport *transport = consumer->transport;
	struct rds_client client;
	enum msp_status status = names_copy(consumer, config, err);
	if (status == MSP_OK)
		status = rds_wakeup_init(&consumer->wakeup, err);
	if (status == MSP_OK)
		status = rds_recovery_init(&consumer->recovery, consumer, err);
	if (status != MSP_OK)
		return status;
	rds_client_init(&client, &transport->server, "msp-open");
	status = rds_member_join(consumer, config, &client, err);
	rds_client_done(&client);
	return status == MSP_OK ? rds_keeper_add(&transport->keeper, &consumer->lease, err) : status;
}

void rds_consumer_init(struct rds_consumer *consumer, struct rds_transport *transport, enum msp_guarantee guarantee)
{
	*consumer = (struct rds_consumer){
	    .base.ops = &CONSUMER_OPS,
	    .transport = transport,
	    .guarantee = guarantee,
	    .retry_ms = (int)transport->server.options.retry_ms,
	    .mean_bytes = FIRST_MEAN_BYTES,
	    .wakeup.fd = -1,
	};
	rds_server_link_init(&transport->server, &consumer->reads, "msp-reads", &READS_EVENTS, consumer);
	rds_server_link_init(&transport->server, &consumer->writes, "msp-writes", &WRITES_EVENTS, consumer);
}

enum msp_status rds_consumer_open(struct rds_transport *transport, const struct msp_consumer_config *config,
                                  struct msp_consumer **ret_consumer, struct msp_error *err)
{
	assert(config->inputs && config->group);
	struct rds_consumer *consumer = malloc(sizeof(*consumer));
	if (!consumer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	rds_consumer_init(consumer, transport, config->guarantee);
	enum msp_status status = consumer_join(consumer, config, err);
	if (status == MSP_OK)
		*ret_consumer = &consumer->base;
	else
		consumer_free(&consumer->base);
	return status;
}
