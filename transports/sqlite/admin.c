#include "lag.h"
#include "log.h"
#include "transport.h"
#include <assert.h>
#include <errno.h>
#include <msp/clock.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_MESSAGE_BYTES_DEFAULT 1048576
#define MAX_MESSAGE_BYTES_MOST    268435456 /* SQLite takes 10^9 bytes in one row; headers grow when written */
#define PARTITIONS_MOST           1000

struct sqlite_admin {
	struct msp_admin base;
	struct sqlite_transport *transport; /* borrowed */
	struct sqlite_db db;
};

static struct sqlite_admin *admin_cast(struct msp_admin *admin)
{
	assert(admin);
	return (struct sqlite_admin *)admin;
}

static enum msp_status admin_connect(struct sqlite_admin *admin, bool create, int64_t deadline_ms,
                                     struct msp_error *err)
{
	if (admin->db.handle && !sqlite_db_has_moved(&admin->db))
		return MSP_OK;
	sqlite_db_close(&admin->db);
	return sqlite_file_connect(&admin->transport->file, create, deadline_ms, &admin->db, err);
}

/* Connects and begins to read. */
static enum msp_status admin_begin_read(struct sqlite_admin *admin, int timeout_ms, struct msp_error *err)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_status status = admin_connect(admin, false, deadline_ms, err);
	return status == MSP_OK ? sqlite_db_begin_read(&admin->db, err) : status;
}

/* ---- create ---- */

struct settings {
	int64_t max_message_bytes, retention_ms, retention_messages;
};

static enum msp_status property_set(struct settings *settings, const struct msp_property *property,
                                    struct msp_error *err)
{
	static const struct {
		const char *name;
		size_t offset;
		long long min, max;
	} KNOWN[] = {
	    {"max.message.bytes", offsetof(struct settings, max_message_bytes), 1, MAX_MESSAGE_BYTES_MOST},
	    {"retention.ms", offsetof(struct settings, retention_ms), -1, INT64_MAX / 2},
	    {"retention.messages", offsetof(struct settings, retention_messages), -1, INT64_MAX / 2},
	};
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
		if (strcmp(KNOWN[i].name, property->name) != 0)
			continue;
		char *end;
		errno = 0;
		long long number = strtoll(property->value, &end, 10);
		if (errno || end == property->value || *end || number < KNOWN[i].min || number > KNOWN[i].max)
			return msp_error_set(err, MSP_E_INVALID, "%s: not a whole number from %lld to %lld: %s", property->name,
			                     KNOWN[i].min, KNOWN[i].max, property->value);
		*(int64_t *)(void *)((char *)settings + KNOWN[i].offset) = number;
		return MSP_OK;
	}
	return msp_error_set(err, MSP_E_INVALID,
	                     "no topic setting %s here: max.message.bytes, retention.ms, retention.messages",
	                     property->name);
}

static enum msp_status spec_check(const struct msp_topic_spec *spec, struct settings *settings, struct msp_error *err)
{
	*settings = (struct settings){MAX_MESSAGE_BYTES_DEFAULT, -1, -1};
	if (spec->max_message_bytes > MAX_MESSAGE_BYTES_MOST)
		return msp_error_set(err, MSP_E_INVALID, "max.message.bytes: at most %d", MAX_MESSAGE_BYTES_MOST);
	if (spec->max_message_bytes > 0)
		settings->max_message_bytes = (int64_t)spec->max_message_bytes;
	enum msp_status status = msp_topic_check(spec->name, err);
	for (size_t i = 0; i < spec->property_count && status == MSP_OK; i++)
		status = property_set(settings, &spec->properties[i], err);
	if (status == MSP_OK && (spec->partitions < 1 || spec->partitions > PARTITIONS_MOST))
		return msp_error_set(err, MSP_E_INVALID, "topic %s: SQLite files take from 1 to %d partitions, not %d",
		                     spec->name, PARTITIONS_MOST, (int)spec->partitions);
	return status;
}

static enum msp_status log_create(struct sqlite_db *db, int64_t topic_id, int32_t number, struct msp_error *err)
{
	enum msp_status status =
	    sqlite_db_run(db, err, NULL, "INSERT INTO partitions (topic_id, number, next_offset) VALUES (?, ?, 0)", "ii",
	                  topic_id, (int64_t)number);
	if (status != MSP_OK)
		return status;
	char sql[192];
	snprintf(sql, sizeof(sql),
	         "CREATE TABLE log_%lld (offset INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB,"
	         " headers BLOB)",
	         (long long)sqlite3_last_insert_rowid(db->handle));
	return sqlite_db_exec(db, sql, err);
}

static enum msp_status topic_id_find(struct sqlite_db *db, const char *topic, int64_t *ret_id, struct msp_error *err)
{
	*ret_id = 0;
	return sqlite_db_integer(db, err, ret_id, "SELECT id FROM topics WHERE name = ?", "s", topic);
}

static enum msp_status topic_insert(struct sqlite_db *db, const struct msp_topic_spec *spec,
                                    const struct settings *settings, struct msp_error *err)
{
	int64_t id;
	enum msp_status status = topic_id_find(db, spec->name, &id, err);
	if (status == MSP_OK && id != 0)
		return msp_error_set(err, MSP_E_EXISTS, "topic %s exists", spec->name);
	if (status == MSP_OK)
		status = sqlite_db_run(
		    db, err, NULL,
		    "INSERT INTO topics (name, max_message_bytes, retention_ms, retention_messages) VALUES (?, ?, ?, ?)",
		    "siii", spec->name, settings->max_message_bytes, settings->retention_ms, settings->retention_messages);
	id = sqlite3_last_insert_rowid(db->handle);
	for (int32_t number = 0; number < spec->partitions && status == MSP_OK; number++)
		status = log_create(db, id, number, err);
	return status;
}

/* Ends a write transaction that went well as far as `status` says. */
static enum msp_status admin_commit(struct sqlite_admin *admin, enum msp_status status, struct msp_error *err)
{
	if (status == MSP_OK)
		status = sqlite_db_commit(&admin->db, err);
	sqlite_db_rollback(&admin->db);
	if (status == MSP_OK)
		sqlite_file_notify(&admin->transport->file);
	return status;
}

static enum msp_status admin_topic_create(struct msp_admin *base, const struct msp_topic_spec *spec, int timeout_ms,
                                          struct msp_error *err)
{
	struct sqlite_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	struct settings settings;
	enum msp_status status = spec_check(spec, &settings, err);
	if (status == MSP_OK)
		status = admin_connect(admin, true, deadline_ms, err);
	if (status == MSP_OK)
		status = sqlite_db_begin_write(&admin->db, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	return admin_commit(admin, topic_insert(&admin->db, spec, &settings, err), err);
}

/* ---- delete ---- */

static enum msp_status logs_drop(struct sqlite_db *db, int64_t topic_id, struct msp_error *err)
{
	for (;;) {
		int64_t id = 0;
		enum msp_status status =
		    sqlite_db_integer(db, err, &id, "SELECT id FROM partitions WHERE topic_id = ? LIMIT 1", "i", topic_id);
		if (status != MSP_OK || id == 0)
			return status;
		char sql[48];
		snprintf(sql, sizeof(sql), "DROP TABLE log_%lld", (long long)id);
		status = sqlite_db_exec(db, sql, err);
		if (status == MSP_OK)
			status = sqlite_db_run(db, err, NULL, "DELETE FROM offsets WHERE partition_id = ?", "i", id);
		if (status == MSP_OK)
			status = sqlite_db_run(db, err, NULL, "DELETE FROM partitions WHERE id = ?", "i", id);
		if (status != MSP_OK)
			return status;
	}
}

static enum msp_status topic_remove(struct sqlite_db *db, const char *topic, struct msp_error *err)
{
	static const char members_sql[] =
	    "DELETE FROM members WHERE group_id IN (SELECT id FROM consumer_groups WHERE topic_id = ?)";
	int64_t id;
	enum msp_status status = topic_id_find(db, topic, &id, err);
	if (status == MSP_OK && id == 0)
		return msp_error_set(err, MSP_E_NOT_FOUND, "no topic %s", topic);
	if (status == MSP_OK)
		status = logs_drop(db, id, err);
	if (status == MSP_OK)
		status = sqlite_db_run(db, err, NULL, members_sql, "i", id);
	if (status == MSP_OK)
		status = sqlite_db_run(db, err, NULL, "DELETE FROM consumer_groups WHERE topic_id = ?", "i", id);
	return status == MSP_OK ? sqlite_db_run(db, err, NULL, "DELETE FROM topics WHERE id = ?", "i", id) : status;
}

static enum msp_status admin_topic_delete(struct msp_admin *base, const char *topic, int timeout_ms,
                                          struct msp_error *err)
{
	struct sqlite_admin *admin = admin_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_status status = admin_connect(admin, false, deadline_ms, err);
	if (status == MSP_OK)
		status = sqlite_db_begin_write(&admin->db, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	return admin_commit(admin, topic_remove(&admin->db, topic, err), err);
}

/* ---- looking ---- */

static enum msp_status admin_topic_list(struct msp_admin *base, void (*visit)(void *context, const char *topic),
                                        void *context, int timeout_ms, struct msp_error *err)
{
	struct sqlite_admin *admin = admin_cast(base);
	struct msp_error local = {.status = MSP_OK};
	err = err ? err : &local;
	enum msp_status status = admin_begin_read(admin, timeout_ms, err);
	if (status != MSP_OK)
		return status;
	sqlite3_stmt *stmt = sqlite_db_query(&admin->db, err, "SELECT name FROM topics ORDER BY name", "");
	int code = SQLITE_DONE;
	while (stmt && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		visit(context, (const char *)sqlite3_column_text(stmt, 0));
	status = stmt ? sqlite_db_finish(&admin->db, stmt, code, err) : err->status;
	sqlite_db_rollback(&admin->db);
	return status;
}

static enum msp_status partition_describe(struct sqlite_db *db, const struct sqlite_partition *partition,
                                          struct msp_partition_info *ret_info, struct msp_error *err)
{
	struct sqlite_bounds bounds;
	enum msp_status status = sqlite_log_bounds(db, partition->id, &bounds, err);
	*ret_info = (struct msp_partition_info){
	    .partition = partition->number,
	    .oldest = bounds.oldest,
	    .newest = bounds.next,
	    .count = bounds.next - bounds.oldest,
	};
	return status;
}

static enum msp_status topic_describe(struct sqlite_db *db, const char *name, struct msp_topic_info **ret_info,
                                      struct msp_error *err)
{
	struct sqlite_topic topic = {0};
	struct msp_topic_info *info = NULL;
	enum msp_status status = sqlite_topic_load(db, &topic, name, err);
	if (status != MSP_OK)
		return status;
	info = calloc(1, sizeof(*info) + topic.partition_count * sizeof(info->partitions[0]));
	if (!info)
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory to describe topic %s", name);
	for (size_t i = 0; i < topic.partition_count && status == MSP_OK; i++, info->partition_count++)
		status = partition_describe(db, &topic.partitions[i], &info->partitions[i], err);
	sqlite_topic_done(&topic);
	if (status == MSP_OK)
		*ret_info = info;
	else
		free(info);
	return status;
}

static enum msp_status admin_topic_describe(struct msp_admin *base, const char *topic, struct msp_topic_info **ret_info,
                                            int timeout_ms, struct msp_error *err)
{
	struct sqlite_admin *admin = admin_cast(base);
	enum msp_status status = admin_begin_read(admin, timeout_ms, err);
	if (status == MSP_OK)
		status = topic_describe(&admin->db, topic, ret_info, err);
	sqlite_db_rollback(&admin->db);
	return status;
}

static enum msp_status admin_group_lag(struct msp_admin *base, const char *group, const char *topic,
                                       const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                       int timeout_ms, struct msp_error *err)
{
	struct sqlite_admin *admin = admin_cast(base);
	enum msp_status status = admin_begin_read(admin, timeout_ms, err);
	if (status == MSP_OK)
		status = sqlite_lag_read(&admin->db, group, topic, until, ret_lag, err);
	sqlite_db_rollback(&admin->db);
	return status;
}

static void admin_free(struct msp_admin *base)
{
	if (!base)
		return;
	struct sqlite_admin *admin = admin_cast(base);
	sqlite_db_close(&admin->db);
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

enum msp_status sqlite_admin_open(struct sqlite_transport *transport, struct msp_admin **ret_admin,
                                  struct msp_error *err)
{
	struct sqlite_admin *admin = calloc(1, sizeof(*admin));
	if (!admin)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for an admin");
	admin->base.ops = &ADMIN_OPS;
	admin->transport = transport;
	*ret_admin = &admin->base;
	return MSP_OK;
}
