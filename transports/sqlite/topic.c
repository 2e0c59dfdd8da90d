#include "topic.h"
#include <stdio.h>
#include <stdlib.h>

enum msp_status sqlite_topic_missing(const char *name, struct msp_error *err)
{
	msp_error_set(err, MSP_E_NOT_FOUND, "no topic %s", name);
	if (err)
		err->retriable = true;
	return MSP_E_NOT_FOUND;
}

void sqlite_topic_done(struct sqlite_topic *topic)
{
	for (size_t i = 0; i < topic->partition_count; i++) {
		sqlite3_finalize(topic->partitions[i].append);
		sqlite3_finalize(topic->partitions[i].read);
	}
	free(topic->partitions);
	*topic = (struct sqlite_topic){0};
}

static enum msp_status settings_load(struct sqlite_db *db, struct sqlite_topic *topic, struct msp_error *err)
{
	static const char sql[] =
	    "SELECT id, max_message_bytes, retention_ms, retention_messages,"
	    " (SELECT count(*) FROM partitions WHERE topic_id = topics.id) FROM topics WHERE name = ?";
	sqlite3_stmt *stmt = sqlite_db_query(db, err, sql, "s", topic->name);
	if (!stmt)
		return err->status;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		topic->id = sqlite3_column_int64(stmt, 0);
		topic->max_message_bytes = sqlite3_column_int64(stmt, 1);
		topic->retention_ms = sqlite3_column_int64(stmt, 2);
		topic->retention_messages = sqlite3_column_int64(stmt, 3);
		topic->partition_count = (size_t)sqlite3_column_int64(stmt, 4);
	}
	enum msp_status status = sqlite_db_finish(db, stmt, code, err);
	return status == MSP_OK && code == SQLITE_DONE ? sqlite_topic_missing(topic->name, err) : status;
}

static enum msp_status partitions_load(struct sqlite_db *db, struct sqlite_topic *topic, struct msp_error *err)
{
	topic->partitions = calloc(topic->partition_count, sizeof(*topic->partitions));
	if (!topic->partitions) {
		topic->partition_count = 0;
		return msp_error_set(err, MSP_E_NO_MEMORY, "topic %s: no memory for its partitions", topic->name);
	}
	sqlite3_stmt *stmt = sqlite_db_query(
	    db, err, "SELECT id, number FROM partitions WHERE topic_id = ? ORDER BY number", "i", topic->id);
	if (!stmt)
		return err->status;
	int code;
	size_t i = 0;
	for (; (code = sqlite3_step(stmt)) == SQLITE_ROW && i < topic->partition_count; i++) {
		topic->partitions[i].id = sqlite3_column_int64(stmt, 0);
		topic->partitions[i].number = sqlite3_column_int(stmt, 1);
		if (topic->partitions[i].number != (int32_t)i)
			break;
	}
	enum msp_status status = sqlite_db_finish(db, stmt, code, err);
	if (status == MSP_OK && (code != SQLITE_DONE || i == 0 || i != topic->partition_count))
		status = msp_error_set(err, MSP_E_CORRUPT, "%s: the partitions of topic %s are damaged", db->name, topic->name);
	return status;
}

enum msp_status sqlite_topic_load(struct sqlite_db *db, struct sqlite_topic *topic, const char *name,
                                  struct msp_error *err)
{
	struct msp_error local = {.status = MSP_OK};
	err = err ? err : &local;
	int64_t schema_version = 0;
	enum msp_status status = sqlite_db_schema_version(db, &schema_version, err);
	if (status != MSP_OK)
		return status;
	if (topic->id != 0 && topic->schema_version == schema_version && strcmp(topic->name, name) == 0)
		return MSP_OK;
	sqlite_topic_done(topic);
	topic->schema_version = schema_version;
	snprintf(topic->name, sizeof(topic->name), "%s", name);
	status = settings_load(db, topic, err);
	if (status == MSP_OK)
		status = partitions_load(db, topic, err);
	if (status != MSP_OK)
		sqlite_topic_done(topic);
	return status;
}
