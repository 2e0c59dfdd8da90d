/* librdkafka can find the coordinator of any group by itself, but a request of that kind whose time is over ends
 * the process when the broker comes back (an assertion of 2.0.2). A request to a named broker is free of that: all
 * brokers are asked at once, the coordinator is the one that answers, and from then on it is asked alone. */
#include "committed.h"
#include "error.h"

#include <assert.h>

/* A question that is under way. */
struct question {
	struct kafka_client *client;
	const char *group;
	rd_kafka_topic_partition_list_t *partitions;
	rd_kafka_queue_t *answers;
	int64_t deadline_ms;
	int unanswered;
};

static void broker_ask(struct question *question, int32_t broker)
{
	rd_kafka_t *rk = question->client->rk;
	int left_ms = kafka_left_ms(question->deadline_ms);
	rd_kafka_ListConsumerGroupOffsets_t *request =
	    rd_kafka_ListConsumerGroupOffsets_new(question->group, question->partitions);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
	rd_kafka_AdminOptions_set_request_timeout(options, left_ms > 0 ? left_ms : 1, NULL, 0);
	rd_kafka_AdminOptions_set_broker(options, broker, NULL, 0);
	rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
	rd_kafka_AdminOptions_set_opaque(options, (void *)(intptr_t)broker);
	rd_kafka_ListConsumerGroupOffsets(rk, &request, 1, options, question->answers);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_ListConsumerGroupOffsets_destroy(request);
	question->unanswered++;
}

static rd_kafka_resp_err_t brokers_ask(struct question *question)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code =
	    rd_kafka_metadata(question->client->rk, 0, NULL, &metadata, kafka_left_ms(question->deadline_ms));
	if (code)
		return code;
	for (int i = 0; i < metadata->broker_cnt; i++)
		broker_ask(question, metadata->brokers[i].id);
	rd_kafka_metadata_destroy(metadata);
	return question->unanswered ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__TRANSPORT;
}

static rd_kafka_resp_err_t answer_read(rd_kafka_event_t *event, rd_kafka_topic_partition_list_t *partitions)
{
	size_t count = 0;
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);
	if (code)
		return code;
	const rd_kafka_group_result_t **groups =
	    rd_kafka_ListConsumerGroupOffsets_result_groups(rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
	if (count != 1)
		return RD_KAFKA_RESP_ERR__BAD_MSG;
	if (rd_kafka_group_result_error(groups[0]))
		return rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
	const rd_kafka_topic_partition_list_t *answer = rd_kafka_group_result_partitions(groups[0]);
	for (int i = 0; i < partitions->cnt; i++)
		partitions->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
	for (int i = 0; i < answer->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &answer->elems[i];
		if (one->err)
			return one->err;
		if (one->partition >= 0 && one->partition < partitions->cnt)
			partitions->elems[one->partition].offset = one->offset;
	}
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The first good answer counts. Without one, what somebody said counts for more than that a broker is not the
 * coordinator. */
static rd_kafka_resp_err_t answers_wait(struct question *question, int32_t *coordinator)
{
	rd_kafka_resp_err_t worst = RD_KAFKA_RESP_ERR_NO_ERROR;
	for (; question->unanswered > 0; question->unanswered--) {
		rd_kafka_event_t *event = rd_kafka_queue_poll(question->answers, kafka_left_ms(question->deadline_ms));
		if (!event)
			return worst && worst != RD_KAFKA_RESP_ERR_NOT_COORDINATOR ? worst : RD_KAFKA_RESP_ERR__TIMED_OUT;
		rd_kafka_resp_err_t code = answer_read(event, question->partitions);
		int32_t broker = (int32_t)(intptr_t)rd_kafka_event_opaque(event);
		rd_kafka_event_destroy(event);
		if (!code || code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
			*coordinator = broker;
			return code;
		}
		if (!worst || worst == RD_KAFKA_RESP_ERR_NOT_COORDINATOR)
			worst = code;
	}
	return worst;
}

enum msp_status kafka_committed_query(struct kafka_client *client, const char *group, int32_t *coordinator,
                                      rd_kafka_topic_partition_list_t *partitions, int timeout_ms,
                                      struct msp_error *err)
{
	struct question question = {
	    .client = client,
	    .group = group,
	    .partitions = partitions,
	    .answers = rd_kafka_queue_new(client->rk),
	    .deadline_ms = msp_deadline_in(timeout_ms),
	};
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	assert(partitions->cnt > 0);
	if (*coordinator >= 0)
		broker_ask(&question, *coordinator);
	else
		code = brokers_ask(&question);
	*coordinator = -1; /* it may have moved, unless it answers */
	if (!code)
		code = answers_wait(&question, coordinator);
	rd_kafka_queue_destroy(question.answers);
	kafka_client_poll(client);
	return code ? kafka_client_error(client, code, err, "offsets of group %s", group) : MSP_OK;
}
