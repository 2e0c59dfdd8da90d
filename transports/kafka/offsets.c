#include "offsets.h"

#include <msp/clock.h>

rd_kafka_resp_err_t kafka_commit_error(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t *offsets)
{
	if (code == RD_KAFKA_RESP_ERR__NO_OFFSET)
		return RD_KAFKA_RESP_ERR_NO_ERROR; /* nothing is stored that is not committed */
	for (int i = 0; offsets && i < offsets->cnt && !code; i++)
		code = offsets->elems[i].err;
	return code;
}

void kafka_offsets_stored(struct kafka_offsets *offsets)
{
	if (offsets->stored)
		return;
	offsets->stored = true;
	offsets->due_ms = msp_deadline_in(offsets->interval_ms);
}

void kafka_offsets_hurry(struct kafka_offsets *offsets)
{
	offsets->due_ms = 0;
}

static void offsets_answered(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                             void *opaque)
{
	(void)rk;
	struct kafka_offsets *offsets = opaque;
	offsets->on_the_way = false;
	offsets->answered = true;
	offsets->answer = kafka_commit_error(code, list);
}

void kafka_offsets_serve(struct kafka_offsets *offsets, rd_kafka_t *rk, rd_kafka_queue_t *queue)
{
	if (!offsets->stored || offsets->on_the_way || msp_monotonic_ms() < offsets->due_ms)
		return;
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(rk, NULL, queue, offsets_answered, offsets);
	offsets->stored = false;
	offsets->on_the_way = code == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (kafka_commit_error(code, NULL))
		kafka_offsets_stored(offsets);
}

bool kafka_offsets_take_failure(struct kafka_offsets *offsets, rd_kafka_resp_err_t *ret_code)
{
	*ret_code = offsets->answer;
	bool failed = offsets->answered && offsets->answer;
	offsets->answered = false;
	return failed;
}

int kafka_offsets_sleep_ms(const struct kafka_offsets *offsets, int timeout_ms)
{
	if (!offsets->stored || offsets->on_the_way)
		return timeout_ms;
	int left_ms = msp_deadline_left_ms(offsets->due_ms);
	return left_ms < timeout_ms ? left_ms : timeout_ms;
}

void kafka_offsets_forget(struct kafka_offsets *offsets, rd_kafka_t *rk,
                          const rd_kafka_topic_partition_list_t *assignment)
{
	offsets->stored = false;
	if (!assignment)
		return;
	rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_copy(assignment);
	for (int i = 0; i < none->cnt; i++)
		none->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
	rd_kafka_offsets_store(rk, none);
	rd_kafka_topic_partition_list_destroy(none);
}

void kafka_commit_answered(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                           void *opaque)
{
	(void)rk;
	rd_kafka_resp_err_t *ret_code = opaque;
	*ret_code = kafka_commit_error(code, list);
}

rd_kafka_resp_err_t kafka_offsets_commit(struct kafka_offsets *offsets, rd_kafka_t *rk, int timeout_ms)
{
	rd_kafka_resp_err_t answer = RD_KAFKA_RESP_ERR__TIMED_OUT;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(rk, NULL, queue, kafka_commit_answered, &answer);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
		rd_kafka_queue_poll_callback(queue, timeout_ms);
		code = answer;
	}
	rd_kafka_queue_destroy(queue);
	code = kafka_commit_error(code, NULL);
	if (!code)
		offsets->stored = false;
	return code;
}
