/* The memory of `msp run` with iris while it works off a backlog on Kafka, with one worker and with four; and what a
 * hundred models take that nobody asks anything. */
#include "bench.h"
#include "kafka_broker.h"
#include "kafka_stream.h"
#include "memory.h"
#include "program.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODEL      "iris_model.0.1"
#define PARTITIONS 4

#define LOAD_TARGET_MIB 256

static void measure_load(const struct stream *stream, int workers, size_t messages)
{
	char group[128], what[128];
	snprintf(group, sizeof(group), "%s_%d", stream->prefix, workers);
	snprintf(what, sizeof(what), "Kafka, iris, %d workers", workers);
	struct program program = {.broker = kafka_broker_as_url(), .stream = stream, .group = group, .workers = workers};
	struct memory memory = memory_measure(program_command(&program), stream, kafka_stream_outputs, messages);
	memory_report(what, &memory, messages, LOAD_TARGET_MIB);
}

/* ---- a hundred idle models ---- */

#define MODELS          100
#define KINDS           3
#define SETTLE_NS       3000000000
#define WATCH_NS        6000000000
#define WATCHES         5
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

static double idle_percent(pid_t server)
{
	double percent[WATCHES];
	for (int i = 0; i < WATCHES; i++) {
		double cpu_ns = server_cpu_ns(server), begin_ns = bench_wall_ns();
		server_nap(WATCH_NS);
		percent[i] = 100 * (server_cpu_ns(server) - cpu_ns) / (bench_wall_ns() - begin_ns);
	}
	return bench_median(percent, WATCHES);
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
	double percent = idle_percent(server);
	double mib = server_resident_mib(server);
	server_stop(server);
	bench_report_alone("Kafka, 100 idle models, resident memory", mib, "MiB", 1, mib <= IDLE_TARGET_MIB, "<= 64 MiB");
	bench_report_alone("Kafka, 100 idle models, share of a core", percent, "%", 2, percent <= IDLE_TARGET_CPU,
	                   "<= 3 %");
}

int main(void)
{
	/* The full form is 10 million. */
	size_t messages = stream_backlog(KAFKA_BROKER_MESSAGES) * 10 / 3;
	static struct stream stream;
	bench_enter_directory();
	kafka_broker_enter();
	measure_idle();
	kafka_stream_create(&stream, "memory", MODEL, PARTITIONS);
	kafka_stream_fill(&stream, flower_json, messages);
	measure_load(&stream, 1, messages);
	measure_load(&stream, 4, messages);
	return 0;
}
