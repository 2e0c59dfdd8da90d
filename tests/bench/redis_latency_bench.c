/* How long an input waits for its output at 1,000 messages per second: `msp run` with iris beside the raw relay, which
 * adds nothing to what server and client library take. */
#include "bench.h"
#include "latency.h"
#include "program.h"
#include "redis_probe.h"
#include "redis_stream.h"

#define MODEL  "iris_model.0.1"
#define ROUNDS 3

struct contestant {
	const char *name, *floor, *guarantee;
	struct stream stream; /* each has its own, so that none works off what another was sent */
	double p50_ms[ROUNDS], p99_ms[ROUNDS];
};

static struct contestant relay = {.name = "relay", .floor = "relay"};
static struct contestant ours = {.name = "msp", .guarantee = "at_least_once"};
static struct contestant ours_exactly = {.name = "msp_exactly", .guarantee = "exactly_once"};
static struct contestant *const contestants[] = {&relay, &ours, &ours_exactly};

#define CONTESTANTS (sizeof(contestants) / sizeof(contestants[0]))

static void contestant_run(struct contestant *contestant, int round)
{
	redis_stream_create(&contestant->stream, contestant->name, MODEL);
	const char *group = redis_stream_rewind(&contestant->stream);
	struct program program = {
	    .broker = redis_stream_url(),
	    .stream = &contestant->stream,
	    .group = group,
	    .guarantee = contestant->guarantee,
	};
	struct program_floor floor = {
	    .name = "redis_floor",
	    .kind = contestant->floor,
	    .manner = "1",
	    .address = redis_stream_port(),
	    .stream = &contestant->stream,
	    .group = group,
	};
	struct latency latency =
	    latency_measure(contestant->floor ? program_floor_command(&floor) : program_command(&program), &redis_probe,
	                    &contestant->stream);
	contestant->p50_ms[round] = latency.p50_ms;
	contestant->p99_ms[round] = latency.p99_ms;
}

static void report(struct contestant *contestant, const char *p50, const char *p99)
{
	double floor_p50 = bench_median(relay.p50_ms, ROUNDS), ours_p50 = bench_median(contestant->p50_ms, ROUNDS);
	double floor_p99 = bench_median(relay.p99_ms, ROUNDS), ours_p99 = bench_median(contestant->p99_ms, ROUNDS);
	bench_report(p50, floor_p50, ours_p50, "ms", 2, ours_p50 <= floor_p50 + 0.25, "<= the floor + 0.25 ms");
	bench_report(p99, floor_p99, ours_p99, "ms", 2, ours_p99 <= floor_p99 + 2, "<= the floor + 2 ms");
}

int main(void)
{
	bench_enter_directory();
	redis_stream_enter();
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < CONTESTANTS; i++)
			contestant_run(contestants[i], round);
	report(&ours, "Redis, 1000 messages/s, at least once, p50 beside the raw relay",
	       "Redis, 1000 messages/s, at least once, p99 beside the raw relay");
	report(&ours_exactly, "Redis, 1000 messages/s, exactly once, p50 beside the raw relay",
	       "Redis, 1000 messages/s, exactly once, p99 beside the raw relay");
	return 0;
}
