/* What msp adds to SQLite, beside a bare loop in the same run: the transport alone, by receive and settle without any
 * model; and the whole program with echo and JSON. */
#include "bench.h"
#include "broker.h"
#include "sqlite_bare.h"

#include <msp_transport_sqlite.h>
#include <stdio.h>
#include <unistd.h>

#define MESSAGES         ((size_t)200000)
#define PROGRAM_MESSAGES ((size_t)500000)
#define BATCH            ((size_t)1000)
#define ROUNDS           5
#define ECHO(kind)       "model_stream_processor.echo.1.0." kind
#define PROGRAM_TARGET   0.3

static struct msp_transport *ours_open(const char *synchronous)
{
	const struct msp_property setting = {"synchronous", synchronous};
	return broker_open(&msp_transport_sqlite, "sqlite:ours.db", &setting, 1);
}

/* ---- the transport alone ---- */

static size_t batch_relay(struct msp_consumer *consumer, struct msp_outgoing *outgoing)
{
	static const struct msp_receive_limits limits = {BATCH, 1 << 20, 1000};
	struct msp_batch *batch = NULL;
	bench_must(msp_consumer_receive(consumer, &limits, &batch, NULL) == MSP_OK && batch, "receive");
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i] = (struct msp_outgoing){.message = batch->messages[i]};
	msp_consumer_settle_begin(consumer, batch, outgoing);
	bench_must(msp_consumer_settle_wait(consumer, 1000, NULL) == MSP_SETTLE_OK, "settle");
	size_t count = batch->count;
	msp_consumer_batch_free(consumer, batch);
	return count;
}

static double our_relay_ns(const char *synchronous)
{
	static struct msp_outgoing outgoing[BATCH];
	struct msp_transport *transport = ours_open(synchronous);
	broker_topic_create(transport, "inputs");
	broker_topic_create(transport, "outputs");
	broker_fill(transport, "inputs", SQLITE_BARE_VALUE, MESSAGES);
	struct msp_consumer_config consumer_config = {.inputs = "inputs", .outputs = "outputs", .group = "group"};
	struct msp_consumer *consumer;
	bench_must(msp_transport_consumer_open(transport, &consumer_config, &consumer, NULL) == MSP_OK, "consumer");
	double began_ns = bench_wall_ns();
	for (size_t done = 0; done < MESSAGES;)
		done += batch_relay(consumer, outgoing);
	double took_ns = bench_wall_ns() - began_ns;
	msp_consumer_free(consumer);
	msp_transport_free(transport);
	unlink("ours.db");
	return took_ns;
}

static void compare_transport(const char *synchronous)
{
	double floor_ns[ROUNDS], ours_ns[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		floor_ns[round] = sqlite_bare_relay_ns(synchronous, MESSAGES) / (double)MESSAGES;
		ours_ns[round] = our_relay_ns(synchronous) / (double)MESSAGES;
	}
	char what[96];
	snprintf(what, sizeof(what), "SQLite transport alone, synchronous %s, per message", synchronous);
	double floor_us = bench_median(floor_ns, ROUNDS) / 1000, ours_us = bench_median(ours_ns, ROUNDS) / 1000;
	bench_report(what, floor_us, ours_us, "us", 2, ours_us <= 2.5 || ours_us <= floor_us * 1.5,
	             "<= 2.5 us or 1.5 x the floor");
}

/* ---- the program ---- */

/* From start to end of the process, start-up included. */
static double program_ns(const char *synchronous)
{
	struct msp_transport *transport = ours_open(synchronous);
	broker_topic_create(transport, ECHO("inputs"));
	broker_topic_create(transport, ECHO("outputs"));
	broker_topic_create(transport, ECHO("errors"));
	broker_fill(transport, ECHO("inputs"), SQLITE_BARE_VALUE, PROGRAM_MESSAGES);
	char setting[64];
	snprintf(setting, sizeof(setting), "sqlite.synchronous=%s", synchronous);
	const char *const argv[] = {bench_program(),  "run", "-q",    "-e",   "-b",
	                            "sqlite:ours.db", "-X",  setting, "echo", NULL};
	double took_ns = bench_run(argv, NULL, NULL).wall_ns;
	bench_must(broker_newest(transport, ECHO("outputs")) == (int64_t)PROGRAM_MESSAGES, "answering every message");
	msp_transport_free(transport);
	unlink("ours.db");
	return took_ns;
}

static void compare_program(const char *synchronous)
{
	double floors[ROUNDS], ours[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		floors[round] = (double)PROGRAM_MESSAGES / sqlite_bare_relay_ns(synchronous, PROGRAM_MESSAGES) * 1e6;
		ours[round] = (double)PROGRAM_MESSAGES / program_ns(synchronous) * 1e6;
	}
	char what[96];
	snprintf(what, sizeof(what), "msp run -e, echo and JSON, SQLite %s, messages per second", synchronous);
	double floor_k = bench_median(floors, ROUNDS), ours_k = bench_median(ours, ROUNDS);
	bench_report(what, floor_k, ours_k, "k/s", 0, ours_k >= PROGRAM_TARGET * floor_k, ">= 0.3 x the floor");
}

int main(void)
{
	bench_enter_directory();
	compare_transport("full");
	compare_transport("normal");
	compare_program("full");
	compare_program("normal");
	return 0;
}
