#include "consumer.h"
#include "error.h"

#include <msp/backoff.h>
#include <msp/log.h>
#include <stdlib.h>

void kafka_consumer_forward(struct kafka_consumer *consumer)
{
	for (size_t i = 0; consumer->queues && i < consumer->queue_count; i++)
		rd_kafka_queue_forward(consumer->queues[i], consumer->work);
}

void kafka_consumer_drop_queues(struct kafka_consumer *consumer)
{
	for (size_t i = 0; i < consumer->queue_count; i++) {
		rd_kafka_queue_forward(consumer->queues[i], NULL);
		kafka_queue_drain(consumer->queues[i]);
		rd_kafka_queue_destroy(consumer->queues[i]);
	}
	free(consumer->queues);
	consumer->queues = NULL;
	consumer->queue_count = 0;
}

/* Sends the messages of these partitions to the work queue, so that the queue of events can be served at any time
 * without taking a message: also while a batch is in flight. The queues are kept beyond the assignment, see
 * kafka_consumer_drop_queues. */
static void partitions_forward(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions)
{
	kafka_consumer_drop_queues(consumer);
	consumer->queues = calloc((size_t)partitions->cnt + 1, sizeof(rd_kafka_queue_t *));
	for (int i = 0; i < partitions->cnt && consumer->queues; i++) {
		rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(consumer->client.rk, partitions->elems[i].topic,
		                                                       partitions->elems[i].partition);
		if (queue)
			consumer->queues[consumer->queue_count++] = queue;
	}
	kafka_consumer_forward(consumer);
}

static void partitions_forget(struct kafka_consumer *consumer)
{
	if (consumer->assignment) {
		rd_kafka_topic_partition_list_destroy(consumer->assignment);
		consumer->assignment = NULL;
	}
	if (consumer->membership) {
		rd_kafka_consumer_group_metadata_destroy(consumer->membership);
		consumer->membership = NULL;
	}
}

static void partitions_take(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions)
{
	partitions_forget(consumer); /* librdkafka may take them back unsaid */
	consumer->client.down = false;
	partitions_forward(consumer, partitions);
	if (partitions->cnt > 0)
		consumer->left_behind = 0;
	rd_kafka_assign(consumer->client.rk, partitions);
	consumer->assignment = rd_kafka_topic_partition_list_copy(partitions);
	consumer->denied.status = MSP_OK;
	consumer->unstarted = false;
	/* Now, not when a transaction needs it: by then it might be of a newer generation than the messages. */
	consumer->membership = rd_kafka_consumer_group_metadata(consumer->client.rk);
	msp_log(MSP_LOG_INFO, "partitions assigned", "group", consumer->group, "topic", consumer->inputs, "partitions",
	        MSP_LOG_NUMBER(partitions->cnt), NULL);
}

/* What was delivered is settled by now or dropped. librdkafka keeps a commit for a coordinator that is away as long as
 * a session lasts, and ends no client before. */
static void mark_commit(struct kafka_consumer *consumer, const char *consequence)
{
	struct msp_error err;
	int timeout_ms = KAFKA_REVOKE_TIMEOUT_MS;
	if (consumer->closing)
		timeout_ms += (int)consumer->settings->options.session_timeout_ms;
	if (!consumer->transactional && consumer->assignment &&
	    kafka_consumer_commit(consumer, NULL, timeout_ms, &err) != MSP_OK)
		msp_log(MSP_LOG_WARN, consequence, "group", consumer->group, "reason", err.text, NULL);
}

/* When a topic goes, the group may give its partitions up, or a settle fail, before the client is told why: it looks
 * for topics every ten seconds (client.c). What was in hand then is gone as well. */
#define LEFT_BEHIND_MS 15000

/* How many messages were read and are not settled. */
static size_t unsettled_count(const struct kafka_consumer *consumer)
{
	size_t count =
	    consumer->gap + rd_kafka_queue_length(consumer->work) + consumer->carried_end - consumer->carried_begin;
	for (const struct kafka_batch *batch = consumer->batches; batch; batch = batch->next)
		if (!batch->settled && batch->epoch == consumer->epoch)
			count += batch->base.count;
	return count;
}

static size_t left_behind(const struct kafka_consumer *consumer)
{
	return msp_monotonic_ms() - consumer->left_behind_ms < LEFT_BEHIND_MS ? consumer->left_behind : 0;
}

/* What was read is about to be dropped. */
static void leave_behind(struct kafka_consumer *consumer)
{
	size_t count = unsettled_count(consumer);
	if (consumer->missing || count <= left_behind(consumer))
		return;
	consumer->left_behind = count;
	consumer->left_behind_ms = msp_monotonic_ms();
}

void kafka_consumer_note_missing(struct kafka_consumer *consumer)
{
	/* Some of it may have been read again. */
	size_t count = unsettled_count(consumer), before = left_behind(consumer);
	count = count > before ? count : before;
	consumer->left_behind = 0;
	if (!consumer->missing)
		msp_log(MSP_LOG_WARN, "the topic is gone", "group", consumer->group, "topic", consumer->inputs, "unsettled",
		        MSP_LOG_NUMBER((int64_t)count), NULL);
	consumer->missing = true;
}

static void partitions_give_up(struct kafka_consumer *consumer)
{
	/* librdkafka gives its reason first. Nothing is finished then: the mark might come to a topic of the same name. */
	bool gone = consumer->missing || consumer->trouble.status == MSP_E_NOT_FOUND;
	bool lost = gone || rd_kafka_assignment_lost(consumer->client.rk);
	consumer->client.down |= lost; /* perhaps: librdkafka does not always say so, and receive asks */
	if (gone)
		kafka_consumer_note_missing(consumer);
	kafka_settle_give_up(consumer, lost, KAFKA_REVOKE_TIMEOUT_MS);
	leave_behind(consumer);
	consumer->epoch++;
	consumer->gap = 0;
	kafka_consumer_drop_fetched(consumer);
	if (!lost)
		mark_commit(consumer, "some results will be repeated by whoever gets the partitions");
	if (gone)
		kafka_mark_forget(consumer);
	rd_kafka_assign(consumer->client.rk, NULL);
	kafka_consumer_drop_fetched(consumer);
	if (consumer->assignment)
		msp_log(MSP_LOG_INFO, lost ? "partitions lost" : "partitions given up", "group", consumer->group, "topic",
		        consumer->inputs, "partitions", MSP_LOG_NUMBER(consumer->assignment->cnt), NULL);
	partitions_forget(consumer);
}

/* Reads again from the mark. */
static void partitions_restart(struct kafka_consumer *consumer)
{
	rd_kafka_assign(consumer->client.rk, NULL);
	for (int i = 0; i < consumer->assignment->cnt; i++)
		consumer->assignment->elems[i].offset = RD_KAFKA_OFFSET_INVALID; /* the committed one */
	rd_kafka_assign(consumer->client.rk, consumer->assignment);
	consumer->rewound = true;
}

void kafka_consumer_begin_anew(struct kafka_consumer *consumer)
{
	kafka_settle_give_up(consumer, true, 0);
	leave_behind(consumer);
	kafka_mark_forget(consumer);
	consumer->epoch++;
	consumer->gap = 0;
	kafka_consumer_drop_fetched(consumer);
	if (consumer->assignment)
		partitions_restart(consumer);
}

void kafka_consumer_rewind(struct kafka_consumer *consumer)
{
	mark_commit(consumer, "some results will be repeated");
	kafka_consumer_begin_anew(consumer);
}

void kafka_consumer_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                              void *opaque)
{
	(void)rk;
	struct kafka_client *client = opaque;
	struct kafka_consumer *consumer = client->owner;
	if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		partitions_give_up(consumer);
	else if (!consumer->closing)
		partitions_take(consumer, partitions);
	/* Else it came late, and librdkafka does not wait for an answer to that. To all else it does. */
}

/* Tells the group, but does not wait for it as librdkafka does: it repeats a commit that no broker takes as long as its
 * client lives. */
static void membership_end(rd_kafka_t *rk)
{
	int64_t deadline_ms = msp_monotonic_ms() + KAFKA_REVOKE_TIMEOUT_MS;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(rk, queue);
	while (!error && !rd_kafka_consumer_closed(rk) && kafka_left_ms(deadline_ms) > 0) {
		rd_kafka_message_t *event = rd_kafka_consume_queue(queue, kafka_left_ms(deadline_ms));
		if (event)
			rd_kafka_message_destroy(event);
	}
	if (error)
		rd_kafka_error_destroy(error);
	rd_kafka_queue_destroy(queue);
}

/* What librdkafka is asked at the moment when its part in the group ends is never answered: so the partitions are given
 * up before. A client that was fenced gives none up. */
void kafka_consumer_leave(struct kafka_consumer *consumer)
{
	rd_kafka_t *rk = consumer->client.rk;
	consumer->closing = true;
	if (!consumer->instance)
		rd_kafka_unsubscribe(rk);
	kafka_consumer_serve(consumer);
	if (!consumer->instance)
		membership_end(rk);
	else if (consumer->assignment && !rd_kafka_fatal_error(rk, NULL, 0))
		partitions_give_up(consumer);
	partitions_forget(consumer);
}

void kafka_consumer_drop_fetched(struct kafka_consumer *consumer)
{
	while (consumer->carried_begin < consumer->carried_end)
		rd_kafka_message_destroy(consumer->carried[consumer->carried_begin++]);
	consumer->carried_begin = consumer->carried_end = 0;
	kafka_queue_drain(consumer->work);
}

enum msp_status kafka_consumer_check(struct kafka_consumer *consumer, struct msp_error *err)
{
	char text[160];
	rd_kafka_resp_err_t code = rd_kafka_fatal_error(consumer->client.rk, text, sizeof(text));
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return MSP_OK;
	if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
		return msp_error_set(err, MSP_E_CONFLICT, "another live process has the instance name %s in group %s",
		                     consumer->settings->instance ? consumer->settings->instance : consumer->instance,
		                     consumer->group);
	return msp_error_set(err, MSP_E_INTERNAL, "librdkafka gives up on group %s: %s", consumer->group, text);
}
