/* How long an input waits for its output at 1,000 messages per second: `msp run` with iris beside the raw relay, which
 * adds nothing to what broker and client library take. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_probe.h"
#include "kafka_stream.h"
#include "latency.h"
#include "program.h"

#define MODEL  "iris_model.0.1"
#define ROUNDS 5

struct contestant {
	const char *name, *floor, *guarantee;
	struct stream stream; /* each has its own, so that none works off what another was sent */
	double p50_ms[ROUNDS], p99_ms[ROUNDS];
};

static struct contestant relay = {.name = "relay", .floor = "relay", .guarantee = "at_least_once"};
static struct contestant ours = {.name = "msp", .guarantee = "at_least_once"};
static struct contestant relay_exactly = {.name = "relay_exactly", .floor = "relay", .guarantee = "exactly_once"};
static struct contestant ours_exactly = {.name = "msp_exactly", .guarantee = "exactly_once"};
static struct contestant *const contestants[] = {&relay, &ours, &relay_exactly, &ours_exactly};

#define CONTESTANTS (sizeof(contestants) / sizeof(contestants[0]))

static const char *const *contestant_command(const struct contestant *contestant)
{
	struct program program = {
	    .broker = kafka_broker_as_url(),
	    .stream = &contestant->stream,
	    .group = contestant->stream.prefix,
	    .guarantee = contestant->guarantee,
	};
	struct program_floor floor = {
	    .name = "kafka_floor",
	    .kind = contestant->floor,
	    .manner = contestant->guarantee,
	    .address = kafka_broker_address(),
	    .stream = &contestant->stream,
	    .group = contestant->stream.prefix,
	};
	return contestant->floor ? program_floor_command(&floor) : program_command(&program);
}

static void contestant_run(struct contestant *contestant, int round)
{
	struct latency latency = latency_measure(contestant_command(contestant), &kafka_probe, &contestant->stream);
	contestant->p50_ms[round] = latency.p50_ms;
	contestant->p99_ms[round] = latency.p99_ms;
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
