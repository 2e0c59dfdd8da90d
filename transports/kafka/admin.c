#include "error.h"
#include "lag.h"
#include "topic.h"

#include <assert.h>
#include <inttypes.h>
#include <msp/backoff.h>
#include <stdio.h>
#include <stdlib.h>

#define DELETION_SEEN_MS 2000

struct kafka_admin {
	struct msp_admin base;
	const struct kafka_settings *settings;
	struct kafka_client client;
	struct kafka_client uncommitted; /* is told of what open transactions hide; made when it is needed */
	struct kafka_lag lag;
};

static struct kafka_admin *admin_cast(struct msp_admin *admin)
{
	assert(admin);
	return (struct kafka_admin *)admin;
}

/* ---- requests ---- */

/* One request to the cluster: make it, send with `request.options` to `request.queue`, wait. */
struct request {
	struct kafka_admin *admin;
	rd_kafka_AdminOptions_t *options;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event; /* the answer */
	int timeout_ms;
};

static void request_init(struct request *request, struct kafka_admin *admin, rd_kafka_admin_op_t operation,
                         int timeout_ms)
{
	*request = (struct request){.admin = admin, .timeout_ms = timeout_ms > 0 ? timeout_ms : 1};
	request->options = rd_kafka_AdminOptions_new(admin->client.rk, operation);
	request->queue = rd_kafka_queue_new(admin->client.rk);
	rd_kafka_AdminOptions_set_request_timeout(request->options, request->timeout_ms, NULL, 0);
}

static enum msp_status request_wait(struct request *request, struct msp_error *err)
{
	request->event = rd_kafka_queue_poll(request->queue, request->timeout_ms);
	rd_kafka_resp_err_t code = request->event ? rd_kafka_event_error(request->event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	kafka_client_poll(&request->admin->client);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_client_error(&request->admin->client, code, err, "the broker does not answer");
	return MSP_OK;
}

static void request_done(struct request *request)
{
	if (request->event)
		rd_kafka_event_destroy(request->event);
	rd_kafka_queue_destroy(request->queue);
	rd_kafka_AdminOptions_destroy(request->options);
}

/* Repeats what brokers that have not heard of a change yet answer with "not now". */
struct retry {
	struct kafka_admin *admin;
	int64_t deadline_ms;
	struct msp_backoff backoff;
};

static void retry_init(struct retry *retry, struct kafka_admin *admin, int timeout_ms)
{
	*retry = (struct retry){.admin = admin, .deadline_ms = msp_monotonic_ms() + timeout_ms};
	msp_backoff_init(&retry->backoff, 5, 200);
}

static int retry_left_ms(const struct retry *retry)
{
	return kafka_left_ms(retry->deadline_ms);
}

/* True, after a pause: try again. */
static bool retry_wants(struct retry *retry, enum msp_status status)
{
	if (status != MSP_E_UNAVAILABLE || retry_left_ms(retry) == 0)
		return false;
	rd_kafka_poll(retry->admin->client.rk, msp_backoff_next_ms(&retry->backoff));
	return true;
}

/* The verdict on one topic, in the broker's words. */
static enum msp_status topic_result(const rd_kafka_topic_result_t **results, size_t count, struct msp_error *err)
{
	if (count != 1)
		return msp_error_set(err, MSP_E_INTERNAL, "librdkafka answers for %zu topics instead of one", count);
	rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return MSP_OK;
	return kafka_error_set(err, code, rd_kafka_topic_result_error_string(results[0]), "topic %s",
	                       rd_kafka_topic_result_name(results[0]));
}

/* ---- topics ---- */

static size_t varint_size(size_t value)
{
	size_t size = 1;
	for (value *= 2; value >= 128; value /= 128) /* zigzag */
		size++;
	return size;
}

/* The broker's limit is on a record batch. This is one with one record of a value of this size, without a key and
 * headers: the smallest that holds so many bytes. */
static size_t record_batch_size(size_t value_size)
{
	size_t record = 1 + 1 + 1 + 1 + varint_size(value_size) + value_size + 1;
	return 61 + varint_size(record) + record;
}

static enum msp_status topic_spec_config(rd_kafka_NewTopic_t *topic, const struct msp_topic_spec *spec,
                                         struct msp_error *err)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (spec->max_message_bytes) {
		char text[24];
		snprintf(text, sizeof(text), "%zu", record_batch_size(spec->max_message_bytes));
		code = rd_kafka_NewTopic_set_config(topic, "max.message.bytes", text);
	}
	if (spec->append_time && !code)
		code = rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "LogAppendTime");
	for (size_t i = 0; i < spec->property_count && !code; i++)
		code = rd_kafka_NewTopic_set_config(topic, spec->properties[i].name, spec->properties[i].value);
	return code ? kafka_error_set(err, code, NULL, "topic %s", spec->name) : MSP_OK;
}

static enum msp_status topic_create_wait(struct kafka_admin *admin, rd_kafka_NewTopic_t *topic, int timeout_ms,
                                         struct msp_error *err)
{
	struct request request;
	request_init(&request, admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
	rd_kafka_AdminOptions_set_operation_timeout(request.options, timeout_ms, NULL, 0);
	rd_kafka_CreateTopics(admin->client.rk, &topic, 1, request.options, request.queue);
	enum msp_status status = request_wait(&request, err);
	if (status == MSP_OK) {
		size_t count;
		const rd_kafka_topic_result_t **results =
		    rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(request.event), &count);
		status = topic_result(results, count, err);
	}
	request_done(&request);
	return status;
}

/* The controller has made the topic; the brokers learn of it a little later. */
static enum msp_status topic_await(struct kafka_admin *admin, const char *name, int timeout_ms, struct msp_error *err)
{
	struct retry retry;
	retry_init(&retry, admin, timeout_ms);
	enum msp_status status;
	do {
		int32_t count;
		status = kafka_topic_partition_count(&admin->client, name, retry_left_ms(&retry), &count, err);
		if (status == MSP_E_NOT_FOUND)
			status = MSP_E_UNAVAILABLE;
	} while (retry_wants(&retry, status));
	return status;
}

/* The same after a deletion, as far as can be seen: somebody else may have made another topic of this name. */
static void topic_await_end(struct kafka_admin *admin, const char *name, int timeout_ms)
{
	struct retry retry;
	struct msp_error unseen;
	int32_t count;
	retry_init(&retry, admin, timeout_ms < DELETION_SEEN_MS ? timeout_ms : DELETION_SEEN_MS);
	while (kafka_topic_partition_count(&admin->client, name, retry_left_ms(&retry), &count, &unseen) == MSP_OK &&
	       retry_wants(&retry, MSP_E_UNAVAILABLE))
		;
}

static enum msp_status admin_topic_create(struct msp_admin *base, const struct msp_topic_spec *spec, int timeout_ms,
                                          struct msp_error *err)
{
	struct kafka_admin *admin = admin_cast(base);
	char text[200];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(spec->name, spec->partitions,
	                                                   spec->replication ? spec->replication : -1, text, sizeof(text));
	if (!topic)
		return msp_error_set(err, MSP_E_INVALID, "topic %s: %s", spec->name, text);
	enum msp_status status = topic_spec_config(topic, spec, err);
	if (status == MSP_OK)
		status = topic_create_wait(admin, topic, timeout_ms, err);
	rd_kafka_NewTopic_destroy(topic);
	if (status == MSP_OK)
		status = topic_await(admin, spec->name, timeout_ms, err);
	return status;
}

static enum msp_status admin_topic_delete(struct msp_admin *base, const char *name, int timeout_ms,
                                          struct msp_error *err)
{
	struct kafka_admin *admin = admin_cast(base);
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
	struct request request;
	request_init(&request, admin, RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout_ms);
	rd_kafka_AdminOptions_set_operation_timeout(request.options, timeout_ms, NULL, 0);
	rd_kafka_DeleteTopics(admin->client.rk, &topic, 1, request.options, request.queue);
	enum msp_status status = request_wait(&request, err);
	if (status == MSP_OK) {
		size_t count;
		const rd_kafka_topic_result_t **results =
		    rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(request.event), &count);
		status = topic_result(results, count, err);
	}
	request_done(&request);
	rd_kafka_DeleteTopic_destroy(topic);
	if (status == MSP_OK)
		topic_await_end(admin, name, timeout_ms);
	return status;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum msp_status names_visit(const struct rd_kafka_metadata *metadata,
                                   void (*visit)(void *context, const char *topic), void *context,
                                   struct msp_error *err)
{
	const char **names = calloc((size_t)metadata->topic_cnt + 1, sizeof(*names));
	if (!names)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %d topic names", metadata->topic_cnt);
	size_t count = 0;
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (strncmp(metadata->topics[i].topic, "__", 2) != 0) /* the broker's own */
			names[count++] = metadata->topics[i].topic;
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		visit(context, names[i]);
	free(names);
	return MSP_OK;
}

static enum msp_status admin_topic_list(struct msp_admin *base, void (*visit)(void *context, const char *topic),
                                        void *context, int timeout_ms, struct msp_error *err)
{
	struct kafka_admin *admin = admin_cast(base);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(admin->client.rk, 1, NULL, &metadata, timeout_ms);
	kafka_client_poll(&admin->client);
	if (code)
		return kafka_client_error(&admin->client, code, err, "the broker does not answer");
	enum msp_status status = names_visit(metadata, visit, context, err);
	rd_kafka_metadata_destroy(metadata);
	return status;
}

/* The ends that readers see who wait for no transaction. */
static enum msp_status uncommitted_query(struct kafka_admin *admin, rd_kafka_topic_partition_list_t *ends,
                                         int timeout_ms, struct msp_error *err)
{
	if (!admin->uncommitted.rk) {
		rd_kafka_conf_t *conf;
		enum msp_status status = kafka_conf_new(admin->settings, KAFKA_PRODUCER, &conf, err);
		if (status != MSP_OK)
			return status;
		kafka_conf_set(conf, "isolation.level", "read_uncommitted");
		status = kafka_client_init(&admin->uncommitted, RD_KAFKA_PRODUCER, conf, admin, err);
		if (status != MSP_OK)
			return status;
	}
	/* What it knows of a topic is of the last question: another one may have the name by now. */
	int32_t count;
	enum msp_status status =
	    kafka_topic_partition_count(&admin->uncommitted, ends->elems[0].topic, timeout_ms, &count, err);
	return status == MSP_OK ? kafka_offsets_query(&admin->uncommitted, ends, timeout_ms, err) : status;
}

static enum msp_status info_new(const rd_kafka_topic_partition_list_t *oldest,
                                const rd_kafka_topic_partition_list_t *newest,
                                const rd_kafka_topic_partition_list_t *ends, struct msp_topic_info **ret_info,
                                struct msp_error *err)
{
	struct msp_topic_info *info = calloc(1, sizeof(*info) + (size_t)oldest->cnt * sizeof(info->partitions[0]));
	if (!info)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %d partitions", oldest->cnt);
	info->partition_count = (size_t)oldest->cnt;
	for (int i = 0; i < oldest->cnt; i++)
		info->partitions[i] = (struct msp_partition_info){
		    .partition = i,
		    .oldest = oldest->elems[i].offset,
		    .newest = newest->elems[i].offset,
		    .count = newest->elems[i].offset - oldest->elems[i].offset,
		    .waiting =
		        ends->elems[i].offset > newest->elems[i].offset ? ends->elems[i].offset - newest->elems[i].offset : 0,
		};
	*ret_info = info;
	return MSP_OK;
}

/* The ends before the transactions' ends: what comes in between waits for nothing. */
static enum msp_status topic_describe_once(struct kafka_admin *admin, const char *topic, bool with_waiting,
                                           struct msp_topic_info **ret_info, int timeout_ms, struct msp_error *err)
{
	int32_t count;
	enum msp_status status = kafka_topic_partition_count(&admin->client, topic, timeout_ms, &count, err);
	if (status != MSP_OK)
		return status;
	rd_kafka_topic_partition_list_t *oldest = kafka_partitions_new(topic, count, RD_KAFKA_OFFSET_BEGINNING);
	rd_kafka_topic_partition_list_t *newest = kafka_partitions_new(topic, count, RD_KAFKA_OFFSET_END);
	rd_kafka_topic_partition_list_t *ends = kafka_partitions_new(topic, count, RD_KAFKA_OFFSET_END);
	if (with_waiting)
		status = uncommitted_query(admin, ends, timeout_ms, err);
	if (status == MSP_OK)
		status = kafka_offsets_query(&admin->client, oldest, timeout_ms, err);
	if (status == MSP_OK)
		status = kafka_offsets_query(&admin->client, newest, timeout_ms, err);
	if (status == MSP_OK)
		status = info_new(oldest, newest, with_waiting ? ends : newest, ret_info, err);
	rd_kafka_topic_partition_list_destroy(ends);
	rd_kafka_topic_partition_list_destroy(oldest);
	rd_kafka_topic_partition_list_destroy(newest);
	return status;
}

static enum msp_status admin_topic_describe(struct msp_admin *base, const char *topic, struct msp_topic_info **ret_info,
                                            int timeout_ms, struct msp_error *err)
{
	struct retry retry;
	retry_init(&retry, admin_cast(base), timeout_ms);
	enum msp_status status;
	do
		status = topic_describe_once(retry.admin, topic, true, ret_info, retry_left_ms(&retry), err);
	while (retry_wants(&retry, status));
	return status;
}

/* ---- groups ---- */

/* What of `until` is there still: messages expire, and a topic that was created anew may end before the old one did. */
static void info_limit(struct msp_topic_info *now, const struct msp_topic_info *until)
{
	if (now->partition_count > until->partition_count)
		now->partition_count = until->partition_count;
	for (size_t i = 0; i < now->partition_count; i++) {
		if (now->partitions[i].oldest < until->partitions[i].oldest)
			now->partitions[i].oldest = until->partitions[i].oldest;
		if (now->partitions[i].newest > until->partitions[i].newest)
			now->partitions[i].newest = until->partitions[i].newest;
	}
}

static enum msp_status group_lag_once(struct kafka_admin *admin, const char *group, const char *topic,
                                      const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                      const struct retry *retry, struct msp_error *err)
{
	struct msp_topic_info *now = NULL;
	enum msp_status status = topic_describe_once(admin, topic, false, &now, retry_left_ms(retry), err);
	if (status != MSP_OK)
		return status;
	if (until)
		info_limit(now, until);
	status = kafka_lag_ask(&admin->lag, group, topic, now, !until, ret_lag, retry_left_ms(retry), err);
	free(now);
	return status;
}

static enum msp_status admin_group_lag(struct msp_admin *base, const char *group, const char *topic,
                                       const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                       int timeout_ms, struct msp_error *err)
{
	struct retry retry;
	retry_init(&retry, admin_cast(base), timeout_ms);
	enum msp_status status;
	do
		status = group_lag_once(retry.admin, group, topic, until, ret_lag, &retry, err);
	while (retry_wants(&retry, status));
	return status;
}

static void admin_free(struct msp_admin *base)
{
	if (!base)
		return;
	struct kafka_admin *admin = admin_cast(base);
	kafka_lag_done(&admin->lag);
	kafka_client_done(&admin->uncommitted);
	kafka_client_done(&admin->client);
	free(admin);
}

static const struct msp_admin_ops ADMIN_OPS = {
    .topic_create = admin_topic_create,
    .topic_delete = admin_topic_delete,
    .topic_list = admin_topic_list,
    .topic_describe = admin_topic_describe,
    .group_lag = admin_group_lag,
    .free = admin_free,
};

enum msp_status kafka_admin_open(const struct kafka_settings *settings, struct msp_admin **ret_admin,
                                 struct msp_error *err)
{
	struct kafka_admin *admin = calloc(1, sizeof(*admin));
	if (!admin)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for an admin");
	admin->base.ops = &ADMIN_OPS;
	admin->settings = settings;
	kafka_lag_init(&admin->lag, settings);
	rd_kafka_conf_t *conf;
	enum msp_status status = kafka_conf_new(settings, KAFKA_PRODUCER, &conf, err);
	if (status == MSP_OK)
		status = kafka_client_init(&admin->client, RD_KAFKA_PRODUCER, conf, admin, err);
	if (status != MSP_OK) {
		free(admin);
		return status;
	}
	*ret_admin = &admin->base;
	return MSP_OK;
}
