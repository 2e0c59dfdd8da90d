#include "consumer.h"
#include "error.h"

#include <assert.h>
#include <msp/backoff.h>
#include <msp/log.h>

/* How long a step may block before the group's duties are served again. */
#define SLICE_MS 20
/* The same for one that cannot be continued, to a broker that is slow or far away. */
#define PATIENCE_MAX_MS 2000

static struct kafka_consumer *consumer_cast(struct msp_consumer *base)
{
	return (struct kafka_consumer *)base; /* only ever called through its ops */
}

void kafka_settle_go(struct kafka_consumer *consumer, enum kafka_settle_step step)
{
	consumer->settle.step = step;
	consumer->settle.step_since_ms = msp_monotonic_ms();
}

int kafka_settle_patience(const struct kafka_consumer *consumer, int slice_ms)
{
	int patience_ms = consumer->settle.patience_ms;
	return patience_ms > slice_ms ? patience_ms : slice_ms > 0 ? slice_ms : 1;
}

void kafka_settle_learn_patience(struct kafka_consumer *consumer, int64_t since_ms)
{
	int64_t twice_ms = 2 * (msp_monotonic_ms() - since_ms);
	consumer->settle.patience_ms = twice_ms < PATIENCE_MAX_MS ? (int)twice_ms : PATIENCE_MAX_MS;
}

void kafka_settle_end(struct kafka_consumer *consumer, enum msp_settle_answer answer)
{
	struct kafka_settle *settle = &consumer->settle;
	kafka_publication_end(&settle->publication);
	settle->batch->settled = answer == MSP_SETTLE_OK;
	settle->batch = NULL;
	settle->committing = false;
	settle->answer = answer;
	kafka_settle_go(consumer, KAFKA_SETTLE_ENDED);
}

/* Known by its words alone: its codes stand for other things too. */
static bool is_without_mark(const rd_kafka_message_t *event)
{
	static const char words[] = "Failed to fetch committed offset";
	return strncmp(rd_kafka_message_errstr(event), words, sizeof(words) - 1) == 0;
}

void kafka_consumer_serve(struct kafka_consumer *consumer)
{
	rd_kafka_message_t *event;
	while ((event = rd_kafka_consumer_poll(consumer->client.rk, 0))) {
		if (!event->err) {
			kafka_consumer_carry_take(consumer, event);
			continue;
		}
		consumer->unstarted |= is_without_mark(event);
		kafka_error_set(&consumer->trouble, event->err, rd_kafka_message_errstr(event), "topic %s", consumer->inputs);
		rd_kafka_message_destroy(event);
	}
	if (consumer->publisher.client.rk)
		rd_kafka_poll(consumer->publisher.client.rk, 0);
	kafka_mark_serve(consumer);
}

/* ---- steps ---- */

static enum kafka_settle_step prepared_step(const struct kafka_consumer *consumer)
{
	const struct kafka_settle *settle = &consumer->settle;
	const struct kafka_publisher *publisher = &consumer->publisher;
	if (consumer->publishes && (settle->void_client || publisher->outdated || kafka_publisher_is_broken(publisher)))
		return KAFKA_SETTLE_RENEW;
	if (consumer->transactional)
		return KAFKA_SETTLE_BEGIN;
	return settle->publication.flight ? KAFKA_SETTLE_PUBLISH : KAFKA_SETTLE_MARK;
}

/* A client that has just been made is still finding the broker. */
static bool is_only_slow(const struct kafka_consumer *consumer)
{
	return !consumer->publisher.client.down && msp_monotonic_ms() - consumer->settle.step_since_ms < PATIENCE_MAX_MS;
}

/* Asks for the topics that are not known so far. Waits for the broker, so not within settle_begin. */
static void settle_prepare(struct kafka_consumer *consumer, int slice_ms)
{
	struct kafka_publisher *publisher = &consumer->publisher;
	const struct kafka_flight *flight = consumer->settle.publication.flight;
	if (kafka_publisher_start(publisher, &consumer->settle.why) != MSP_OK)
		return;
	for (size_t i = 0; i < flight->count; i++) {
		enum msp_route route = flight->outgoing[i].route;
		if (publisher->topics[route])
			continue;
		if (slice_ms == 0)
			return;
		int64_t since_ms = msp_monotonic_ms();
		enum msp_status status = kafka_publisher_open_topic(publisher, route, kafka_settle_patience(consumer, slice_ms),
		                                                    &consumer->settle.why);
		kafka_settle_learn_patience(consumer, since_ms);
		if (status == MSP_E_UNAVAILABLE && is_only_slow(consumer))
			consumer->settle.why.status = MSP_OK;
		if (status != MSP_OK)
			return;
	}
	kafka_settle_go(consumer, prepared_step(consumer));
}

/* Results cannot be published as things are. */
static void publish_failed(struct kafka_consumer *consumer)
{
	struct kafka_settle *settle = &consumer->settle;
	if (settle->transaction_open)
		kafka_transaction_explain(consumer);
	if (settle->why.status == MSP_E_NOT_FOUND)
		kafka_publisher_forget_topics(&consumer->publisher);
	settle->void_client |= consumer->transactional;
	kafka_settle_go(consumer, KAFKA_SETTLE_PREPARE);
}

static void publish_done(struct kafka_consumer *consumer)
{
	struct kafka_settle *settle = &consumer->settle;
	struct kafka_publication *publication = &settle->publication;
	if (publication->rejected > 0) {
		if (settle->transaction_open)
			kafka_transaction_abandon(consumer, SLICE_MS * 10);
		kafka_settle_end(consumer, MSP_SETTLE_REJECTED);
	} else if (kafka_publication_is_oversized(publication)) {
		kafka_publication_shrink(publication);
		msp_log(MSP_LOG_INFO, "smaller requests, the broker refuses larger ones", "group", consumer->group, "bytes",
		        MSP_LOG_NUMBER(consumer->publisher.batch_bytes), NULL);
		kafka_publication_restart(publication);
		kafka_settle_go(consumer, KAFKA_SETTLE_RENEW);
	} else {
		kafka_settle_go(consumer, consumer->transactional ? KAFKA_SETTLE_OFFSETS : KAFKA_SETTLE_MARK);
	}
}

/* The client is replaced. That its transaction is over by then spares the new one a wait: librdkafka asks only every
 * half second whether the broker has ended it. */
static void refusal_retreat(struct kafka_consumer *consumer)
{
	kafka_transaction_abandon(consumer, SLICE_MS * 10);
	kafka_settle_go(consumer, KAFKA_SETTLE_RENEW);
}

static void settle_publish(struct kafka_consumer *consumer, int slice_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	int64_t deadline_ms = msp_monotonic_ms() + slice_ms;
	enum kafka_progress progress;
	do {
		progress = kafka_publication_step(&settle->publication, kafka_left_ms(deadline_ms), &settle->why);
	} while (progress == KAFKA_REFUSAL && !consumer->transactional && msp_monotonic_ms() < deadline_ms);
	if (progress == KAFKA_DONE)
		publish_done(consumer);
	else if (progress == KAFKA_FAILURE)
		publish_failed(consumer);
	else if (progress == KAFKA_REFUSAL && consumer->transactional)
		refusal_retreat(consumer);
}

static void settle_mark(struct kafka_consumer *consumer, int slice_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (consumer->commits_at_once) {
		int64_t since_ms = msp_monotonic_ms();
		enum msp_status status =
		    kafka_consumer_commit(consumer, settle->offsets, kafka_settle_patience(consumer, slice_ms), &settle->why);
		kafka_settle_learn_patience(consumer, since_ms);
		if (status != MSP_OK)
			return;
	} else {
		code = rd_kafka_offsets_store(consumer->client.rk, settle->offsets);
	}
	if (code) {
		kafka_error_set(&settle->why, code, NULL, "the mark of group %s", consumer->group);
		return;
	}
	if (!consumer->commits_at_once)
		kafka_mark_stored(consumer);
	kafka_settle_end(consumer, MSP_SETTLE_OK);
}

static void settle_step(struct kafka_consumer *consumer, int slice_ms)
{
	switch (consumer->settle.step) {
	case KAFKA_SETTLE_PREPARE:
		settle_prepare(consumer, slice_ms);
		break;
	case KAFKA_SETTLE_RENEW:
		kafka_transaction_renew(consumer);
		break;
	case KAFKA_SETTLE_FENCE:
		kafka_transaction_fence(consumer, slice_ms);
		break;
	case KAFKA_SETTLE_RESOLVE:
		kafka_transaction_resolve(consumer, slice_ms);
		break;
	case KAFKA_SETTLE_BEGIN:
		kafka_transaction_begin(consumer);
		break;
	case KAFKA_SETTLE_PUBLISH:
		settle_publish(consumer, slice_ms);
		break;
	case KAFKA_SETTLE_OFFSETS:
		kafka_transaction_offsets(consumer, slice_ms);
		break;
	case KAFKA_SETTLE_COMMIT:
		kafka_transaction_commit(consumer);
		break;
	case KAFKA_SETTLE_MARK:
		settle_mark(consumer, slice_ms);
		break;
	case KAFKA_SETTLE_IDLE:
	case KAFKA_SETTLE_ENDED:
		break;
	}
}

void kafka_settle_advance(struct kafka_consumer *consumer, int slice_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	int64_t deadline_ms = msp_monotonic_ms() + slice_ms;
	enum kafka_settle_step before;
	settle->why = (struct msp_error){.status = MSP_OK};
	do {
		before = settle->step;
		settle_step(consumer, kafka_left_ms(deadline_ms));
	} while (settle->step != before && settle->why.status == MSP_OK);
}

bool kafka_settle_is_under_way(const struct kafka_settle *settle)
{
	return settle->step != KAFKA_SETTLE_IDLE && settle->step != KAFKA_SETTLE_ENDED;
}

void kafka_settle_give_up(struct kafka_consumer *consumer, bool lost, int timeout_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	if (!kafka_settle_is_under_way(settle))
		return;
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	while (!lost && settle->step != KAFKA_SETTLE_ENDED && msp_monotonic_ms() < deadline_ms)
		kafka_settle_advance(consumer, SLICE_MS);
	if (settle->step == KAFKA_SETTLE_ENDED)
		return;
	if (settle->transaction_open && !lost)
		kafka_transaction_abandon(consumer, KAFKA_REVOKE_TIMEOUT_MS / 2);
	else if (settle->transaction_open || settle->step == KAFKA_SETTLE_FENCE || settle->step == KAFKA_SETTLE_RESOLVE)
		settle->void_client = true; /* no abort while the membership is lost: it may hang */
	settle->transaction_open = false;
	kafka_settle_end(consumer, MSP_SETTLE_LOST);
}

/* ---- the two phases ---- */

/* What is consumed when the batch is settled: for each partition the offset after its last message. */
static rd_kafka_topic_partition_list_t *offsets_new(const struct kafka_batch *batch, const char *topic)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(4);
	rd_kafka_topic_partition_t *last = NULL;
	for (size_t i = 0; i < batch->base.count; i++) {
		const struct msp_message *message = &batch->base.messages[i];
		if (!last || last->partition != message->partition) {
			last = rd_kafka_topic_partition_list_find(offsets, topic, message->partition);
			if (!last)
				last = rd_kafka_topic_partition_list_add(offsets, topic, message->partition);
		}
		last->offset = message->offset + 1;
	}
	return offsets;
}

static void settle_begin(struct kafka_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct kafka_settle *settle = &consumer->settle;
	assert(settle->step == KAFKA_SETTLE_IDLE);
	settle->batch = (struct kafka_batch *)batch;
	if (consumer->gap)
		kafka_consumer_rewind(consumer);
	if (settle->batch->epoch != consumer->epoch) {
		kafka_settle_end(consumer, MSP_SETTLE_LOST);
		return;
	}
	if (settle->offsets)
		rd_kafka_topic_partition_list_destroy(settle->offsets);
	settle->offsets = offsets_new(settle->batch, consumer->inputs);
	if (outgoing && kafka_publication_begin(&settle->publication, &consumer->publisher, outgoing, batch->count,
	                                        consumer->transactional, &settle->why) != MSP_OK) {
		kafka_settle_end(consumer, MSP_SETTLE_FAILED);
		return;
	}
	kafka_settle_go(consumer, outgoing ? KAFKA_SETTLE_PREPARE : prepared_step(consumer));
	if (!consumer->drive.runs)
		kafka_settle_advance(consumer, 0);
}

void kafka_consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	pthread_mutex_lock(&consumer->drive.lock);
	settle_begin(consumer, batch, outgoing);
	pthread_cond_broadcast(&consumer->drive.changed);
	pthread_mutex_unlock(&consumer->drive.lock);
}

static enum msp_settle_answer settle_take_answer(struct kafka_consumer *consumer, struct msp_error *err)
{
	struct kafka_settle *settle = &consumer->settle;
	kafka_settle_go(consumer, KAFKA_SETTLE_IDLE);
	if (settle->topic_gone) {
		settle->topic_gone = false;
		kafka_consumer_note_missing(consumer);
		kafka_consumer_begin_anew(consumer);
	}
	if (settle->answer == MSP_SETTLE_LOST && consumer->missing)
		msp_error_set(err, MSP_E_NOT_FOUND, "topic %s is gone", consumer->inputs);
	else if (settle->answer == MSP_SETTLE_LOST)
		msp_error_set(err, MSP_E_UNAVAILABLE, "the partitions of group %s were given to another consumer",
		              consumer->group);
	else if (settle->answer == MSP_SETTLE_FAILED && err)
		*err = settle->why;
	return settle->answer;
}

/* Why there is no answer yet; true when there is a reason. */
static bool settle_hindrance(struct kafka_consumer *consumer, struct msp_error *err)
{
	struct msp_error why = consumer->settle.why;
	if (why.status == MSP_OK && consumer->publishes && consumer->publisher.client.down)
		kafka_client_error(&consumer->publisher.client, RD_KAFKA_RESP_ERR__TRANSPORT, &why,
		                   "the broker does not answer");
	if (err)
		*err = why;
	return why.status != MSP_OK;
}

/* For about slice_ms. */
static void settle_go_on(struct kafka_consumer *consumer, int slice_ms)
{
	if (consumer->drive.runs)
		kafka_drive_wait(&consumer->drive, slice_ms);
	else
		kafka_settle_advance(consumer, slice_ms);
}

static enum msp_settle_answer settle_wait(struct kafka_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	struct kafka_settle *settle = &consumer->settle;
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	assert(settle->step != KAFKA_SETTLE_IDLE);
	for (;;) {
		kafka_consumer_serve(consumer);
		if (settle->step != KAFKA_SETTLE_ENDED && kafka_consumer_check(consumer, &settle->why) != MSP_OK)
			kafka_settle_end(consumer, MSP_SETTLE_FAILED);
		if (settle->step == KAFKA_SETTLE_ENDED)
			return settle_take_answer(consumer, err);
		int left_ms = kafka_left_ms(deadline_ms);
		settle_go_on(consumer, left_ms < SLICE_MS ? left_ms : SLICE_MS);
		if (settle->step == KAFKA_SETTLE_ENDED)
			continue;
		if (settle->why.status != MSP_OK || left_ms == 0) {
			settle_hindrance(consumer, err);
			return MSP_SETTLE_AGAIN;
		}
	}
}

enum msp_settle_answer kafka_consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	pthread_mutex_lock(&consumer->drive.lock);
	enum msp_settle_answer answer = settle_wait(consumer, timeout_ms, err);
	pthread_mutex_unlock(&consumer->drive.lock);
	return answer;
}
