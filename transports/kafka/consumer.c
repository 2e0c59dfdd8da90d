/* A consumer: one member of a consumer group and, where it publishes, one producer client. This is the only loop: it
 * asks its parts for news and acts on it; the parts know neither each other nor this file (kafka.c has the map).
 * README.md walks through a rebalance in mid-flight. */
#include "error.h"
#include "fetch.h"
#include "lane.h"
#include "loss.h"
#include "member.h"
#include "offsets.h"
#include "topic.h"

#include <assert.h>
#include <errno.h>
#include <msp/log.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long giving partitions back may take: the batch in flight is finished or lost, offsets are committed. */
#define REVOKE_TIMEOUT_MS 2000
/* A sleep is never longer, whatever librdkafka forgets to say. */
#define SLEEP_MAX_MS 1000
/* While librdkafka may undo the forwarding of partitions, which it does not say. */
#define RESTART_POLL_MS 20
/* How long settle_wait waits before the group's duties are served again. */
#define SLICE_MS 20

struct kafka_consumer {
	struct msp_consumer base;
	const struct kafka_settings *settings;
	int wake_fd; /* an eventfd: there may be news or messages, or wake was called */
	atomic_bool woken;

	struct kafka_member member;
	struct kafka_fetch fetch;
	struct kafka_offsets offsets;
	struct kafka_lane lane;
	struct kafka_loss loss;

	struct kafka_batch *in_flight;
	bool topic_missing;       /* the inputs were deleted */
	bool unread;              /* librdkafka leaves partitions alone whose committed offset it was not told */
	int64_t restart_by_ms;    /* partitions are to be read again once stored offsets are committed, or then; 0: not */
	struct msp_error pending; /* what the next receive has to report */
	struct msp_error denied;  /* the group does not let us in; librdkafka says it once and goes on trying */
};

static struct kafka_consumer *consumer_cast(struct msp_consumer *consumer)
{
	return (struct kafka_consumer *)consumer;
}

/* ---- what was read becomes invalid ---- */

/* The broker does not know inputs any more: says so once, and how much of what was read is not settled. */
static void consumer_note_missing(struct kafka_consumer *consumer)
{
	size_t unsettled = kafka_loss_take(&consumer->loss, kafka_fetch_unsettled(&consumer->fetch));
	if (!consumer->topic_missing)
		msp_log(MSP_LOG_WARN, "the topic is gone", "group", consumer->member.group, "topic", consumer->member.topic,
		        "unsettled", MSP_LOG_NUMBER((int64_t)unsettled), NULL);
	consumer->topic_missing = true;
}

static void consumer_invalidate(struct kafka_consumer *consumer)
{
	if (!consumer->topic_missing)
		kafka_loss_note(&consumer->loss, kafka_fetch_unsettled(&consumer->fetch));
	kafka_fetch_invalidate(&consumer->fetch);
}

/* Reads again from what is committed. What is only stored may be another topic's of the same name. */
static void consumer_restart(struct kafka_consumer *consumer)
{
	consumer->restart_by_ms = 0;
	kafka_lane_revoke(&consumer->lane, true, 0);
	consumer_invalidate(consumer);
	kafka_offsets_forget(&consumer->offsets, consumer->member.client.rk, consumer->member.assignment);
	if (!consumer->member.assignment)
		return;
	kafka_member_restart(&consumer->member);
	consumer->fetch.is_restarted = true;
}

/* The same as soon as stored offsets are committed, without waiting for that. */
static void consumer_restart_soon(struct kafka_consumer *consumer)
{
	consumer_invalidate(consumer);
	kafka_offsets_hurry(&consumer->offsets);
	consumer->restart_by_ms = msp_deadline_in(REVOKE_TIMEOUT_MS);
}

static void consumer_serve_restart(struct kafka_consumer *consumer)
{
	const struct kafka_offsets *offsets = &consumer->offsets;
	bool committed = !offsets->stored && !offsets->on_the_way;
	if (!consumer->restart_by_ms || (!committed && msp_monotonic_ms() < consumer->restart_by_ms))
		return;
	if (!committed)
		msp_log(MSP_LOG_WARN, "some results will be repeated", "group", consumer->member.group, NULL);
	consumer_restart(consumer);
}

/* ---- the group's news ---- */

static void consumer_assigned(struct kafka_consumer *consumer)
{
	struct kafka_member *member = &consumer->member;
	if (!member->closing) {
		consumer->member.client.down = false;
		kafka_fetch_assign(&consumer->fetch, member->client.rk, member->asked_partitions);
		if (member->asked_partitions->cnt > 0)
			consumer->loss.unsettled = 0;
		consumer->denied.status = MSP_OK;
		consumer->unread = false;
		consumer->restart_by_ms = 0;
	}
	kafka_member_take(member);
}

/* What was delivered is settled by now or lost. librdkafka keeps a commit for a coordinator that is away as long as a
 * session lasts, and ends no client before. */
static void consumer_commit(struct kafka_consumer *consumer)
{
	struct kafka_member *member = &consumer->member;
	int timeout_ms = REVOKE_TIMEOUT_MS;
	if (member->closing)
		timeout_ms += (int)consumer->settings->options.session_timeout_ms;
	if (consumer->lane.executor.transactional || !member->assignment)
		return;
	rd_kafka_resp_err_t code = kafka_offsets_commit(&consumer->offsets, member->client.rk, timeout_ms);
	if (code)
		msp_log(MSP_LOG_WARN, "some results will be repeated by whoever gets the partitions", "group", member->group,
		        "reason", rd_kafka_err2str(code), NULL);
}

static void consumer_revoked(struct kafka_consumer *consumer)
{
	struct kafka_member *member = &consumer->member;
	/* librdkafka gives its reason first. Nothing is finished then: offsets might come to a topic of the same name. */
	bool gone = consumer->topic_missing || consumer->pending.status == MSP_E_NOT_FOUND;
	bool lost = gone || kafka_member_has_lost(member);
	if (lost)
		member->client.down = true; /* perhaps: librdkafka does not always say so, and receive asks */
	if (gone)
		consumer_note_missing(consumer);
	kafka_lane_revoke(&consumer->lane, lost, msp_deadline_in(REVOKE_TIMEOUT_MS));
	consumer_invalidate(consumer);
	consumer->restart_by_ms = 0;
	if (!lost)
		consumer_commit(consumer);
	if (gone)
		kafka_offsets_forget(&consumer->offsets, member->client.rk, member->assignment);
	kafka_member_give(member, lost);
	kafka_fetch_drop(&consumer->fetch);
}

static void consumer_message(struct kafka_consumer *consumer, rd_kafka_message_t *message)
{
	if (!message->err) {
		kafka_fetch_keep(&consumer->fetch, message);
		return;
	}
	consumer->unread |= kafka_is_without_offset(message);
	kafka_error_set(&consumer->pending, message->err, rd_kafka_message_errstr(message), "topic %s",
	                consumer->member.topic);
	rd_kafka_message_destroy(message);
}

/* Offsets of partitions that went meanwhile are committed by then, or somebody else's. */
static void consumer_serve_offsets(struct kafka_consumer *consumer)
{
	struct kafka_member *member = &consumer->member;
	rd_kafka_resp_err_t code;
	bool failed = kafka_offsets_take_failure(&consumer->offsets, &code);
	if (failed && code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
		consumer_note_missing(consumer);
		kafka_offsets_forget(&consumer->offsets, member->client.rk, member->assignment);
	} else if (failed) {
		msp_log(MSP_LOG_DEBUG, "the offsets are committed again", "group", member->group, "reason",
		        rd_kafka_err2str(code), NULL);
		if (member->assignment)
			kafka_offsets_stored(&consumer->offsets);
	}
	if (!member->closing) /* then with the partitions, at once */
		kafka_offsets_serve(&consumer->offsets, member->client.rk, member->events);
}

/* One turn of the loop: acts on all there is, and waits for nothing but what giving partitions back takes. */
static void consumer_turn(struct kafka_consumer *consumer)
{
	rd_kafka_message_t *message = NULL;
	for (enum kafka_news news; (news = kafka_member_poll(&consumer->member, &message)) != KAFKA_NO_NEWS;) {
		if (news == KAFKA_ASSIGNED)
			consumer_assigned(consumer);
		else if (news == KAFKA_REVOKED)
			consumer_revoked(consumer);
		else
			consumer_message(consumer, message);
	}
	consumer_serve_offsets(consumer);
	consumer_serve_restart(consumer);
	kafka_lane_serve(&consumer->lane);
}

/* ---- receive ---- */

/* No longer than what makes librdkafka think that we hang. */
static void consumer_sleep(struct kafka_consumer *consumer, int timeout_ms)
{
	struct pollfd fd = {.fd = consumer->wake_fd, .events = POLLIN};
	uint64_t count;
	int64_t half_ms = consumer->settings->options.max_poll_interval_ms / 2;
	int max_ms = half_ms < SLEEP_MAX_MS ? (int)half_ms : SLEEP_MAX_MS;
	if (consumer->fetch.is_restarted || consumer->restart_by_ms) {
		/* Stopping a partition undoes its forwarding, at a time of librdkafka's choice. */
		kafka_fetch_forward(&consumer->fetch);
		max_ms = RESTART_POLL_MS;
	}
	timeout_ms = kafka_offsets_sleep_ms(&consumer->offsets, timeout_ms);
	if (poll(&fd, 1, timeout_ms < max_ms ? timeout_ms : max_ms) > 0 &&
	    read(consumer->wake_fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN);
}

/* What stands in the way of messages, said once. */
static enum msp_status consumer_report(struct kafka_consumer *consumer, struct msp_error *err)
{
	enum msp_status status = kafka_member_check(&consumer->member, consumer->settings, err);
	if (status != MSP_OK || consumer->pending.status == MSP_OK)
		return status;
	status = consumer->pending.status;
	if (err)
		*err = consumer->pending;
	if (status == MSP_E_DENIED && !consumer->member.assignment)
		consumer->denied = consumer->pending;
	consumer->pending.status = MSP_OK;
	if (status == MSP_E_NOT_FOUND)
		consumer_note_missing(consumer);
	return status;
}

/* While no broker can be reached, or the topic is gone, librdkafka says so once; when that is over is for us to ask. */
static enum msp_status consumer_ask_broker(struct kafka_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	int32_t count;
	struct kafka_member *member = &consumer->member;
	enum msp_status status = kafka_topic_partition_count(&member->client, member->topic, timeout_ms, &count, err);
	if (status != MSP_E_UNAVAILABLE)
		member->client.down = false;
	if (status != MSP_OK || !consumer->topic_missing)
		return status;
	consumer->topic_missing = false;
	consumer_restart(consumer);
	return kafka_member_subscribe(member, err);
}

/* librdkafka leaves a partition alone whose committed offset it could not fetch, until it is assigned anew (its issue
 * 5586). Only after that was said, so that the worker has waited, and when nothing is in hand. */
static void consumer_read_unread(struct kafka_consumer *consumer)
{
	if (!consumer->unread || consumer->pending.status != MSP_OK || consumer->in_flight)
		return;
	consumer->unread = false;
	if (consumer->member.assignment)
		consumer_restart_soon(consumer);
}

static enum msp_status consumer_deliver(struct kafka_consumer *consumer, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	struct kafka_batch *batch;
	if (consumer->restart_by_ms)
		return MSP_OK; /* what comes lies behind what was dropped */
	enum msp_status status = kafka_fetch_take(&consumer->fetch, limits, &batch, &consumer->pending, err);
	if (rd_kafka_version() < 0x02020000 && consumer->member.assignment && kafka_fetch_has_room_again(&consumer->fetch))
		kafka_leaders_nudge(&consumer->member.client, consumer->member.assignment);
	if (status != MSP_OK || !batch)
		return status;
	consumer->member.client.down = false;
	*ret_batch = &batch->base;
	return MSP_OK;
}

static enum msp_status consumer_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	int64_t deadline_ms = msp_deadline_in(limits->timeout_ms);
	consumer_read_unread(consumer);
	for (;;) {
		consumer_turn(consumer);
		enum msp_status status = consumer_deliver(consumer, limits, ret_batch, err);
		if (status != MSP_OK || *ret_batch)
			return status;
		status = consumer_report(consumer, err);
		if (status != MSP_OK)
			return status;
		int left_ms = msp_deadline_left_ms(deadline_ms);
		if (left_ms == 0 || atomic_exchange(&consumer->woken, false)) {
			if (consumer->denied.status != MSP_OK && err)
				*err = consumer->denied;
			return consumer->denied.status;
		}
		if (consumer->member.client.down || consumer->topic_missing)
			return consumer_ask_broker(consumer, left_ms, err);
		consumer_sleep(consumer, left_ms);
	}
}

static enum msp_status consumer_serve(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	for (;;) {
		consumer_turn(consumer);
		int left_ms = msp_deadline_left_ms(deadline_ms);
		if (left_ms == 0 || atomic_exchange(&consumer->woken, false))
			return kafka_member_check(&consumer->member, consumer->settings, err);
		consumer_sleep(consumer, left_ms);
	}
}

static void consumer_batch_free(struct msp_consumer *base, struct msp_batch *batch)
{
	kafka_fetch_free(&consumer_cast(base)->fetch, (struct kafka_batch *)batch);
}

static void consumer_wake(struct msp_consumer *base)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	atomic_store(&consumer->woken, true);
	uint64_t one = 1;
	if (write(consumer->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

static void consumer_stats(struct msp_consumer *base, struct msp_consumer_stats *ret_stats)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	ret_stats->connections_down = consumer->member.client.down;
	ret_stats->connections_up = !consumer->member.client.down;
	ret_stats->prefetched_messages = (int64_t)rd_kafka_queue_length(consumer->fetch.queue);
}

/* ---- settle ---- */

static void consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	consumer->in_flight = (struct kafka_batch *)batch;
	if (!kafka_fetch_is_valid(&consumer->fetch, consumer->in_flight)) {
		if (consumer->in_flight->generation == consumer->fetch.generation)
			consumer_restart_soon(consumer); /* something before it was dropped unsettled */
		kafka_lane_refuse(&consumer->lane, MSP_SETTLE_LOST);
		return;
	}
	struct kafka_job job = {
	    .outgoing = outgoing,
	    .count = batch->count,
	    .offsets = kafka_batch_offsets(consumer->in_flight),
	};
	if (consumer->member.metadata)
		job.membership = kafka_member_metadata(&consumer->member);
	kafka_lane_post(&consumer->lane, &job);
}

static enum msp_settle_answer consumer_answered(struct kafka_consumer *consumer, const struct kafka_answer *answer,
                                                struct msp_error *err)
{
	struct kafka_member *member = &consumer->member;
	consumer->in_flight->settled = answer->answer == MSP_SETTLE_OK;
	consumer->in_flight = NULL;
	if (answer->topic_gone) {
		consumer_note_missing(consumer);
		consumer_restart(consumer);
	}
	const struct kafka_executor *executor = &consumer->lane.executor;
	if (answer->answer == MSP_SETTLE_OK && !executor->transactional && !executor->commits_at_once)
		kafka_offsets_stored(&consumer->offsets);
	if (answer->answer == MSP_SETTLE_LOST && consumer->topic_missing)
		msp_error_set(err, MSP_E_NOT_FOUND, "topic %s is gone", member->topic);
	else if (answer->answer == MSP_SETTLE_LOST)
		msp_error_set(err, MSP_E_UNAVAILABLE, "the partitions of group %s were given to another consumer",
		              member->group);
	else if (answer->answer == MSP_SETTLE_FAILED && err)
		*err = answer->why;
	return answer->answer;
}

static enum msp_settle_answer consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	for (;;) {
		struct kafka_answer answer;
		struct msp_error why = {.status = MSP_OK}, fatal;
		consumer_turn(consumer);
		int left_ms = msp_deadline_left_ms(deadline_ms);
		if (kafka_lane_wait(&consumer->lane, left_ms < SLICE_MS ? left_ms : SLICE_MS, &answer, &why))
			return consumer_answered(consumer, &answer, err);
		if (kafka_member_check(&consumer->member, consumer->settings, &fatal) != MSP_OK) {
			kafka_lane_fail(&consumer->lane, &fatal);
		} else if (why.status != MSP_OK || left_ms == 0) {
			if (err)
				*err = why;
			return MSP_SETTLE_AGAIN;
		}
	}
}

/* ---- life ---- */

/* What librdkafka is asked at the moment when its part in the group ends is never answered: so the partitions are given
 * back before. A client that was fenced is asked for none. */
static void consumer_leave(struct kafka_consumer *consumer)
{
	struct kafka_member *member = &consumer->member;
	int64_t deadline_ms = msp_deadline_in(REVOKE_TIMEOUT_MS);
	kafka_member_leave(member);
	consumer_turn(consumer);
	while (kafka_member_leave_wait(member, deadline_ms))
		consumer_turn(consumer);
	if (member->instance && member->assignment && !rd_kafka_fatal_error(member->client.rk, NULL, 0))
		consumer_revoked(consumer);
}

/* In this order: librdkafka waits in rd_kafka_destroy for all messages, queues and lists that refer to its partitions,
 * also for lists that rd_kafka_offsets_store has filled. */
static void consumer_free(struct msp_consumer *base)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	kafka_lane_stop(&consumer->lane);
	while (consumer->fetch.batches)
		kafka_fetch_free(&consumer->fetch, consumer->fetch.batches);
	if (consumer->fetch.queue) {
		kafka_fetch_drop(&consumer->fetch);
		consumer_leave(consumer);
	}
	kafka_fetch_done(&consumer->fetch);
	kafka_member_done(&consumer->member);
	kafka_lane_done(&consumer->lane);
	if (consumer->wake_fd >= 0)
		close(consumer->wake_fd);
	free(consumer);
}

static enum msp_status consumer_join(struct kafka_consumer *consumer, const struct msp_consumer_config *config,
                                     const char *instance, struct msp_error *err)
{
	struct kafka_member *member = &consumer->member;
	const struct kafka_settings *settings = consumer->settings;
	struct kafka_member_config member_config = {config->inputs, config->group, instance, consumer->wake_fd};
	int32_t count;
	enum msp_status status = kafka_member_init(member, settings, &member_config, err);
	if (status != MSP_OK)
		return status;
	kafka_fetch_init(&consumer->fetch, member->client.rk, member->topic, kafka_prefetch_messages(&settings->options),
	                 consumer->wake_fd);
	status = kafka_topic_partition_count(&member->client, member->topic, KAFKA_OPEN_TIMEOUT_MS, &count, err);
	struct kafka_identity identity = {member->client.rk, member->group, member->instance};
	if (status == MSP_OK)
		status = kafka_lane_init(&consumer->lane, settings, config, &identity, err);
	return status == MSP_OK ? kafka_member_subscribe(member, err) : status;
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

enum msp_status kafka_consumer_open(const struct kafka_settings *settings, const struct msp_consumer_config *config,
                                    struct msp_consumer **ret_consumer, struct msp_error *err)
{
	char instance[256];
	struct kafka_consumer *consumer = calloc(1, sizeof(*consumer));
	if (!consumer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	consumer->base.ops = &CONSUMER_OPS;
	consumer->settings = settings;
	consumer->offsets.interval_ms = config->commit_interval_ms;
	consumer->member.instance_fd = -1;
	if (config->instance)
		snprintf(instance, sizeof(instance), "%s-%d", config->instance, config->slot);
	enum msp_status status = MSP_OK;
	consumer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (consumer->wake_fd < 0)
		status = msp_error_set(err, MSP_E_UNAVAILABLE, "no eventfd: %s", strerror(errno));
	else
		status = consumer_join(consumer, config, config->instance ? instance : NULL, err);
	if (status != MSP_OK) {
		consumer_free(&consumer->base);
		return status;
	}
	*ret_consumer = &consumer->base;
	return MSP_OK;
}
