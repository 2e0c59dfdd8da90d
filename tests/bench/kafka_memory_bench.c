/* The memory of `msp run` with iris while it works off a backlog on Kafka, with one worker and with four; and what a
 * hundred models take that nobody asks anything. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_program.h"
#include "kafka_stream.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODEL       "iris_model.0.1"
#define PARTITIONS  4
#define DEADLINE_NS 600e9
#define LOOK_NS     50000000

#define LOAD_TARGET_MIB 256

/* Most of the memory in the first quarter of the backlog, and in all of it: what grows with the messages would show. */
struct memory {
	double early_mib, most_mib;
};

static struct memory memory_under_load(const struct kafka_stream *stream, int workers, size_t messages)
{
	char group[128];
	struct memory memory = {0};
	struct kafka_ends before = kafka_stream_ends(stream);
	double give_up_ns = bench_wall_ns() + DEADLINE_NS;
	int64_t done = 0;
	snprintf(group, sizeof(group), "%s_%d", stream->prefix, workers);
	struct kafka_program program = {.stream = stream, .group = group, .workers = workers};
	pid_t server = server_start(kafka_program_command(&program));
	while (done < (int64_t)messages) {
		server_nap(LOOK_NS);
		server_must_run(server);
		bench_must(bench_wall_ns() < give_up_ns, "answering the backlog in time");
		double mib = server_resident_mib(server);
		done = kafka_stream_growth(stream, &before);
		if (done < (int64_t)messages / 4 && mib > memory.early_mib)
			memory.early_mib = mib;
		if (mib > memory.most_mib)
			memory.most_mib = mib;
	}
	server_stop(server);
	return memory;
}

static void measure_load(const struct kafka_stream *stream, int workers, size_t messages)
{
	char what[128];
	struct memory memory = memory_under_load(stream, workers, messages);
	snprintf(what, sizeof(what), "Kafka, iris, %d workers, resident memory under a backlog", workers);
	bench_report_alone(what, memory.most_mib, "MiB", 1, memory.most_mib <= LOAD_TARGET_MIB, "<= 256 MiB");
	snprintf(what, sizeof(what), "Kafka, iris, %d workers, most memory in all %zu messages beside the first quarter",
	         workers, messages);
	bench_report(what, memory.early_mib, memory.most_mib, "MiB", 1, memory.most_mib <= 1.1 * memory.early_mib, "flat");
}

/* ---- a hundred idle models ---- */

#define MODELS          100
#define KINDS           3
#define SETTLE_NS       3000000000
#define WATCH_NS        10000000000
#define READY_S         120
#define IDLE_TARGET_MIB 64
#define IDLE_TARGET_CPU 3

static void idle_topics_create(const char *prefix)
{
	static const char *const kinds[KINDS] = {"inputs", "outputs", "errors"};
	static char names[MODELS * KINDS][96];
	const char *pointers[MODELS * KINDS];
	for (int i = 0; i < MODELS * KINDS; i++) {
		snprintf(names[i], sizeof(names[i]), "%s.idle_%d.1.0.%s", prefix, i / KINDS, kinds[i % KINDS]);
		pointers[i] = names[i];
	}
	kafka_topics_create(pointers, MODELS * KINDS, 1);
}

static void idle_configuration_write(const char *path, const char *prefix)
{
	const char *directory = getenv("MSP_BUILD_DIR");
	FILE *file = fopen(path, "w");
	bench_must(file && directory, "writing a configuration");
	fprintf(file, "broker: kafka://%s\ntopic.prefix: %s\nmodels:\n", kafka_broker_address(), prefix);
	for (int i = 0; i < MODELS; i++)
		fprintf(file, "  idle_%d:\n    plugin: %s/tests/bench/idle.so\n    name: idle_%d\n", i, directory, i);
	bench_must(fclose(file) == 0, "writing a configuration");
}

static void measure_idle(void)
{
	char prefix[64];
	snprintf(prefix, sizeof(prefix), "bench_%d_idle", (int)getpid());
	idle_topics_create(prefix);
	idle_configuration_write("idle.yaml", prefix);
	const char *const command[] = {bench_program(), "run", "-q", "-F", "idle.yaml", "--ready-file", "ready", NULL};
	pid_t server = server_start(command);
	server_await_file(server, "ready", READY_S);
	server_nap(SETTLE_NS);
	double cpu_ns = server_cpu_ns(server), begin_ns = bench_wall_ns();
	server_nap(WATCH_NS);
	double percent = 100 * (server_cpu_ns(server) - cpu_ns) / (bench_wall_ns() - begin_ns);
	double mib = server_resident_mib(server);
	server_stop(server);
	bench_report_alone("Kafka, 100 idle models, resident memory", mib, "MiB", 1, mib <= IDLE_TARGET_MIB, "<= 64 MiB");
	bench_report_alone("Kafka, 100 idle models, share of a core", percent, "%", 2, percent <= IDLE_TARGET_CPU,
	                   "<= 3 %");
}

int main(void)
{
	/* The full form is 10 million. */
	size_t messages = kafka_broker_messages() * 10 / 3;
	static struct kafka_stream stream;
	bench_enter_directory();
	kafka_broker_enter();
	measure_idle();
	kafka_stream_create(&stream, "memory", MODEL, PARTITIONS);
	kafka_stream_fill(&stream, messages);
	measure_load(&stream, 1, messages);
	measure_load(&stream, 4, messages);
	return 0;
}
