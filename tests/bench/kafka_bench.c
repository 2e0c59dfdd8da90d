/* CPU per message and rate of `msp run` with iris and JSON on Kafka, beside the bare loops that do the same work. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_program.h"
#include "kafka_stream.h"

#include <stdio.h>

#define MODEL  "iris_model.0.1"
#define ROUNDS 5

static struct kafka_stream one, two; /* of so many partitions */

struct contestant {
	const char *name;
	const char *floor; /* NULL: msp */
	const char *guarantee;
	const struct kafka_stream *stream;
	int workers;
	double cpu_us[ROUNDS], rate_k[ROUNDS]; /* per message, and thousands of messages per second */
};

enum { RELAY, RELAY_EXACTLY, FUSED, OURS, OURS_EXACTLY, OURS_TWO, CONTESTANTS };

static struct contestant contestants[CONTESTANTS] = {
    [RELAY] = {"raw relay, at least once", "relay", "at_least_once", &one, 1, {0}, {0}},
    [RELAY_EXACTLY] = {"raw relay, in transactions", "relay", "exactly_once", &one, 1, {0}, {0}},
    [FUSED] = {"fused loop, at least once", "fused", "at_least_once", &one, 1, {0}, {0}},
    [OURS] = {"msp, at least once", NULL, "at_least_once", &one, 1, {0}, {0}},
    [OURS_EXACTLY] = {"msp, exactly once", NULL, "exactly_once", &one, 1, {0}, {0}},
    [OURS_TWO] = {"msp, at least once, 2 workers", NULL, "at_least_once", &two, 2, {0}, {0}},
};

/* Runs it once over all inputs. A group of its own makes it begin at the first. */
static void contestant_run(struct contestant *contestant, size_t messages, int round)
{
	static int runs;
	char group[128];
	snprintf(group, sizeof(group), "%s_%d", contestant->stream->prefix, runs++);
	struct kafka_program program = {
	    .stream = contestant->stream,
	    .group = group,
	    .guarantee = contestant->guarantee,
	    .workers = contestant->workers,
	    .exits = true,
	};
	const char *const *command = contestant->floor ? kafka_floor_command(contestant->floor, &program, messages)
	                                               : kafka_program_command(&program);
	struct kafka_ends before = kafka_stream_ends(contestant->stream);
	struct bench_usage usage = bench_run(command, NULL, NULL);
	struct kafka_survey survey = kafka_stream_survey(contestant->stream, &before);
	bench_must(survey.count == messages, "answering every message once");
	contestant->cpu_us[round] = usage.cpu_ns / (double)messages / 1000;
	contestant->rate_k[round] = (double)messages / survey.seconds / 1000;
	fprintf(stderr, "%s: %.0f k/s at %.2f us of CPU each, at most %ld MiB\n", contestant->name,
	        contestant->rate_k[round], contestant->cpu_us[round], usage.max_rss_kib / 1024);
}

static double cpu_us(int contestant)
{
	return bench_median(contestants[contestant].cpu_us, ROUNDS);
}

static double rate_k(int contestant)
{
	return bench_median(contestants[contestant].rate_k, ROUNDS);
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
}

int main(void)
{
	size_t messages = kafka_broker_messages();
	bench_enter_directory();
	kafka_broker_enter();
	kafka_stream_create(&one, "one", MODEL, 1);
	kafka_stream_create(&two, "two", MODEL, 2);
	kafka_stream_fill(&one, messages);
	kafka_stream_fill(&two, messages);
	/* The broker compiles what it runs often: the first rounds, which are measured anew below, are its warm-up. */
	contestant_run(&contestants[RELAY], messages, 0);
	contestant_run(&contestants[RELAY_EXACTLY], messages, 0);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < CONTESTANTS; i++)
			contestant_run(&contestants[i], messages, round);
	report();
	return 0;
}
