/* Fault points in the transaction that settles a batch: amid_publish, before_commit, amid_commit, after_commit. Loaded
 * with LD_PRELOAD, it stands before SQLite and before the writes that SQLite makes. */
#include "fault_point.h"

#include <dlfcn.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#define INTERPOSED __attribute__((visibility("default")))

static _Thread_local bool publishes; /* this thread's transaction has inserted messages */
static _Thread_local bool commits;

static void next_find(const char *name, void *ret_function)
{
	void *function = dlsym(RTLD_NEXT, name);
	if (!function) {
		fprintf(stderr, "no function %s to stand before\n", name);
		abort();
	}
	memcpy(ret_function, &function, sizeof(function));
}

static int step(sqlite3_stmt *statement)
{
	int (*next)(sqlite3_stmt *);
	next_find("sqlite3_step", &next);
	return next(statement);
}

static int step_commit(sqlite3_stmt *statement)
{
	fault_point("before_commit");
	commits = true;
	int code = step(statement);
	commits = publishes = false;
	if (code == SQLITE_DONE)
		fault_point("after_commit");
	return code;
}

INTERPOSED int sqlite3_step(sqlite3_stmt *statement)
{
	const char *sql = sqlite3_sql(statement);
	if (!sql) /* one of SQLite's own */
		return step(statement);
	if (strncmp(sql, "INSERT INTO log_", strlen("INSERT INTO log_")) == 0) {
		publishes = true;
		fault_point("amid_publish");
	}
	if (strcmp(sql, "COMMIT") == 0 && publishes)
		return step_commit(statement);
	if (strcmp(sql, "ROLLBACK") == 0)
		publishes = false;
	return step(statement);
}

INTERPOSED ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset)
{
	ssize_t (*next)(int, const void *, size_t, off64_t);
	next_find("pwrite64", &next);
	if (commits)
		fault_point("amid_commit");
	return next(descriptor, bytes, size, offset);
}
