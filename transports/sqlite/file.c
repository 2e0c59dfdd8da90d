#include "file.h"
#include <fcntl.h>
#include <msp/clock.h>
#include <stdio.h>
#include <sys/stat.h>

#define APPLICATION_ID 0x6d737070 /* "mspp" */
#define FILE_VERSION   2

/* Each partition is one table, log_<partitions.id>, that only grows at its end; see topic.c. Ids are never used again,
 * so that a topic which is deleted and created anew is another one to everybody. */
static const char *const SCHEMA =
    "CREATE TABLE topics ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " max_message_bytes INTEGER NOT NULL,"
    " retention_ms INTEGER NOT NULL,"        /* -1: for ever */
    " retention_messages INTEGER NOT NULL);" /* per partition; -1: any number */
    "CREATE TABLE partitions ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " topic_id INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " next_offset INTEGER NOT NULL,"
    " UNIQUE (topic_id, number));"
    /* A consumer group on one topic. The generation grows with whatever may change which member has which partition. */
    "CREATE TABLE consumer_groups ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL,"
    " topic_id INTEGER NOT NULL,"
    " generation INTEGER NOT NULL,"
    " UNIQUE (name, topic_id));"
    /* A live consumer: who it is (msp/process.h) and until when that is believed without renewal. */
    "CREATE TABLE members ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " group_id INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " process TEXT NOT NULL,"
    " expires_ms INTEGER NOT NULL," /* on CLOCK_MONOTONIC, which all processes on this file share */
    " UNIQUE (group_id, name));"
    /* What a group has settled of a partition, and the member that may go on. */
    "CREATE TABLE offsets ("
    " group_id INTEGER NOT NULL,"
    " partition_id INTEGER NOT NULL,"
    " committed INTEGER NOT NULL,"  /* offset of the first message that is not settled */
    " owner INTEGER,"               /* members.id; NULL: free */
    " generation INTEGER NOT NULL," /* grows with each owner */
    " deliveries INTEGER NOT NULL," /* of the message at `committed`, since an owner vanished */
    " PRIMARY KEY (group_id, partition_id)) WITHOUT ROWID;";

enum content { CONTENT_OURS, CONTENT_EMPTY };

static enum msp_status content_identify(struct sqlite_db *db, enum content *ret_content, struct msp_error *err)
{
	int64_t application = 0, version = 0, schema = 0;
	enum msp_status status = sqlite_db_integer(db, err, &application, "PRAGMA application_id", "");
	if (status == MSP_OK)
		status = sqlite_db_integer(db, err, &version, "PRAGMA user_version", "");
	if (status == MSP_OK)
		status = sqlite_db_schema_version(db, &schema, err);
	if (status != MSP_OK)
		return status;
	if (application == 0 && version == 0 && schema == 0) {
		*ret_content = CONTENT_EMPTY;
		return MSP_OK;
	}
	if (application != APPLICATION_ID)
		return msp_error_set(err, MSP_E_UNSUPPORTED, "%s: an SQLite database of another program", db->name);
	if (version != FILE_VERSION)
		return msp_error_set(err, MSP_E_UNSUPPORTED, "%s: file version %lld, this program knows version %d", db->name,
		                     (long long)version, FILE_VERSION);
	*ret_content = CONTENT_OURS;
	return MSP_OK;
}

/* Another process may be doing the same: whoever gets the lock first creates, the other finds it done. */
static enum msp_status content_create(struct sqlite_db *db, int64_t deadline_ms, struct msp_error *err)
{
	sqlite3_stmt *mode = sqlite_db_query(db, err, "PRAGMA journal_mode = WAL", "");
	int code = mode ? sqlite3_step(mode) : SQLITE_ERROR;
	bool is_wal = code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
	enum msp_status status = mode ? sqlite_db_finish(db, mode, code, err) : MSP_E_INTERNAL;
	if (status != MSP_OK)
		return status;
	if (!is_wal)
		return msp_error_set(err, MSP_E_UNSUPPORTED, "%s: this file system cannot share a file in WAL mode", db->name);
	status = sqlite_db_begin_write(db, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	char identity[96];
	snprintf(identity, sizeof(identity), "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID,
	         FILE_VERSION);
	enum content content;
	status = content_identify(db, &content, err);
	if (status == MSP_OK && content == CONTENT_EMPTY)
		status = sqlite_db_exec(db, SCHEMA, err);
	if (status == MSP_OK && content == CONTENT_EMPTY)
		status = sqlite_db_exec(db, identity, err);
	if (status == MSP_OK)
		return sqlite_db_commit(db, err);
	sqlite_db_rollback(db);
	return status;
}

/* The settings that SQLite keeps per connection. */
static enum msp_status connection_setup(struct sqlite_db *db, const struct sqlite_options *options,
                                        struct msp_error *err)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "PRAGMA synchronous = %d; PRAGMA journal_size_limit = 67108864", options->synchronous);
	return sqlite_db_exec(db, sql, err);
}

static enum msp_status connection_prepare(const struct sqlite_file *file, struct sqlite_db *db, bool create,
                                          int64_t deadline_ms, struct msp_error *err)
{
	enum content content;
	enum msp_status status = content_identify(db, &content, err);
	if (status == MSP_OK && content == CONTENT_EMPTY && !create) {
		status = msp_error_set(err, MSP_E_NOT_FOUND, "%s: the file is empty; creating a topic fills it", db->name);
		if (err)
			err->retriable = true;
	}
	if (status == MSP_OK && content == CONTENT_EMPTY)
		status = content_create(db, deadline_ms, err);
	return status == MSP_OK ? connection_setup(db, &file->options, err) : status;
}

/* In the order of the choices of file.mode. */
static const mode_t FILE_MODES[] = {0600, 0640, 0644, 0660, 0664};

enum msp_status sqlite_file_connect(const struct sqlite_file *file, bool create, int64_t deadline_ms,
                                    struct sqlite_db *ret_db, struct msp_error *err)
{
	struct sqlite_db db;
	enum msp_status status = sqlite_db_open(&db, file->path, create, FILE_MODES[file->options.file_mode], err);
	if (status != MSP_OK)
		return status;
	while ((status = connection_prepare(file, &db, create, deadline_ms, err)) == MSP_E_UNAVAILABLE &&
	       msp_monotonic_ms() < deadline_ms)
		sqlite_db_pause(&db);
	if (status == MSP_OK)
		*ret_db = db;
	else
		sqlite_db_close(&db);
	return status;
}

/* A commit shows in the shared memory of the file last of all, where nobody can wait for it; so waiting processes watch
 * the file's times, which nothing else changes. */
void sqlite_file_notify(const struct sqlite_file *file)
{
	(void)utimensat(AT_FDCWD, file->path, NULL, 0);
}
