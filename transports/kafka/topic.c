#include "topic.h"
#include "error.h"

#include <msp/backoff.h>
#include <stdlib.h>

static enum msp_status metadata_read(struct kafka_client *client, const struct rd_kafka_metadata *metadata,
                                     const char *topic, int32_t *ret_count, struct msp_error *err)
{
	if (metadata->topic_cnt != 1)
		return kafka_error_set(err, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, NULL, "topic %s", topic);
	rd_kafka_resp_err_t code = metadata->topics[0].err;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topics[0].partition_cnt == 0)
		code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE; /* on its way */
	for (int i = 0; i < metadata->topics[0].partition_cnt && !code; i++)
		if (metadata->topics[0].partitions[i].leader < 0)
			code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
	if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		return kafka_error_set(err, code, "there is no such topic", "topic %s", topic);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_client_error(client, code, err, "topic %s", topic);
	*ret_count = metadata->topics[0].partition_cnt;
	return MSP_OK;
}

enum msp_status kafka_topic_partition_count(struct kafka_client *client, const char *topic, int timeout_ms,
                                            int32_t *ret_count, struct msp_error *err)
{
	rd_kafka_topic_t *handle = rd_kafka_topic_new(client->rk, topic, NULL);
	if (!handle)
		return kafka_error_set(err, rd_kafka_last_error(), NULL, "topic %s", topic);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client->rk, 0, handle, &metadata, timeout_ms);
	enum msp_status status;
	kafka_client_poll(client);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		status = kafka_client_error(client, code, err, "the broker does not answer");
	} else {
		status = metadata_read(client, metadata, topic, ret_count, err);
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_topic_destroy(handle);
	return status;
}

static size_t config_read_max_bytes(const rd_kafka_event_t *event)
{
	size_t resource_count = 0, entry_count = 0;
	const rd_kafka_DescribeConfigs_result_t *result =
	    rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)(uintptr_t)event);
	const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(result, &resource_count);
	if (resource_count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &entry_count);
	for (size_t i = 0; i < entry_count; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "max.message.bytes") == 0)
			return strtoull(rd_kafka_ConfigEntry_value(entries[i]), NULL, 10);
	return 0;
}

/* Any broker can answer, but librdkafka asks the controller unless it is told whom: a cluster that has none now would
 * be waited for. */
static void request_set_broker(struct kafka_client *client, rd_kafka_AdminOptions_t *options, int timeout_ms)
{
	const struct rd_kafka_metadata *metadata;
	if (rd_kafka_metadata(client->rk, 0, NULL, &metadata, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	if (metadata->orig_broker_id >= 0)
		rd_kafka_AdminOptions_set_broker(options, metadata->orig_broker_id, NULL, 0);
	rd_kafka_metadata_destroy(metadata);
}

size_t kafka_topic_max_bytes(struct kafka_client *client, const char *topic, int timeout_ms)
{
	size_t max_bytes = 0;
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
	request_set_broker(client, options, timeout_ms);
	rd_kafka_DescribeConfigs(client->rk, &resource, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
	if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
		max_bytes = config_read_max_bytes(event);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_ConfigResource_destroy(resource);
	return max_bytes;
}

rd_kafka_topic_partition_list_t *kafka_partitions_new(const char *topic, int32_t count, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
	for (int32_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = offset;
	return list;
}

enum msp_status kafka_offsets_query(struct kafka_client *client, rd_kafka_topic_partition_list_t *partitions,
                                    int timeout_ms, struct msp_error *err)
{
	if (partitions->cnt == 0)
		return MSP_OK;
	rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client->rk, partitions, timeout_ms);
	kafka_client_poll(client);
	for (int i = 0; i < partitions->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		code = partitions->elems[i].err;
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_client_error(client, code, err, "offsets of %s", partitions->elems[0].topic);
	return MSP_OK;
}

void kafka_leaders_nudge(struct kafka_client *client, const rd_kafka_topic_partition_list_t *partitions)
{
	rd_kafka_topic_partition_list_t *copy = rd_kafka_topic_partition_list_copy(partitions);
	for (int i = 0; i < copy->cnt; i++)
		copy->elems[i].offset = RD_KAFKA_OFFSET_END;
	rd_kafka_offsets_for_times(client->rk, copy, 0);
	rd_kafka_topic_partition_list_destroy(copy);
}
