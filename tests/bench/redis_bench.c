/* CPU per message and rate of `msp run` on Redis, beside the bare loops that do the same work. */
#include "program.h"
#include "redis_stream.h"
#include "tally.h"

#include <stdio.h>

#define MESSAGES ((size_t)1000000)
#define ROUNDS   3

static struct stream iris, echo, packed;

struct contestant {
	const char *name;
	const char *floor, *flights; /* NULL: msp */
	const char *model, *codec, *guarantee;
	const struct stream *stream;
	struct tally tally;
};

enum { SERIAL, RELAY, SCRIPT, FUSED, RELAY_PACKED, OURS_IRIS, OURS_ECHO, OURS_EXACTLY, OURS_PACKED, CONTESTANTS };

static struct contestant contestants[CONTESTANTS] = {
    [SERIAL] = {.name = "raw relay, one batch at a time", .floor = "relay", .flights = "1", .stream = &echo},
    [RELAY] = {.name = "raw relay, two in flight", .floor = "relay", .flights = "2", .stream = &echo},
    [SCRIPT] = {.name = "script relay, two in flight", .floor = "script", .flights = "2", .stream = &echo},
    [FUSED] = {.name = "fused loop, two in flight", .floor = "fused", .flights = "2", .stream = &iris},
    [RELAY_PACKED] = {.name = "raw relay of MessagePack, two in flight",
                      .floor = "relay",
                      .flights = "2",
                      .stream = &packed},
    [OURS_IRIS] = {.name = "msp, iris, at least once", .model = "iris", .stream = &iris},
    [OURS_ECHO] = {.name = "msp, echo, at least once", .model = "echo", .stream = &echo},
    [OURS_EXACTLY] = {.name = "msp, echo, exactly once", .model = "echo", .guarantee = "exactly_once", .stream = &echo},
    [OURS_PACKED] = {.name = "msp, echo, MessagePack, at least once",
                     .model = "echo",
                     .codec = "msgpack",
                     .stream = &packed},
};

static const char *const *contestant_command(const struct contestant *contestant, const char *group, size_t messages)
{
	struct program_floor floor = {
	    .name = "redis_floor",
	    .kind = contestant->floor,
	    .manner = contestant->flights,
	    .address = redis_stream_port(),
	    .stream = contestant->stream,
	    .group = group,
	    .count = messages,
	};
	struct program program = {
	    .broker = redis_stream_url(),
	    .stream = contestant->stream,
	    .model = contestant->model,
	    .codec = contestant->codec,
	    .group = group,
	    .guarantee = contestant->guarantee,
	    .exits = true,
	};
	return contestant->floor ? program_floor_command(&floor) : program_command(&program);
}

/* Runs it once over all inputs. */
static void contestant_run(struct contestant *contestant, size_t messages)
{
	const char *group = redis_stream_rewind(contestant->stream);
	struct bench_usage usage = bench_run(contestant_command(contestant, group, messages), NULL, NULL);
	struct stream_survey survey = redis_stream_survey(contestant->stream);
	tally_add(&contestant->tally, contestant->name, messages, &usage, &survey);
}

static double cpu_us(int contestant)
{
	return tally_cpu_us(&contestants[contestant].tally);
}

static void report_rate(const char *what, int floor, int ours, double share, const char *target)
{
	double floor_k = tally_rate_k(&contestants[floor].tally), ours_k = tally_rate_k(&contestants[ours].tally);
	bench_report(what, floor_k, ours_k, "k/s", 0, ours_k >= share * floor_k, target);
}

static void report(void)
{
	for (int i = SERIAL; i <= RELAY_PACKED; i++)
		printf("Redis floor: %s: %.0f k/s at %.2f us of CPU each\n", contestants[i].name,
		       tally_rate_k(&contestants[i].tally), cpu_us(i));
	bench_report("Redis, iris, JSON, at least once, CPU per message beside the fused loop", cpu_us(FUSED),
	             cpu_us(OURS_IRIS), "us", 2, cpu_us(OURS_IRIS) <= cpu_us(FUSED) + 0.5, "<= the floor + 0.5 us");
	report_rate("Redis, echo, JSON, at least once, messages per second beside the raw relay", RELAY, OURS_ECHO, 0.45,
	            ">= 0.45 x the floor");
	report_rate("Redis, echo, JSON, exactly once, messages per second beside the script relay", SCRIPT, OURS_EXACTLY,
	            0.55, ">= 0.55 x the floor");
	report_rate("Redis, echo, MessagePack, at least once, messages per second beside the raw relay", RELAY_PACKED,
	            OURS_PACKED, 0.6, ">= 0.6 x the floor");
}

int main(void)
{
	size_t messages = stream_backlog(MESSAGES);
	bench_enter_directory();
	redis_stream_enter();
	redis_stream_create(&iris, "iris", "iris_model.0.1");
	redis_stream_create(&echo, "echo", "echo.1.0");
	redis_stream_create(&packed, "packed", "echo.1.0");
	redis_stream_fill(&iris, flower_json, messages);
	redis_stream_fill(&echo, flower_json, messages);
	redis_stream_fill(&packed, flower_msgpack, messages);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < CONTESTANTS; i++)
			contestant_run(&contestants[i], messages);
	report();
	return 0;
}
