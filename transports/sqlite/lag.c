#include "lag.h"
#include "log.h"
#include <stdlib.h>

/* Of the messages before `end`, or all of them. */
static enum msp_status partition_lag(struct sqlite_db *db, const struct sqlite_partition *partition, int64_t group_id,
                                     int64_t end, struct msp_partition_lag *ret_lag, struct msp_error *err)
{
	struct sqlite_bounds bounds;
	int64_t first = 0;
	*ret_lag = (struct msp_partition_lag){.partition = partition->number, .oldest_timestamp_ms = MSP_TIMESTAMP_NONE};
	enum msp_status status = sqlite_log_bounds(db, partition->id, &bounds, err);
	if (status == MSP_OK)
		status =
		    sqlite_db_integer(db, err, &first, "SELECT committed FROM offsets WHERE group_id = ? AND partition_id = ?",
		                      "ii", group_id, partition->id);
	if (status != MSP_OK)
		return status;
	/* An end of the past may be one of a topic that has been created anew since. */
	if (bounds.next < end)
		end = bounds.next;
	if (first < bounds.oldest)
		first = bounds.oldest;
	if (first >= end)
		return MSP_OK;
	ret_lag->messages = end - first;
	return sqlite_log_timestamp(db, partition->id, first, &ret_lag->oldest_timestamp_ms, err);
}

/* Where the partition is to end, which may have come later. */
static int64_t end_in(const struct msp_topic_info *until, size_t index)
{
	if (!until)
		return INT64_MAX;
	return index < until->partition_count ? until->partitions[index].newest : 0;
}

static enum msp_status topic_lag(struct sqlite_db *db, const char *group, const struct sqlite_topic *topic,
                                 const struct msp_topic_info *until, struct msp_group_lag *lag, struct msp_error *err)
{
	int64_t group_id = 0;
	enum msp_status status = sqlite_db_integer(
	    db, err, &group_id, "SELECT id FROM consumer_groups WHERE name = ? AND topic_id = ?", "si", group, topic->id);
	for (size_t i = 0; i < topic->partition_count && status == MSP_OK; i++, lag->partition_count++)
		status = partition_lag(db, &topic->partitions[i], group_id, end_in(until, i), &lag->partitions[i], err);
	return status;
}

enum msp_status sqlite_lag_read(struct sqlite_db *db, const char *group, const char *topic,
                                const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                struct msp_error *err)
{
	struct sqlite_topic loaded = {0};
	enum msp_status status = sqlite_topic_load(db, &loaded, topic, err);
	if (status != MSP_OK)
		return status;
	struct msp_group_lag *lag = calloc(1, sizeof(*lag) + loaded.partition_count * sizeof(lag->partitions[0]));
	if (lag)
		status = topic_lag(db, group, &loaded, until, lag, err);
	else
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the lag of group %s", group);
	sqlite_topic_done(&loaded);
	if (status == MSP_OK)
		*ret_lag = lag;
	else
		free(lag);
	return status;
}
