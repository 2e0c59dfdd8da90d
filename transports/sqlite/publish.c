#include "publish.h"
#include "log.h"
#include <stdio.h>

/* Retention is applied to a partition after so many messages or so much time, and to a bounded number of messages at
 * once, so that no transaction gets long. */
#define PRUNE_EVERY_MESSAGES 1000
#define PRUNE_EVERY_MS       1000
#define PRUNE_MAX_MESSAGES   10000

enum msp_status sqlite_publish_begin(struct sqlite_db *db, struct sqlite_topic *topic, const char *name,
                                     struct msp_error *err)
{
	enum msp_status status = sqlite_topic_load(db, topic, name, err);
	for (size_t i = 0; i < topic->partition_count; i++)
		topic->partitions[i].touched = false;
	return status;
}

bool sqlite_publish_fits(const struct sqlite_topic *topic, const struct msp_message *message)
{
	return msp_message_size(message) <= (size_t)topic->max_message_bytes;
}

void sqlite_publish_reject(const struct sqlite_topic *topic, char reason[static SQLITE_REASON_SIZE],
                           struct msp_outgoing *outgoing)
{
	snprintf(reason, SQLITE_REASON_SIZE, "larger than max.message.bytes of topic %s (%lld)", topic->name,
	         (long long)topic->max_message_bytes);
	outgoing->state = MSP_OUTGOING_REJECTED;
	outgoing->reason = reason;
}

static struct sqlite_partition *partition_choose(struct sqlite_topic *topic, const struct msp_message *message,
                                                 uint64_t spread)
{
	size_t number;
	if (message->partition >= 0 && (size_t)message->partition < topic->partition_count)
		number = (size_t)message->partition;
	else if (message->key.data)
		number = (size_t)msp_partition_of_key(message->key, (int32_t)topic->partition_count);
	else
		number = (size_t)(spread % topic->partition_count);
	return &topic->partitions[number];
}

static enum msp_status partition_touch(struct sqlite_db *db, struct sqlite_partition *partition, struct msp_error *err)
{
	if (partition->touched)
		return MSP_OK;
	partition->next_offset = -1;
	enum msp_status status = sqlite_db_integer(db, err, &partition->next_offset,
	                                           "SELECT next_offset FROM partitions WHERE id = ?", "i", partition->id);
	if (status == MSP_OK && partition->next_offset < 0)
		return msp_error_set(err, MSP_E_CORRUPT, "%s: partition %lld is damaged", db->name, (long long)partition->id);
	partition->touched = status == MSP_OK;
	return status;
}

enum msp_status sqlite_publish_append(struct sqlite_db *db, struct sqlite_topic *topic,
                                      const struct msp_message *message, uint64_t spread, int64_t now_ms,
                                      struct msp_buffer *scratch, struct msp_error *err)
{
	struct sqlite_partition *partition = partition_choose(topic, message, spread);
	enum msp_status status = partition_touch(db, partition, err);
	if (status != MSP_OK)
		return status;
	struct msp_message stamped = *message;
	if (stamped.timestamp_ms == MSP_TIMESTAMP_NONE)
		stamped.timestamp_ms = now_ms;
	status = sqlite_log_append(db, partition, partition->next_offset, &stamped, scratch, err);
	if (status == MSP_OK) {
		partition->next_offset++;
		partition->unpruned++;
	}
	return status;
}

static enum msp_status partition_prune(struct sqlite_db *db, const struct sqlite_topic *topic,
                                       struct sqlite_partition *partition, int64_t now_ms, struct msp_error *err)
{
	int64_t oldest, keep, next = partition->next_offset;
	enum msp_status status = sqlite_log_oldest(db, partition->id, next, &oldest, err);
	if (status != MSP_OK)
		return status;
	keep = oldest;
	if (topic->retention_ms >= 0)
		status = sqlite_log_find_timestamp(db, partition->id, oldest, now_ms - topic->retention_ms, next, &keep, err);
	if (topic->retention_messages >= 0 && next - topic->retention_messages > keep)
		keep = next - topic->retention_messages;
	if (keep > oldest + PRUNE_MAX_MESSAGES)
		keep = oldest + PRUNE_MAX_MESSAGES;
	if (status == MSP_OK && keep > oldest)
		status = sqlite_log_prune(db, partition->id, keep, err);
	if (status == MSP_OK)
		partition->unpruned = 0;
	return status;
}

enum msp_status sqlite_publish_end(struct sqlite_db *db, struct sqlite_topic *topic, int64_t now_ms,
                                   struct msp_error *err)
{
	bool retains = topic->retention_ms >= 0 || topic->retention_messages >= 0;
	bool is_time = now_ms - topic->pruned_ms >= PRUNE_EVERY_MS || now_ms < topic->pruned_ms;
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < topic->partition_count && status == MSP_OK; i++) {
		struct sqlite_partition *partition = &topic->partitions[i];
		if (!partition->touched)
			continue;
		status = sqlite_db_run(db, err, NULL, "UPDATE partitions SET next_offset = ? WHERE id = ?", "ii",
		                       partition->next_offset, partition->id);
		if (status == MSP_OK && retains && (is_time || partition->unpruned >= PRUNE_EVERY_MESSAGES))
			status = partition_prune(db, topic, partition, now_ms, err);
	}
	if (status == MSP_OK && is_time)
		topic->pruned_ms = now_ms;
	return status;
}
