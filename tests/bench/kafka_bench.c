/* CPU per message and rate of `msp run` on Kafka, beside the bare loops that do the same work. */
#include "kafka_broker.h"
#include "kafka_stream.h"
#include "program.h"
#include "tally.h"

#include <stdio.h>

#define MODEL  "iris_model.0.1"
#define ROUNDS 5

static struct stream one, two; /* iris, of so many partitions */
static struct stream packed;   /* echo, MessagePack */
static size_t messages, packed_messages;

struct contestant {
	const char *name;
	const char *floor; /* NULL: msp */
	const char *guarantee;
	const struct stream *stream;
	int workers;
	const char *model, *codec;
	const size_t *messages;
	struct tally tally;
};

enum { RELAY, RELAY_EXACTLY, RELAY_PACKED, FUSED, OURS, OURS_EXACTLY, OURS_TWO, OURS_PACKED, CONTESTANTS };

static struct contestant contestants[CONTESTANTS] = {
    [RELAY] = {.name = "raw relay, at least once",
               .floor = "relay",
               .guarantee = "at_least_once",
               .stream = &one,
               .messages = &messages},
    [RELAY_EXACTLY] = {.name = "raw relay, in transactions",
                       .floor = "relay",
                       .guarantee = "exactly_once",
                       .stream = &one,
                       .messages = &messages},
    [RELAY_PACKED] = {.name = "raw relay of MessagePack, at least once",
                      .floor = "relay",
                      .guarantee = "at_least_once",
                      .stream = &packed,
                      .messages = &packed_messages},
    [FUSED] = {.name = "fused loop, at least once",
               .floor = "fused",
               .guarantee = "at_least_once",
               .stream = &one,
               .messages = &messages},
    [OURS] = {.name = "msp, at least once", .stream = &one, .messages = &messages},
    [OURS_EXACTLY] = {.name = "msp, exactly once", .guarantee = "exactly_once", .stream = &one, .messages = &messages},
    [OURS_TWO] = {.name = "msp, at least once, 2 workers", .stream = &two, .workers = 2, .messages = &messages},
    [OURS_PACKED] = {.name = "msp, echo and MessagePack, at least once",
                     .stream = &packed,
                     .model = "echo",
                     .codec = "msgpack",
                     .messages = &packed_messages},
};

static const char *const *contestant_command(const struct contestant *contestant, const char *group)
{
	struct program program = {
	    .broker = kafka_broker_as_url(),
	    .stream = contestant->stream,
	    .model = contestant->model,
	    .codec = contestant->codec,
	    .group = group,
	    .guarantee = contestant->guarantee,
	    .workers = contestant->workers,
	    .exits = true,
	};
	struct program_floor floor = {
	    .name = "kafka_floor",
	    .kind = contestant->floor,
	    .manner = contestant->guarantee,
	    .address = kafka_broker_address(),
	    .stream = contestant->stream,
	    .group = group,
	    .count = *contestant->messages,
	};
	return contestant->floor ? program_floor_command(&floor) : program_command(&program);
}

/* Runs it once over all inputs. A group of its own makes it begin at the first. */
static void contestant_run(struct contestant *contestant, struct tally *tally)
{
	static int runs;
	char group[128];
	snprintf(group, sizeof(group), "%s_%d", contestant->stream->prefix, runs++);
	struct kafka_ends before = kafka_stream_ends(contestant->stream);
	struct bench_usage usage = bench_run(contestant_command(contestant, group), NULL, NULL);
	struct stream_survey survey = kafka_stream_survey(contestant->stream, &before);
	tally_add(tally, contestant->name, *contestant->messages, &usage, &survey);
}

static double cpu_us(int contestant)
{
	return tally_cpu_us(&contestants[contestant].tally);
}

static double rate_k(int contestant)
{
	return tally_rate_k(&contestants[contestant].tally);
}

static void report(void)
{
	for (int i = RELAY; i <= FUSED; i++)
		printf("Kafka floor: %s: %.0f k/s at %.2f us of CPU each\n", contestants[i].name, rate_k(i), cpu_us(i));
	bench_report("Kafka, iris, at least once, CPU per message beside the fused loop", cpu_us(FUSED), cpu_us(OURS), "us",
	             2, cpu_us(OURS) <= cpu_us(FUSED) + 0.5, "<= the floor + 0.5 us");
	bench_report("Kafka, iris, at least once, messages per second beside the fused loop", rate_k(FUSED), rate_k(OURS),
	             "k/s", 0, rate_k(OURS) >= 0.85 * rate_k(FUSED), ">= 0.85 x the floor");
	bench_report("Kafka, iris, exactly once, messages per second beside at least once", rate_k(OURS),
	             rate_k(OURS_EXACTLY), "k/s", 0, rate_k(OURS_EXACTLY) >= 0.9 * rate_k(OURS), ">= 0.9 x the other");
	bench_report("Kafka, iris, 2 workers on 2 partitions, CPU per message beside 1 worker", cpu_us(OURS),
	             cpu_us(OURS_TWO), "us", 2, cpu_us(OURS_TWO) <= 1.15 * cpu_us(OURS), "<= 1.15 x the other");
	bench_report("Kafka, iris, 2 workers on 2 partitions, messages per second beside 1 worker", rate_k(OURS),
	             rate_k(OURS_TWO), "k/s", 0, rate_k(OURS_TWO) >= 1.15 * rate_k(OURS), ">= 1.15 x the other");
	bench_report("Kafka, echo, MessagePack, at least once, messages per second beside the raw relay",
	             rate_k(RELAY_PACKED), rate_k(OURS_PACKED), "k/s", 0,
	             rate_k(OURS_PACKED) >= 0.45 * rate_k(RELAY_PACKED), ">= 0.45 x the floor");
}

int main(void)
{
	struct tally warm_up = {.rounds = 0};
	messages = stream_backlog(KAFKA_BROKER_MESSAGES);
	packed_messages = messages / 3;
	bench_enter_directory();
	kafka_broker_enter();
	kafka_stream_create(&one, "one", MODEL, 1);
	kafka_stream_create(&two, "two", MODEL, 2);
	kafka_stream_create(&packed, "packed", "echo.1.0", 1);
	kafka_stream_fill(&one, flower_json, messages);
	kafka_stream_fill(&two, flower_json, messages);
	kafka_stream_fill(&packed, flower_msgpack, packed_messages);
	/* The broker compiles what it runs often. */
	contestant_run(&contestants[RELAY], &warm_up);
	contestant_run(&contestants[RELAY_EXACTLY], &warm_up);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < CONTESTANTS; i++)
			contestant_run(&contestants[i], &contestants[i].tally);
	report();
	return 0;
}
