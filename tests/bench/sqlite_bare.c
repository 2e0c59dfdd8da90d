#include "sqlite_bare.h"

#include "bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define BATCH ((size_t)1000)

static void sql(sqlite3 *db, const char *text)
{
	bench_must(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, text);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt;
	bench_must(sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK, text);
	return stmt;
}

static sqlite3 *bare_open(const char *synchronous, size_t messages)
{
	sqlite3 *db;
	bench_must(sqlite3_open("bare.db", &db) == SQLITE_OK, "open");
	sql(db, "PRAGMA journal_mode = WAL");
	char pragma[64];
	snprintf(pragma, sizeof(pragma), "PRAGMA synchronous = %s", synchronous);
	sql(db, pragma);
	sql(db, "CREATE TABLE inputs (offset INTEGER PRIMARY KEY, timestamp INTEGER, key BLOB, value BLOB, headers BLOB);"
	        "CREATE TABLE outputs (offset INTEGER PRIMARY KEY, timestamp INTEGER, key BLOB, value BLOB, headers BLOB);"
	        "CREATE TABLE mark (committed INTEGER); INSERT INTO mark VALUES (0)");
	sqlite3_stmt *insert = prepare(db, "INSERT INTO inputs VALUES (?, 1, NULL, ?, NULL)");
	sql(db, "BEGIN");
	for (size_t i = 0; i < messages; i++) {
		sqlite3_bind_int64(insert, 1, (sqlite3_int64)i);
		sqlite3_bind_blob(insert, 2, SQLITE_BARE_VALUE, sizeof(SQLITE_BARE_VALUE) - 1, SQLITE_STATIC);
		bench_must(sqlite3_step(insert) == SQLITE_DONE, "insert");
		sqlite3_reset(insert);
	}
	sql(db, "COMMIT");
	sqlite3_finalize(insert);
	return db;
}

static size_t bare_batch(sqlite3_stmt *read, sqlite3_stmt *insert, size_t position)
{
	size_t count = 0;
	sqlite3_bind_int64(read, 1, (sqlite3_int64)position);
	for (; count < BATCH && sqlite3_step(read) == SQLITE_ROW; count++) {
		sqlite3_bind_int64(insert, 1, sqlite3_column_int64(read, 0));
		sqlite3_bind_int64(insert, 2, sqlite3_column_int64(read, 1));
		sqlite3_bind_blob(insert, 3, sqlite3_column_blob(read, 3), sqlite3_column_bytes(read, 3), SQLITE_STATIC);
		bench_must(sqlite3_step(insert) == SQLITE_DONE, "insert");
		sqlite3_reset(insert);
	}
	sqlite3_reset(read);
	return count;
}

double sqlite_bare_relay_ns(const char *synchronous, size_t messages)
{
	sqlite3 *db = bare_open(synchronous, messages);
	sqlite3_stmt *read = prepare(db, "SELECT * FROM inputs WHERE offset >= ? ORDER BY offset");
	sqlite3_stmt *insert = prepare(db, "INSERT INTO outputs VALUES (?, ?, NULL, ?, NULL)");
	double began_ns = bench_wall_ns();
	for (size_t position = 0; position < messages;) {
		sql(db, "BEGIN IMMEDIATE");
		position += bare_batch(read, insert, position);
		sql(db, "UPDATE mark SET committed = committed + 1000");
		sql(db, "COMMIT");
	}
	double took_ns = bench_wall_ns() - began_ns;
	sqlite3_finalize(read);
	sqlite3_finalize(insert);
	sqlite3_close(db);
	unlink("bare.db");
	return took_ns;
}
