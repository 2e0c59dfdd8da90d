/* How long a dead `msp run` is missed on Kafka: killed amid its work and started again under its name; and killed for
 * good, beside another process that has no name either. From the kill to the first output of an input that was sent
 * after it, on every partition. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_probe.h"
#include "kafka_stream.h"
#include "program.h"
#include "recovery.h"
#include "server.h"

#include <stdio.h>
#include <string.h>

#define MODEL   "iris_model.0.1"
#define RUNS    5
#define JOIN_MS 30000

static const char *const guarantees[] = {"at_least_once", "exactly_once"};

/* ---- with a name ---- */

static double restart_s(const struct program *program)
{
	double took_s = recovery_restart_s(program_command(program), &kafka_probe, program->stream);
	fprintf(stderr, "%s, restarted under its name: %.2f s\n", program->guarantee, took_s);
	return took_s;
}

static void measure_restart(const char *guarantee)
{
	char what[128];
	double samples[RUNS];
	struct stream stream;
	snprintf(what, sizeof(what), "restart_%s", guarantee);
	kafka_stream_create(&stream, what, MODEL, 1);
	struct program program = {
	    .broker = kafka_broker_as_url(),
	    .stream = &stream,
	    .group = stream.prefix,
	    .guarantee = guarantee,
	    .instance = "one",
	};
	restart_s(&program); /* warms the broker up, which has yet to make its own topics */
	for (int run = 0; run < RUNS; run++)
		samples[run] = restart_s(&program);
	double most_s = recovery_longest(samples, RUNS);
	snprintf(what, sizeof(what), "Kafka, %s, back at work after kill -9, by name, longest of %d", guarantee, RUNS);
	bench_report_alone(what, most_s, "s", 2, most_s <= 2, "<= 2 s");
}

/* ---- without names ---- */

/* How many members of a group have partitions. An assignment is a version of two bytes, then the number of topics. */
static int members_at_work(const char *name)
{
	const struct rd_kafka_group_list *groups;
	int count = 0;
	if (rd_kafka_list_groups(kafka_broker_client(), name, &groups, JOIN_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	if (groups->group_cnt == 1 && strcmp(groups->groups[0].state, "Stable") == 0)
		for (int i = 0; i < groups->groups[0].member_cnt; i++) {
			const struct rd_kafka_group_member_info *member = &groups->groups[0].members[i];
			const unsigned char *assignment = member->member_assignment;
			count += member->member_assignment_size >= 6 && assignment[5] > 0;
		}
	rd_kafka_group_list_destroy(groups);
	return count;
}

static void await_members(const char *group, int members)
{
	double give_up_ns = bench_wall_ns() + JOIN_MS * 1e6;
	while (members_at_work(group) < members) {
		bench_must(bench_wall_ns() < give_up_ns, "sharing the partitions");
		server_nap(20000000);
	}
}

static double take_over_s(const struct program *program)
{
	const char *const *command = program_command(program);
	pid_t dying = server_start(command);
	pid_t heir = server_start(command);
	await_members(program->group, 2);
	struct probe *probe = recovery_probe_start(&kafka_probe, program->stream);
	double killed_ns = bench_wall_ns();
	server_kill(dying);
	double took_s = recovery_await_s(probe, program->stream->partitions, killed_ns);
	probe_free(probe);
	server_stop(heir);
	fprintf(stderr, "%s, taken over: %.2f s\n", program->guarantee, took_s);
	return took_s;
}

static void measure_take_over(const char *guarantee, double target_s, const char *target)
{
	char what[128];
	double samples[RUNS];
	struct stream stream;
	snprintf(what, sizeof(what), "heir_%s", guarantee);
	kafka_stream_create(&stream, what, MODEL, 2);
	struct program program = {
	    .broker = kafka_broker_as_url(), .stream = &stream, .group = stream.prefix, .guarantee = guarantee};
	for (int run = 0; run < RUNS; run++)
		samples[run] = take_over_s(&program);
	double most_s = recovery_longest(samples, RUNS);
	snprintf(what, sizeof(what), "Kafka, %s, another process takes over, longest of %d", guarantee, RUNS);
	bench_report_alone(what, most_s, "s", 2, most_s <= target_s, target);
}

int main(void)
{
	bench_enter_directory();
	kafka_broker_enter();
	for (size_t i = 0; i < sizeof(guarantees) / sizeof(guarantees[0]); i++)
		measure_restart(guarantees[i]);
	measure_take_over(guarantees[0], 12, "<= 12 s");
	measure_take_over(guarantees[1], 25, "<= 25 s");
	return 0;
}
