/* The consumed mark: librdkafka stores it per partition (settle.c), here it is committed to the group.
 *
 * librdkafka's own commits come from a timer that runs whether there is something to commit or not, and its timers are
 * what an idle process pays for. */
#include "consumer.h"
#include "error.h"

#include <msp/backoff.h>
#include <msp/log.h>

static rd_kafka_resp_err_t first_error(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t *offsets)
{
	if (code == RD_KAFKA_RESP_ERR__NO_OFFSET)
		return RD_KAFKA_RESP_ERR_NO_ERROR; /* nothing is stored that is not committed */
	for (int i = 0; offsets && i < offsets->cnt && !code; i++)
		code = offsets->elems[i].err;
	return code;
}

static void mark_wait(struct kafka_mark *mark, int interval_ms)
{
	mark->pending = true;
	mark->due_ms = msp_monotonic_ms() + interval_ms;
}

void kafka_mark_stored(struct kafka_consumer *consumer)
{
	if (!consumer->mark.pending)
		mark_wait(&consumer->mark, consumer->commit_interval_ms);
}

void kafka_mark_forget(struct kafka_consumer *consumer)
{
	consumer->mark.pending = false;
	if (!consumer->assignment)
		return;
	rd_kafka_topic_partition_list_t *marks = rd_kafka_topic_partition_list_copy(consumer->assignment);
	for (int i = 0; i < marks->cnt; i++)
		marks->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
	rd_kafka_offsets_store(consumer->client.rk, marks);
	rd_kafka_topic_partition_list_destroy(marks);
}

/* Those of partitions that went meanwhile are committed by then, or somebody else's. */
static void mark_answered(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *offsets,
                          void *opaque)
{
	(void)rk;
	struct kafka_consumer *consumer = opaque;
	consumer->mark.on_the_way = false;
	code = first_error(code, offsets);
	if (!code)
		return;
	if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
		kafka_consumer_note_missing(consumer);
		kafka_mark_forget(consumer);
		return;
	}
	msp_log(MSP_LOG_DEBUG, "the mark is committed again", "group", consumer->group, "reason", rd_kafka_err2str(code),
	        NULL);
	if (consumer->assignment)
		kafka_mark_stored(consumer);
}

void kafka_mark_serve(struct kafka_consumer *consumer)
{
	struct kafka_mark *mark = &consumer->mark;
	bool due = mark->pending && !mark->on_the_way && msp_monotonic_ms() >= mark->due_ms;
	if (!due || consumer->closing) /* then with the partitions, at once */
		return;
	rd_kafka_resp_err_t code =
	    rd_kafka_commit_queue(consumer->client.rk, NULL, consumer->events, mark_answered, consumer);
	mark->pending = false;
	mark->on_the_way = code == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (first_error(code, NULL))
		mark_wait(mark, consumer->commit_interval_ms);
}

int64_t kafka_mark_sleep_ms(const struct kafka_consumer *consumer, int64_t timeout_ms)
{
	const struct kafka_mark *mark = &consumer->mark;
	if (!mark->pending || mark->on_the_way)
		return timeout_ms;
	int64_t left_ms = mark->due_ms - msp_monotonic_ms();
	return left_ms < 0 ? 0 : left_ms < timeout_ms ? left_ms : timeout_ms;
}

/* ---- at once ---- */

static void commit_answered(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *offsets,
                            void *opaque)
{
	(void)rk;
	rd_kafka_resp_err_t *ret_code = opaque;
	*ret_code = first_error(code, offsets);
}

enum msp_status kafka_consumer_commit(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *offsets,
                                      int timeout_ms, struct msp_error *err)
{
	rd_kafka_resp_err_t answer = RD_KAFKA_RESP_ERR__TIMED_OUT;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->client.rk);
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(consumer->client.rk, offsets, queue, commit_answered, &answer);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
		rd_kafka_queue_poll_callback(queue, timeout_ms);
		code = answer;
	}
	rd_kafka_queue_destroy(queue);
	code = first_error(code, NULL);
	if (code)
		return kafka_error_set(err, code, NULL, "commit of group %s", consumer->group);
	if (!offsets)
		consumer->mark.pending = false;
	return MSP_OK;
}
