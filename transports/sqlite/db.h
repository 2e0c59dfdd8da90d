/* One connection to the file: statements, transactions, and SQLite's result codes as statuses. */
#ifndef SQLITE_DB_H
#define SQLITE_DB_H

#include <msp/bytes.h>
#include <sqlite3.h>
#include <stdint.h>
#include <sys/types.h>

#define SQLITE_DB_STATEMENTS_MAX 64

/* A statement that was prepared once; `sql` is a literal and is compared by address. */
struct sqlite_statement {
	const char *sql;
	sqlite3_stmt *stmt;
};

/* Caller storage. [owner thread] */
struct sqlite_db {
	sqlite3 *handle;
	char name[128]; /* the end of the path, for error texts */
	struct sqlite_statement statements[SQLITE_DB_STATEMENTS_MAX];
	size_t statement_count;
	uint64_t random; /* for the jitter of retries */
};

/* Opens the file at `path` for reading and writing (read-only where nothing else is allowed). `create`: makes an empty
 * file of that mode where there is none; otherwise that is MSP_E_NOT_FOUND, retriable. What somebody must allow or make
 * first is MSP_E_DENIED, retriable. Checks nothing about the content. `path` is absolute. */
enum msp_status sqlite_db_open(struct sqlite_db *db, const char *path, bool create, mode_t mode,
                               struct msp_error *err) MSP_NODISCARD;
/* Safe on a zeroed struct. A transaction that is open is rolled back. */
void sqlite_db_close(struct sqlite_db *db);

/* The status of an SQLite result code other than OK, ROW and DONE. Locked, full, read-only and other I/O errors are
 * retriable; a damaged file is MSP_E_CORRUPT and is not. */
enum msp_status sqlite_db_error(struct sqlite_db *db, int code, struct msp_error *err);

/* Prepares `sql` (a literal; cached) and binds `types`: 'i' int64_t, 's' const char * (NULL: NULL). NULL: failed, and
 * `err` says why. The caller steps it and ends with sqlite_db_finish. */
sqlite3_stmt *sqlite_db_query(struct sqlite_db *db, struct msp_error *err, const char *sql, const char *types, ...);
/* Resets a statement after its last step, which answered `code`. */
enum msp_status sqlite_db_finish(struct sqlite_db *db, sqlite3_stmt *stmt, int code, struct msp_error *err);
/* Runs a statement that has no rows. *ret_changes may be NULL. */
enum msp_status sqlite_db_run(struct sqlite_db *db, struct msp_error *err, int *ret_changes, const char *sql,
                              const char *types, ...) MSP_NODISCARD;
/* Runs a query that has at most one row of one integer; no row leaves *ret_value as it was. */
enum msp_status sqlite_db_integer(struct sqlite_db *db, struct msp_error *err, int64_t *ret_value, const char *sql,
                                  const char *types, ...) MSP_NODISCARD;
/* Runs any SQL, uncached. */
enum msp_status sqlite_db_exec(struct sqlite_db *db, const char *sql, struct msp_error *err) MSP_NODISCARD;

/* True when the file that is open is not at its path any more: nobody would find what is written there. [owner thread]
 */
bool sqlite_db_has_moved(struct sqlite_db *db);
/* Begins a transaction that sees one state of the file. MSP_E_UNAVAILABLE when sqlite_db_has_moved. */
enum msp_status sqlite_db_begin_read(struct sqlite_db *db, struct msp_error *err) MSP_NODISCARD;
/* Begins a transaction that holds the file's one write lock. Tries at least once, and again in short steps until
 * `deadline_ms` (of msp_monotonic_ms); then MSP_E_UNAVAILABLE. The same when sqlite_db_has_moved. */
enum msp_status sqlite_db_begin_write(struct sqlite_db *db, int64_t deadline_ms, struct msp_error *err) MSP_NODISCARD;
/* Sleeps for a short, random time before the next try for a lock. */
void sqlite_db_pause(struct sqlite_db *db);
/* Commits, or rolls back when that fails. */
enum msp_status sqlite_db_commit(struct sqlite_db *db, struct msp_error *err) MSP_NODISCARD;
/* Ends a transaction, if there is one, without a trace. */
void sqlite_db_rollback(struct sqlite_db *db);

/* A number that changes whenever a table comes or goes, that is with every topic created or deleted. */
enum msp_status sqlite_db_schema_version(struct sqlite_db *db, int64_t *ret_version,
                                         struct msp_error *err) MSP_NODISCARD;

#endif
