/* usage: sqlite_locker FILE MILLISECONDS
 * Holds the write lock of an SQLite file for so long; says "locked" when it has it. */
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCK_MS 10000 /* how long it waits for the lock itself */

static int hold(sqlite3 *db, int milliseconds)
{
	sqlite3_busy_timeout(db, LOCK_MS);
	if (sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "cannot lock: %s\n", sqlite3_errmsg(db));
		return EXIT_FAILURE;
	}
	puts("locked");
	fflush(stdout);
	poll(NULL, 0, milliseconds);
	return sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **arguments)
{
	sqlite3 *db = NULL;
	if (count != 3) {
		fprintf(stderr, "usage: sqlite_locker FILE MILLISECONDS\n");
		return 2;
	}
	if (sqlite3_open_v2(arguments[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		fprintf(stderr, "cannot open %s: %s\n", arguments[1], sqlite3_errmsg(db));
		sqlite3_close(db);
		return EXIT_FAILURE;
	}
	int status = hold(db, (int)strtol(arguments[2], NULL, 10));
	sqlite3_close(db);
	return status;
}
