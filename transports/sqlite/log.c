#include "log.h"
#include "headers.h"
#include <stdio.h>
#include <stdlib.h>

/* Memory that a records keeps between two uses. */
#define RECORDS_KEEP_BYTES    ((size_t)4 << 20)
#define RECORDS_KEEP_MESSAGES 16384u
#define RECORDS_MIN_MESSAGES  64u

void sqlite_records_init(struct sqlite_records *records)
{
	*records = (struct sqlite_records){0};
	msp_arena_init(&records->arena, SIZE_MAX);
}

void sqlite_records_done(struct sqlite_records *records)
{
	msp_arena_done(&records->arena);
	free(records->messages);
	*records = (struct sqlite_records){0};
}

void sqlite_records_reset(struct sqlite_records *records)
{
	msp_arena_reset(&records->arena, RECORDS_KEEP_BYTES);
	records->count = 0;
	records->bytes = 0;
	if (records->capacity > RECORDS_KEEP_MESSAGES) {
		free(records->messages);
		records->messages = NULL;
		records->capacity = 0;
	}
}

static struct msp_message *records_add(struct sqlite_records *records)
{
	if (records->count == records->capacity) {
		size_t capacity = records->capacity ? records->capacity * 2 : RECORDS_MIN_MESSAGES;
		struct msp_message *messages = realloc(records->messages, capacity * sizeof(*messages));
		if (!messages)
			return NULL;
		records->messages = messages;
		records->capacity = capacity;
	}
	return &records->messages[records->count];
}

/* ---- statements: a log is a table of its own, so its name is part of the SQL ---- */

static enum msp_status statement_make(struct sqlite_db *db, sqlite3_stmt **stmt, const char *format, int64_t id,
                                      struct msp_error *err)
{
	if (*stmt)
		return MSP_OK;
	char *sql = sqlite3_mprintf(format, (long long)id);
	int code = sql ? sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return code == SQLITE_OK ? MSP_OK : sqlite_db_error(db, code, err);
}

/* A statement that is used now and then, with up to two numbers to bind and one number as its answer. */
static enum msp_status statement_run(struct sqlite_db *db, const char *format, int64_t id, const int64_t numbers[],
                                     int count, int64_t *ret_answer, struct msp_error *err)
{
	sqlite3_stmt *stmt = NULL;
	enum msp_status status = statement_make(db, &stmt, format, id, err);
	for (int i = 0; i < count && status == MSP_OK; i++)
		sqlite3_bind_int64(stmt, i + 1, numbers[i]);
	if (status == MSP_OK) {
		int code = sqlite3_step(stmt);
		if (code == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
			*ret_answer = sqlite3_column_int64(stmt, 0);
		status = sqlite_db_finish(db, stmt, code, err);
	}
	sqlite3_finalize(stmt);
	return status;
}

/* ---- reading ---- */

enum column { COLUMN_OFFSET, COLUMN_TIMESTAMP, COLUMN_KEY, COLUMN_VALUE, COLUMN_HEADERS };

static struct msp_bytes column_bytes(sqlite3_stmt *stmt, enum column column)
{
	if (sqlite3_column_type(stmt, (int)column) == SQLITE_NULL)
		return MSP_BYTES_ABSENT;
	const void *data = sqlite3_column_blob(stmt, (int)column); /* before its size, see sqlite3_column_blob */
	return msp_bytes_of(data ? data : "", (size_t)sqlite3_column_bytes(stmt, (int)column));
}

static struct msp_bytes bytes_place(char **memory, struct msp_bytes bytes)
{
	if (!bytes.data)
		return bytes;
	char *copy = *memory;
	memcpy(copy, bytes.data, bytes.size);
	*memory += bytes.size;
	return msp_bytes_of(copy, bytes.size);
}

/* Copies the row into the records. */
static enum msp_status row_take(sqlite3_stmt *stmt, const char *topic, const struct sqlite_partition *partition,
                                struct sqlite_records *records)
{
	struct msp_bytes key = column_bytes(stmt, COLUMN_KEY);
	struct msp_bytes value = column_bytes(stmt, COLUMN_VALUE);
	struct msp_bytes headers = column_bytes(stmt, COLUMN_HEADERS);
	struct msp_message *message = records_add(records);
	char *memory = msp_arena_alloc(&records->arena, key.size + value.size + headers.size);
	if (!message || !memory)
		return MSP_E_NO_MEMORY;
	*message = (struct msp_message){
	    .key = bytes_place(&memory, key),
	    .value = bytes_place(&memory, value),
	    .timestamp_ms = sqlite3_column_int64(stmt, COLUMN_TIMESTAMP),
	    .topic = topic,
	    .partition = partition->number,
	    .offset = sqlite3_column_int64(stmt, COLUMN_OFFSET),
	    .attempts = 1,
	};
	if (headers.data) {
		enum msp_status status = sqlite_headers_decode(bytes_place(&memory, headers), &records->arena,
		                                               &message->headers, &message->header_count);
		if (status != MSP_OK)
			return status;
	}
	records->count++;
	return MSP_OK;
}

static size_t row_size(sqlite3_stmt *stmt)
{
	return (size_t)sqlite3_column_bytes(stmt, COLUMN_KEY) + (size_t)sqlite3_column_bytes(stmt, COLUMN_VALUE) +
	       (size_t)sqlite3_column_bytes(stmt, COLUMN_HEADERS);
}

static bool row_is_after(sqlite3_stmt *stmt, const struct sqlite_range *range)
{
	return sqlite3_column_int64(stmt, COLUMN_OFFSET) >= range->end ||
	       (range->end_timestamp_ms != MSP_TIMESTAMP_NONE &&
	        sqlite3_column_int64(stmt, COLUMN_TIMESTAMP) >= range->end_timestamp_ms);
}

static enum msp_status row_error(struct sqlite_db *db, const char *topic, sqlite3_stmt *stmt, enum msp_status status,
                                 struct msp_error *err)
{
	if (status == MSP_E_CORRUPT)
		return msp_error_set(err, status, "%s: damaged headers in topic %s at offset %lld", db->name, topic,
		                     (long long)sqlite3_column_int64(stmt, COLUMN_OFFSET));
	return sqlite_db_error(db, SQLITE_NOMEM, err);
}

enum msp_status sqlite_log_read(struct sqlite_db *db, const char *topic, struct sqlite_partition *partition,
                                struct sqlite_range *range, struct sqlite_records *records, bool *ret_ended,
                                struct msp_error *err)
{
	static const char sql[] =
	    "SELECT offset, timestamp, key, value, headers FROM log_%lld WHERE offset >= ? ORDER BY offset";
	enum msp_status status = statement_make(db, &partition->read, sql, partition->id, err);
	if (status != MSP_OK)
		return status;
	sqlite3_stmt *stmt = partition->read;
	sqlite3_bind_int64(stmt, 1, range->position);
	int code = SQLITE_ROW;
	*ret_ended = range->position >= range->end;
	while (!*ret_ended && records->count < range->max_messages && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		*ret_ended = row_is_after(stmt, range);
		size_t size = row_size(stmt);
		if (*ret_ended || (records->count > 0 && records->bytes + size > range->max_bytes))
			break;
		status = row_take(stmt, topic, partition, records);
		if (status != MSP_OK) {
			row_error(db, topic, stmt, status, err);
			sqlite3_reset(stmt);
			return status;
		}
		records->bytes += size;
		range->position = records->messages[records->count - 1].offset + 1;
		*ret_ended = range->position >= range->end;
	}
	/* An end is never past the next offset: what was still before it has been deleted. */
	if (code == SQLITE_DONE && range->end != INT64_MAX)
		*ret_ended = true;
	return sqlite_db_finish(db, stmt, code, err);
}

enum msp_status sqlite_log_oldest(struct sqlite_db *db, int64_t partition_id, int64_t next_offset, int64_t *ret_oldest,
                                  struct msp_error *err)
{
	*ret_oldest = next_offset;
	return statement_run(db, "SELECT min(offset) FROM log_%lld", partition_id, NULL, 0, ret_oldest, err);
}

enum msp_status sqlite_log_bounds(struct sqlite_db *db, int64_t partition_id, struct sqlite_bounds *ret_bounds,
                                  struct msp_error *err)
{
	*ret_bounds = (struct sqlite_bounds){0};
	enum msp_status status = sqlite_db_integer(db, err, &ret_bounds->next,
	                                           "SELECT next_offset FROM partitions WHERE id = ?", "i", partition_id);
	if (status != MSP_OK)
		return status;
	return sqlite_log_oldest(db, partition_id, ret_bounds->next, &ret_bounds->oldest, err);
}

enum msp_status sqlite_log_timestamp(struct sqlite_db *db, int64_t partition_id, int64_t offset,
                                     int64_t *ret_timestamp_ms, struct msp_error *err)
{
	return statement_run(db, "SELECT timestamp FROM log_%lld WHERE offset >= ? ORDER BY offset LIMIT 1", partition_id,
	                     &offset, 1, ret_timestamp_ms, err);
}

enum msp_status sqlite_log_find_timestamp(struct sqlite_db *db, int64_t partition_id, int64_t position,
                                          int64_t timestamp_ms, int64_t next_offset, int64_t *ret_offset,
                                          struct msp_error *err)
{
	*ret_offset = next_offset;
	return statement_run(db, "SELECT offset FROM log_%lld WHERE offset >= ? AND timestamp >= ? ORDER BY offset LIMIT 1",
	                     partition_id, (int64_t[]){position, timestamp_ms}, 2, ret_offset, err);
}

/* ---- writing ---- */

static int bind_bytes(sqlite3_stmt *stmt, enum column column, struct msp_bytes bytes)
{
	/* A NULL pointer binds NULL. */
	return sqlite3_bind_blob64(stmt, (int)column + 1, bytes.data, bytes.size, SQLITE_STATIC);
}

enum msp_status sqlite_log_append(struct sqlite_db *db, struct sqlite_partition *partition, int64_t offset,
                                  const struct msp_message *message, struct msp_buffer *scratch, struct msp_error *err)
{
	static const char sql[] = "INSERT INTO log_%lld (offset, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?)";
	enum msp_status status = statement_make(db, &partition->append, sql, partition->id, err);
	if (status != MSP_OK)
		return status;
	struct msp_bytes headers = MSP_BYTES_ABSENT;
	if (message->header_count > 0) {
		if (sqlite_headers_encode(message->headers, message->header_count, scratch) != MSP_OK)
			return sqlite_db_error(db, SQLITE_NOMEM, err);
		headers = msp_buffer_bytes(scratch);
	}
	sqlite3_stmt *stmt = partition->append;
	sqlite3_bind_int64(stmt, COLUMN_OFFSET + 1, offset);
	sqlite3_bind_int64(stmt, COLUMN_TIMESTAMP + 1, message->timestamp_ms);
	int code = bind_bytes(stmt, COLUMN_KEY, message->key);
	if (code == SQLITE_OK)
		code = bind_bytes(stmt, COLUMN_VALUE, message->value);
	if (code == SQLITE_OK)
		code = bind_bytes(stmt, COLUMN_HEADERS, headers);
	if (code != SQLITE_OK)
		return sqlite_db_error(db, code, err);
	return sqlite_db_finish(db, stmt, sqlite3_step(stmt), err);
}

enum msp_status sqlite_log_prune(struct sqlite_db *db, int64_t partition_id, int64_t offset, struct msp_error *err)
{
	int64_t unused;
	return statement_run(db, "DELETE FROM log_%lld WHERE offset < ?", partition_id, &offset, 1, &unused, err);
}
