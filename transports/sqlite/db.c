#include "db.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <msp/clock.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MIN_US 200u
#define RETRY_MAX_US 2000u

/* `mode` as access() has it. */
static bool folder_allows(const char *path, int mode)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%.*s/", (int)(strrchr(path, '/') - path), path);
	return access(folder, mode) == 0;
}

/* What somebody must put right is denied, and retriable: it may be put right while a server waits. */
static enum msp_status open_error(const struct sqlite_db *db, const char *path, int cause, bool create,
                                  struct msp_error *err)
{
	struct stat info;
	enum msp_status status = MSP_E_DENIED;
	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		return msp_error_set(err, MSP_E_INVALID, "%s: a folder, not a file", db->name);
	if ((cause == ENOENT || cause == ENOTDIR) && !folder_allows(path, F_OK))
		msp_error_set(err, status, "%s: its folder does not exist", db->name);
	else if (cause == ENOENT && !create)
		status = msp_error_set(err, MSP_E_NOT_FOUND, "%s: no such file; creating a topic makes it", db->name);
	else if (cause == ENOENT && !folder_allows(path, W_OK)) /* SQLite has then tried to open it for reading alone */
		msp_error_set(err, status, "%s: cannot create: %s", db->name, strerror(errno));
	else if (cause == EACCES || cause == EROFS || cause == EPERM)
		msp_error_set(err, status, "%s: cannot open: %s", db->name, strerror(cause));
	else
		status = msp_error_set(err, MSP_E_UNAVAILABLE, "%s: cannot open: %s", db->name, strerror(cause));
	if (err)
		err->retriable = true;
	return status;
}

/* SQLite would make it for everybody to read. What it writes beside the file gets the same mode. What fails here fails
 * again when SQLite opens the file, with a cause. */
static void file_make(const char *path, mode_t mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (fchmod(fd, mode) != 0 || close(fd) != 0)
		return;
}

enum msp_status sqlite_db_open(struct sqlite_db *db, const char *path, bool create, mode_t mode, struct msp_error *err)
{
	*db = (struct sqlite_db){.random = (uint64_t)msp_monotonic_ns() | 1};
	size_t length = strlen(path);
	size_t most = sizeof(db->name) - 1;
	snprintf(db->name, sizeof(db->name), "%s", length > most ? path + length - most : path);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
	if (create)
		file_make(path, mode);
	int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
	if (code == SQLITE_OK)
		return MSP_OK;
	int cause = db->handle ? sqlite3_system_errno(db->handle) : 0;
	enum msp_status status = cause ? open_error(db, path, cause, create, err) : sqlite_db_error(db, code, err);
	sqlite_db_close(db);
	return status;
}

void sqlite_db_close(struct sqlite_db *db)
{
	for (size_t i = 0; i < db->statement_count; i++)
		sqlite3_finalize(db->statements[i].stmt);
	sqlite3_close_v2(db->handle);
	*db = (struct sqlite_db){0};
}

enum msp_status sqlite_db_error(struct sqlite_db *db, int code, struct msp_error *err)
{
	enum msp_status status;
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: locked by another process", db->name);
	case SQLITE_FULL:
		return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: no space left", db->name);
	case SQLITE_CORRUPT:
		return msp_error_set(err, MSP_E_CORRUPT, "%s: the file is damaged", db->name);
	case SQLITE_NOTADB:
		return msp_error_set(err, MSP_E_CORRUPT, "%s: not an SQLite database, or a damaged one", db->name);
	case SQLITE_NOMEM:
		status = msp_error_set(err, MSP_E_NO_MEMORY, "%s: no memory", db->name);
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		status = msp_error_set(err, MSP_E_DENIED, "%s: read-only for this process", db->name);
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: {
		int cause = sqlite3_system_errno(db->handle);
		if (cause == EACCES || cause == EROFS || cause == EPERM) {
			status = msp_error_set(err, MSP_E_DENIED, "%s: %s; SQLite also writes beside the file", db->name,
			                       strerror(cause));
			break;
		}
		return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: %s (%s)", db->name, sqlite3_errstr(code),
		                     cause ? strerror(cause) : "no system error");
	}
	default:
		return msp_error_set(err, MSP_E_INTERNAL, "%s: %s", db->name, sqlite3_errmsg(db->handle));
	}
	if (err)
		err->retriable = true;
	return status;
}

/* ---- statements ---- */

static sqlite3_stmt *statement_get(struct sqlite_db *db, const char *sql, struct msp_error *err)
{
	for (size_t i = 0; i < db->statement_count; i++) {
		if (db->statements[i].sql == sql)
			return db->statements[i].stmt;
	}
	assert(db->statement_count < SQLITE_DB_STATEMENTS_MAX);
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (code != SQLITE_OK) {
		sqlite_db_error(db, code, err);
		return NULL;
	}
	db->statements[db->statement_count++] = (struct sqlite_statement){sql, stmt};
	return stmt;
}

static sqlite3_stmt *statement_bind(struct sqlite_db *db, struct msp_error *err, const char *sql, const char *types,
                                    va_list arguments)
{
	sqlite3_stmt *stmt = statement_get(db, sql, err);
	if (!stmt)
		return NULL;
	int code = SQLITE_OK;
	for (int i = 1; *types && code == SQLITE_OK; i++, types++) {
		assert(*types == 'i' || *types == 's');
		if (*types == 'i')
			code = sqlite3_bind_int64(stmt, i, va_arg(arguments, int64_t));
		else
			code = sqlite3_bind_text(stmt, i, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
	}
	if (code != SQLITE_OK) {
		sqlite_db_error(db, code, err);
		return NULL;
	}
	return stmt;
}

sqlite3_stmt *sqlite_db_query(struct sqlite_db *db, struct msp_error *err, const char *sql, const char *types, ...)
{
	va_list arguments;
	va_start(arguments, types);
	sqlite3_stmt *stmt = statement_bind(db, err, sql, types, arguments);
	va_end(arguments);
	return stmt;
}

enum msp_status sqlite_db_finish(struct sqlite_db *db, sqlite3_stmt *stmt, int code, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		status = sqlite_db_error(db, code, err);
	sqlite3_reset(stmt);
	return status;
}

enum msp_status sqlite_db_run(struct sqlite_db *db, struct msp_error *err, int *ret_changes, const char *sql,
                              const char *types, ...)
{
	va_list arguments;
	va_start(arguments, types);
	struct msp_error local = {.status = MSP_OK};
	sqlite3_stmt *stmt = statement_bind(db, err ? err : &local, sql, types, arguments);
	va_end(arguments);
	if (!stmt)
		return err ? err->status : local.status;
	enum msp_status status = sqlite_db_finish(db, stmt, sqlite3_step(stmt), err);
	if (status == MSP_OK && ret_changes)
		*ret_changes = sqlite3_changes(db->handle);
	return status;
}

enum msp_status sqlite_db_integer(struct sqlite_db *db, struct msp_error *err, int64_t *ret_value, const char *sql,
                                  const char *types, ...)
{
	va_list arguments;
	va_start(arguments, types);
	struct msp_error local = {.status = MSP_OK};
	sqlite3_stmt *stmt = statement_bind(db, err ? err : &local, sql, types, arguments);
	va_end(arguments);
	if (!stmt)
		return err ? err->status : local.status;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(stmt, 0);
	return sqlite_db_finish(db, stmt, code, err);
}

enum msp_status sqlite_db_exec(struct sqlite_db *db, const char *sql, struct msp_error *err)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? MSP_OK : sqlite_db_error(db, code, err);
}

/* ---- transactions ---- */

bool sqlite_db_has_moved(struct sqlite_db *db)
{
	int has_moved = 0;
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
	return has_moved != 0;
}

static enum msp_status moved_error(const struct sqlite_db *db, struct msp_error *err)
{
	return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: the file was deleted or replaced while in use", db->name);
}

enum msp_status sqlite_db_begin_read(struct sqlite_db *db, struct msp_error *err)
{
	if (sqlite_db_has_moved(db))
		return moved_error(db, err);
	return sqlite_db_run(db, err, NULL, "BEGIN", "");
}

/* SQLite's own busy handler waits in steps of up to 100 ms, which is longer than most transactions here. */
void sqlite_db_pause(struct sqlite_db *db)
{
	db->random = db->random * 6364136223846793005u + 1442695040888963407u;
	long us = (long)(RETRY_MIN_US + (db->random >> 33) % (RETRY_MAX_US - RETRY_MIN_US));
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

enum msp_status sqlite_db_begin_write(struct sqlite_db *db, int64_t deadline_ms, struct msp_error *err)
{
	struct msp_error local = {.status = MSP_OK};
	err = err ? err : &local;
	sqlite3_stmt *stmt = sqlite_db_query(db, err, "BEGIN IMMEDIATE", "");
	if (!stmt)
		return err->status;
	if (sqlite_db_has_moved(db))
		return moved_error(db, err);
	for (;;) {
		int code = sqlite3_step(stmt);
		sqlite3_reset(stmt);
		if (code == SQLITE_DONE)
			return MSP_OK;
		if ((code & 0xff) != SQLITE_BUSY || msp_monotonic_ms() >= deadline_ms)
			return sqlite_db_error(db, code, err);
		sqlite_db_pause(db);
	}
}

enum msp_status sqlite_db_commit(struct sqlite_db *db, struct msp_error *err)
{
	enum msp_status status = sqlite_db_run(db, err, NULL, "COMMIT", "");
	if (status != MSP_OK)
		sqlite_db_rollback(db);
	return status;
}

void sqlite_db_rollback(struct sqlite_db *db)
{
	/* Some errors end the transaction by themselves; a rollback that fails leaves nothing to do either. */
	if (db->handle && !sqlite3_get_autocommit(db->handle) && sqlite_db_run(db, NULL, NULL, "ROLLBACK", "") != MSP_OK)
		return;
}

enum msp_status sqlite_db_schema_version(struct sqlite_db *db, int64_t *ret_version, struct msp_error *err)
{
	return sqlite_db_integer(db, err, ret_version, "PRAGMA schema_version", "");
}
