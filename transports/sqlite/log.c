#include "log.h"
#include "headers.h"
#include <stdio.h>
#include <stdlib.h>

/* Memory that a page keeps between two uses. */
#define PAGE_KEEP_BYTES    ((size_t)4 << 20)
#define PAGE_KEEP_MESSAGES 16384u
#define PAGE_MIN_MESSAGES  64u

void lite_page_init(struct lite_page *page)
{
	*page = (struct lite_page){0};
	msp_arena_init(&page->arena, SIZE_MAX);
}

void lite_page_done(struct lite_page *page)
{
	msp_arena_done(&page->arena);
	free(page->messages);
	*page = (struct lite_page){0};
}

void lite_page_reset(struct lite_page *page)
{
	msp_arena_reset(&page->arena, PAGE_KEEP_BYTES);
	page->count = 0;
	page->bytes = 0;
	if (page->capacity > PAGE_KEEP_MESSAGES) {
		free(page->messages);
		page->messages = NULL;
		page->capacity = 0;
	}
}

static struct msp_message *page_add(struct lite_page *page)
{
	if (page->count == page->capacity) {
		size_t capacity = page->capacity ? page->capacity * 2 : PAGE_MIN_MESSAGES;
		struct msp_message *messages = realloc(page->messages, capacity * sizeof(*messages));
		if (!messages)
			return NULL;
		page->messages = messages;
		page->capacity = capacity;
	}
	return &page->messages[page->count];
}

/* ---- statements: a log is a table of its own, so its name is part of the SQL ---- */

static enum msp_status statement_make(struct lite_db *db, sqlite3_stmt **stmt, const char *format, int64_t id,
                                      struct msp_error *err)
{
	if (*stmt)
		return MSP_OK;
	char *sql = sqlite3_mprintf(format, (long long)id);
	int code = sql ? sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return code == SQLITE_OK ? MSP_OK : lite_db_error(db, code, err);
}

/* A statement that is used now and then, with up to two numbers to bind and one number as its answer. */
static enum msp_status statement_run(struct lite_db *db, const char *format, int64_t id, const int64_t numbers[],
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
		status = lite_db_finish(db, stmt, code, err);
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

/* Copies the row into the page. */
static enum msp_status row_take(sqlite3_stmt *stmt, const char *topic, const struct lite_partition *partition,
                                struct lite_page *page)
{
	struct msp_bytes key = column_bytes(stmt, COLUMN_KEY);
	struct msp_bytes value = column_bytes(stmt, COLUMN_VALUE);
	struct msp_bytes headers = column_bytes(stmt, COLUMN_HEADERS);
	struct msp_message *message = page_add(page);
	char *memory = msp_arena_alloc(&page->arena, key.size + value.size + headers.size);
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
		enum msp_status status =
		    lite_headers_decode(bytes_place(&memory, headers), &page->arena, &message->headers, &message->header_count);
		if (status != MSP_OK)
			return status;
	}
	page->count++;
	return MSP_OK;
}

static size_t row_size(sqlite3_stmt *stmt)
{
	return (size_t)sqlite3_column_bytes(stmt, COLUMN_KEY) + (size_t)sqlite3_column_bytes(stmt, COLUMN_VALUE) +
	       (size_t)sqlite3_column_bytes(stmt, COLUMN_HEADERS);
}

static bool row_is_after(sqlite3_stmt *stmt, const struct lite_range *range)
{
	return sqlite3_column_int64(stmt, COLUMN_OFFSET) >= range->end ||
	       (range->end_timestamp_ms != MSP_TIMESTAMP_NONE &&
	        sqlite3_column_int64(stmt, COLUMN_TIMESTAMP) >= range->end_timestamp_ms);
}

static enum msp_status row_error(struct lite_db *db, const char *topic, sqlite3_stmt *stmt, enum msp_status status,
                                 struct msp_error *err)
{
	if (status == MSP_E_CORRUPT)
		return msp_error_set(err, status, "%s: damaged headers in topic %s at offset %lld", db->name, topic,
		                     (long long)sqlite3_column_int64(stmt, COLUMN_OFFSET));
	return lite_db_error(db, SQLITE_NOMEM, err);
}

enum msp_status lite_log_read(struct lite_db *db, const char *topic, struct lite_partition *partition,
                              struct lite_range *range, struct lite_page *page, bool *ret_ended, struct msp_error *err)
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
	while (!*ret_ended && page->count < range->max_messages && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		*ret_ended = row_is_after(stmt, range);
		size_t size = row_size(stmt);
		if (*ret_ended || (page->count > 0 && page->bytes + size > range->max_bytes))
			break;
		status = row_take(stmt, topic, partition, page);
		if (status != MSP_OK) {
			row_error(db, topic, stmt, status, err);
			sqlite3_reset(stmt);
			return status;
		}
		page->bytes += size;
		range->position = page->messages[page->count - 1].offset + 1;
		*ret_ended = range->position >= range->end;
	}
	/* An end is never past the next offset: what was still before it has been deleted. */
	if (code == SQLITE_DONE && range->end != INT64_MAX)
		*ret_ended = true;
	return lite_db_finish(db, stmt, code, err);
}

enum msp_status lite_log_oldest(struct lite_db *db, int64_t partition_id, int64_t next_offset, int64_t *ret_oldest,
                                struct msp_error *err)
{
	*ret_oldest = next_offset;
	return statement_run(db, "SELECT min(offset) FROM log_%lld", partition_id, NULL, 0, ret_oldest, err);
}

enum msp_status lite_log_find_timestamp(struct lite_db *db, int64_t partition_id, int64_t position,
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

enum msp_status lite_log_append(struct lite_db *db, struct lite_partition *partition, int64_t offset,
                                const struct msp_message *message, struct msp_buffer *scratch, struct msp_error *err)
{
	static const char sql[] = "INSERT INTO log_%lld (offset, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?)";
	enum msp_status status = statement_make(db, &partition->append, sql, partition->id, err);
	if (status != MSP_OK)
		return status;
	struct msp_bytes headers = MSP_BYTES_ABSENT;
	if (message->header_count > 0) {
		if (lite_headers_encode(message->headers, message->header_count, scratch) != MSP_OK)
			return lite_db_error(db, SQLITE_NOMEM, err);
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
		return lite_db_error(db, code, err);
	return lite_db_finish(db, stmt, sqlite3_step(stmt), err);
}

enum msp_status lite_log_prune(struct lite_db *db, int64_t partition_id, int64_t offset, struct msp_error *err)
{
	int64_t unused;
	return statement_run(db, "DELETE FROM log_%lld WHERE offset < ?", partition_id, &offset, 1, &unused, err);
}
