/* How long a dead `msp run` is missed on Kafka: killed amid its work and started again under its name; and killed for
 * good, beside another process that has no name either. From the kill to the first output of an input that was sent
 * after it, on every partition. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_probe.h"
#include "kafka_program.h"
#include "server.h"

#include <stdio.h>
#include <string.h>

#define MODEL      "iris_model.0.1"
#define RUNS       5
#define PER_SECOND 1000
#define WARM_UP    1000 /* outputs, before the kill */
#define FIRST_MS   30000
#define MISSING_MS 90000
#define JOIN_MS    30000

static const char *const guarantees[] = {"at_least_once", "exactly_once"};

static void await_outputs(struct kafka_probe *probe)
{
	struct kafka_sight sight;
	for (int i = 0; i < WARM_UP; i++)
		bench_must(kafka_probe_next(probe, FIRST_MS, &sight), "seeing the first outputs in time");
}

/* Until each partition has given an output of an input that was sent after the kill. */
static double await_recovery_s(struct kafka_probe *probe, int partitions, double killed_ns)
{
	bool back[KAFKA_STREAM_PARTITIONS] = {false};
	double last_ns = killed_ns;
	int missing = partitions;
	struct kafka_sight sight;
	while (missing > 0) {
		bench_must(bench_wall_ns() < killed_ns + MISSING_MS * 1e6, "getting back to work");
		if (!kafka_probe_next(probe, FIRST_MS, &sight) || sight.sent_ns < killed_ns || back[sight.partition])
			continue;
		back[sight.partition] = true;
		last_ns = sight.seen_ns;
		missing--;
	}
	return (last_ns - killed_ns) / 1e9;
}

static double longest(const double *samples)
{
	double most = 0;
	for (int i = 0; i < RUNS; i++)
		most = samples[i] > most ? samples[i] : most;
	return most;
}

/* ---- with a name ---- */

static double restart_s(const struct kafka_program *program)
{
	pid_t server = server_start(kafka_program_command(program));
	struct kafka_probe *probe = kafka_probe_start(program->stream, PER_SECOND);
	await_outputs(probe);
	double killed_ns = bench_wall_ns();
	server_kill(server);
	server = server_start(kafka_program_command(program));
	double took_s = await_recovery_s(probe, program->stream->partitions, killed_ns);
	kafka_probe_free(probe);
	server_stop(server);
	fprintf(stderr, "%s, restarted under its name: %.2f s\n", program->guarantee, took_s);
	return took_s;
}

static void measure_restart(const char *guarantee)
{
	char what[128];
	double samples[RUNS];
	struct kafka_stream stream;
	snprintf(what, sizeof(what), "restart_%s", guarantee);
	kafka_stream_create(&stream, what, MODEL, 1);
	struct kafka_program program = {
	    .stream = &stream, .group = stream.prefix, .guarantee = guarantee, .instance = "one"};
	restart_s(&program); /* warms the broker up, which has yet to make its own topics */
	for (int run = 0; run < RUNS; run++)
		samples[run] = restart_s(&program);
	snprintf(what, sizeof(what), "Kafka, %s, back at work after kill -9, by name, longest of %d", guarantee, RUNS);
	bench_report_alone(what, longest(samples), "s", 2, longest(samples) <= 2, "<= 2 s");
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

static double take_over_s(const struct kafka_program *program)
{
	pid_t dying = server_start(kafka_program_command(program));
	pid_t heir = server_start(kafka_program_command(program));
	await_members(program->group, 2);
	struct kafka_probe *probe = kafka_probe_start(program->stream, PER_SECOND);
	await_outputs(probe);
	double killed_ns = bench_wall_ns();
	server_kill(dying);
	double took_s = await_recovery_s(probe, program->stream->partitions, killed_ns);
	kafka_probe_free(probe);
	server_stop(heir);
	fprintf(stderr, "%s, taken over: %.2f s\n", program->guarantee, took_s);
	return took_s;
}

static void measure_take_over(const char *guarantee, double target_s, const char *target)
{
	char what[128];
	double samples[RUNS];
	struct kafka_stream stream;
	snprintf(what, sizeof(what), "heir_%s", guarantee);
	kafka_stream_create(&stream, what, MODEL, 2);
	struct kafka_program program = {.stream = &stream, .group = stream.prefix, .guarantee = guarantee};
	for (int run = 0; run < RUNS; run++)
		samples[run] = take_over_s(&program);
	snprintf(what, sizeof(what), "Kafka, %s, another process takes over, longest of %d", guarantee, RUNS);
	bench_report_alone(what, longest(samples), "s", 2, longest(samples) <= target_s, target);
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
