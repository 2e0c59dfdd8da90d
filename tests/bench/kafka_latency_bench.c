/* How long an input waits for its output at 1,000 messages per second: `msp run` with iris beside the raw relay, which
 * adds nothing to what broker and client library take. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_probe.h"
#include "kafka_program.h"
#include "server.h"

#include <stdio.h>

#define MODEL        "iris_model.0.1"
#define ROUNDS       5
#define PER_SECOND   1000
#define WARM_UP      1000 /* outputs, before */
#define SAMPLES      3000 /* are measured */
#define FIRST_MS     30000
#define DRAIN_MS     1000
#define STALL_MS     10000
#define PERCENTILE99 (SAMPLES * 99 / 100)

struct contestant {
	const char *name, *floor, *guarantee;
	struct kafka_stream stream; /* each has its own, so that none works off what another was sent */
	double p50_ms[ROUNDS], p99_ms[ROUNDS];
};

static struct contestant relay = {.name = "relay", .floor = "relay", .guarantee = "at_least_once"};
static struct contestant ours = {.name = "msp", .guarantee = "at_least_once"};
static struct contestant relay_exactly = {.name = "relay_exactly", .floor = "relay", .guarantee = "exactly_once"};
static struct contestant ours_exactly = {.name = "msp_exactly", .guarantee = "exactly_once"};
static struct contestant *const contestants[] = {&relay, &ours, &relay_exactly, &ours_exactly};

#define CONTESTANTS (sizeof(contestants) / sizeof(contestants[0]))

static pid_t contestant_start(const struct contestant *contestant)
{
	struct kafka_program program = {
	    .stream = &contestant->stream,
	    .group = contestant->stream.prefix,
	    .guarantee = contestant->guarantee,
	};
	return server_start(contestant->floor ? kafka_floor_command(contestant->floor, &program, 0)
	                                      : kafka_program_command(&program));
}

static void contestant_run(struct contestant *contestant, int round)
{
	static double samples[SAMPLES];
	struct kafka_sight sight;
	pid_t server = contestant_start(contestant);
	struct kafka_probe *probe = kafka_probe_start(&contestant->stream, PER_SECOND);
	for (int i = 0; i < WARM_UP; i++)
		bench_must(kafka_probe_next(probe, FIRST_MS, &sight), "seeing the first outputs in time");
	for (int i = 0; i < SAMPLES; i++) {
		bench_must(kafka_probe_next(probe, STALL_MS, &sight), "seeing outputs in time");
		samples[i] = (sight.seen_ns - sight.sent_ns) / 1e6;
	}
	kafka_probe_stop(probe);
	while (kafka_probe_next(probe, DRAIN_MS, &sight))
		continue;
	server_stop(server);
	kafka_probe_free(probe);
	contestant->p50_ms[round] = bench_median(samples, SAMPLES);
	contestant->p99_ms[round] = samples[PERCENTILE99]; /* the median has sorted them */
	fprintf(stderr, "%s, %s: p50 %.2f ms, p99 %.2f ms\n", contestant->name, contestant->guarantee,
	        contestant->p50_ms[round], contestant->p99_ms[round]);
}

static void report(void)
{
	double relay_p50 = bench_median(relay.p50_ms, ROUNDS), ours_p50 = bench_median(ours.p50_ms, ROUNDS);
	double relay_p99 = bench_median(relay.p99_ms, ROUNDS), ours_p99 = bench_median(ours.p99_ms, ROUNDS);
	bench_report("Kafka, 1000 messages/s, at least once, p50 beside the raw relay", relay_p50, ours_p50, "ms", 2,
	             ours_p50 <= relay_p50 + 0.25, "<= the floor + 0.25 ms");
	bench_report("Kafka, 1000 messages/s, at least once, p99 beside the raw relay", relay_p99, ours_p99, "ms", 2,
	             ours_p99 <= relay_p99 + 3, "<= the floor + 3 ms");
	relay_p99 = bench_median(relay_exactly.p99_ms, ROUNDS), ours_p99 = bench_median(ours_exactly.p99_ms, ROUNDS);
	bench_report("Kafka, 1000 messages/s, exactly once, p99 beside the relay in transactions", relay_p99, ours_p99,
	             "ms", 2, ours_p99 <= 2 * relay_p99, "<= 2 x the floor");
}

int main(void)
{
	bench_enter_directory();
	kafka_broker_enter();
	for (size_t i = 0; i < CONTESTANTS; i++)
		kafka_stream_create(&contestants[i]->stream, contestants[i]->name, MODEL, 1);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < CONTESTANTS; i++)
			contestant_run(contestants[i], round);
	report();
	return 0;
}
