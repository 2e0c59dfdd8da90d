/* What the SQLite transport adds to SQLite: messages relayed per second by receive and settle, without any model,
 * beside a bare loop that reads rows from one table and inserts them into another, a batch per transaction. */
#include "bench.h"
#include <msp_transport_sqlite.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES ((size_t)200000)
#define BATCH    ((size_t)1000)
#define ROUNDS   5
/* The topics of the model echo. */
#define TOPIC(kind) "model_stream_processor.echo.1.0." kind
#define INPUTS      TOPIC("inputs")
#define OUTPUTS     TOPIC("outputs")
#define ERRORS      TOPIC("errors")
#define VALUE       "{\"sepal_length\": 5.1, \"sepal_width\": 3.5, \"petal_length\": 1.4, \"petal_width\": 0.2}"

/* ---- the floor ---- */

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

static sqlite3 *bare_open(const char *synchronous)
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
	for (size_t i = 0; i < MESSAGES; i++) {
		sqlite3_bind_int64(insert, 1, (sqlite3_int64)i);
		sqlite3_bind_blob(insert, 2, VALUE, sizeof(VALUE) - 1, SQLITE_STATIC);
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

static double bare_relay(const char *synchronous)
{
	sqlite3 *db = bare_open(synchronous);
	sqlite3_stmt *read = prepare(db, "SELECT * FROM inputs WHERE offset >= ? ORDER BY offset");
	sqlite3_stmt *insert = prepare(db, "INSERT INTO outputs VALUES (?, ?, NULL, ?, NULL)");
	double began_ns = bench_wall_ns();
	for (size_t position = 0; position < MESSAGES;) {
		sql(db, "BEGIN IMMEDIATE");
		position += bare_batch(read, insert, position);
		sql(db, "UPDATE mark SET committed = committed + 1000");
		sql(db, "COMMIT");
	}
	double took_ns = bench_wall_ns() - began_ns;
	sqlite3_finalize(read);
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return took_ns;
}

/* ---- ours ---- */

static void topic_create(struct msp_transport *transport, const char *name)
{
	struct msp_admin *admin;
	bench_must(transport->ops->admin_open(transport, &admin, NULL) == MSP_OK, "admin");
	struct msp_topic_spec spec = {.name = name, .partitions = 1};
	bench_must(admin->ops->topic_create(admin, &spec, 1000, NULL) == MSP_OK, "topic");
	admin->ops->free(admin);
}

static void inputs_send(struct msp_transport *transport)
{
	static struct msp_outgoing outgoing[BATCH];
	struct msp_producer *producer;
	bench_must(transport->ops->producer_open(transport, &producer, NULL) == MSP_OK, "producer");
	for (size_t sent = 0; sent < MESSAGES; sent += BATCH) {
		for (size_t i = 0; i < BATCH; i++)
			outgoing[i] = (struct msp_outgoing){
			    .message = {.value = MSP_BYTES_LITERAL(VALUE), .timestamp_ms = MSP_TIMESTAMP_NONE}};
		bench_must(producer->ops->send(producer, INPUTS, outgoing, BATCH, 1000, NULL) == MSP_OK, "send");
	}
	producer->ops->free(producer);
}

static size_t batch_relay(struct msp_consumer *consumer, struct msp_outgoing *outgoing)
{
	static const struct msp_receive_limits limits = {BATCH, 1 << 20, 1000};
	struct msp_batch *batch = NULL;
	bench_must(consumer->ops->receive(consumer, &limits, &batch, NULL) == MSP_OK && batch, "receive");
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i] = (struct msp_outgoing){.message = batch->messages[i]};
	consumer->ops->settle_begin(consumer, batch, outgoing);
	bench_must(consumer->ops->settle_wait(consumer, 1000, NULL) == MSP_SETTLE_OK, "settle");
	size_t count = batch->count;
	consumer->ops->batch_free(consumer, batch);
	return count;
}

static struct msp_transport *transport_open(void *options)
{
	struct msp_transport_config config = {.url = "sqlite:ours.db", .options = options};
	struct msp_transport *transport;
	bench_must(msp_transport_sqlite.open(&config, &transport, NULL) == MSP_OK, "transport");
	return transport;
}

static double transport_relay(struct msp_transport *transport)
{
	static struct msp_outgoing outgoing[BATCH];
	struct msp_consumer_config config = {.inputs = INPUTS, .outputs = OUTPUTS, .group = "group"};
	struct msp_consumer *consumer;
	bench_must(transport->ops->consumer_open(transport, &config, &consumer, NULL) == MSP_OK, "consumer");
	double began_ns = bench_wall_ns();
	for (size_t done = 0; done < MESSAGES;)
		done += batch_relay(consumer, outgoing);
	double took_ns = bench_wall_ns() - began_ns;
	consumer->ops->free(consumer);
	return took_ns;
}

static double program_relay(const char *synchronous)
{
	char setting[64];
	snprintf(setting, sizeof(setting), "sqlite.synchronous=%s", synchronous);
	const char *const argv[] = {bench_program(),  "run", "-e",    "-q",   "-b",
	                            "sqlite:ours.db", "-X",  setting, "echo", NULL};
	return bench_run(argv, NULL, NULL).wall_ns;
}

/* The same inputs through the transport, or through the whole program. */
static double our_relay(const char *synchronous, bool whole_program)
{
	const struct msp_option_table *table = msp_transport_sqlite.options;
	void *options = calloc(1, table->struct_size);
	bench_must(options && msp_options_init(table, options, NULL) == MSP_OK, "options");
	bench_must(msp_option_set(msp_option_find(table, "synchronous"), options, synchronous, NULL) == MSP_OK, "option");
	struct msp_transport *transport = transport_open(options);
	topic_create(transport, INPUTS);
	topic_create(transport, OUTPUTS);
	topic_create(transport, ERRORS);
	inputs_send(transport);
	double took_ns = whole_program ? program_relay(synchronous) : transport_relay(transport);
	transport->ops->free(transport);
	msp_options_done(table, options);
	free(options);
	return took_ns;
}

static double thousands_per_second(double took_ns)
{
	return (double)MESSAGES / took_ns * 1e6;
}

static void compare(const char *synchronous)
{
	double floor_ns[ROUNDS], transport_ns[ROUNDS], program_ns[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		floor_ns[round] = bare_relay(synchronous);
		unlink("bare.db");
		transport_ns[round] = our_relay(synchronous, false);
		unlink("ours.db");
		program_ns[round] = our_relay(synchronous, true);
		unlink("ours.db");
	}
	double floor = thousands_per_second(bench_median(floor_ns, ROUNDS));
	double transport = thousands_per_second(bench_median(transport_ns, ROUNDS));
	double program = thousands_per_second(bench_median(program_ns, ROUNDS));
	char what[96];
	snprintf(what, sizeof(what), "SQLite transport alone, synchronous %s, messages per second", synchronous);
	bench_report(what, floor, transport, "k/s", 0, transport >= 0.6 * floor, ">= 0.6 x the floor");
	snprintf(what, sizeof(what), "msp run -e, echo and JSON, synchronous %s, messages per second", synchronous);
	bench_report(what, floor, program, "k/s", 0, program >= 0.3 * floor, ">= 0.3 x the floor");
}

int main(void)
{
	bench_enter_directory();
	compare("full");
	compare("normal");
	return 0;
}
