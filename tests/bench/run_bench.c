/* What `msp run` takes to serve iris through SQLite: memory, time to ready, and the latency of single messages that
 * another process sends. */
#include "bench.h"
#include "broker.h"
#include "server.h"

#include <msp_transport_sqlite.h>

#include <unistd.h>

#define MESSAGES    2000000
#define PROBES      400
#define READY_RUNS  15
#define DEADLINE_NS 300e9
#define TOPIC(kind) "model_stream_processor.iris_model.0.1." kind

#define IDLE_TARGET_MIB   8
#define LOAD_TARGET_MIB   48
#define READY_TARGET_MS   50
#define LATENCY_TARGET_MS 5

static const char flower[] =
    "{\"sepal_length\": 5.1, \"sepal_width\": 3.5, \"petal_length\": 1.4, \"petal_width\": 0.2}";
static struct msp_transport *transport;

static pid_t program_start(void)
{
	const char *const argv[] = {bench_program(), "run",   "-q",   "-b", "sqlite:bench.db",
	                            "--ready-file",  "ready", "iris", NULL};
	unlink("ready");
	return server_start(argv);
}

static void await_ready(pid_t pid)
{
	server_await_file(pid, "ready", 10);
}

/* ---- the measurements ---- */

static void measure_ready(void)
{
	double samples[READY_RUNS];
	for (size_t i = 0; i < READY_RUNS; i++) {
		double begin = bench_wall_ns();
		pid_t pid = program_start();
		await_ready(pid);
		samples[i] = (bench_wall_ns() - begin) / 1e6;
		server_stop(pid);
	}
	double ms = bench_median(samples, READY_RUNS);
	bench_report_alone("msp run with iris, start to ready", ms, "ms", 1, ms <= READY_TARGET_MS, "<= 50 ms");
}

static void measure_idle_memory(void)
{
	pid_t pid = program_start();
	await_ready(pid);
	double mib = server_resident_mib(pid);
	server_stop(pid);
	bench_report_alone("msp run with iris, resident memory idle", mib, "MiB", 1, mib <= IDLE_TARGET_MIB, "<= 8 MiB");
}

/* From before the send to the moment at which a reader has the output. */
static void measure_latency(struct msp_producer *producer)
{
	static double samples[PROBES];
	struct msp_reader_config config = {.topic = TOPIC("outputs"),
	                                   .partition = MSP_PARTITION_ANY,
	                                   .start = MSP_START_END,
	                                   .end_timestamp_ms = MSP_TIMESTAMP_NONE};
	struct msp_receive_limits limits = {.max_messages = 10, .max_bytes = 65536, .timeout_ms = 5000};
	struct msp_reader *reader;
	pid_t pid = program_start();
	await_ready(pid);
	bench_must(msp_transport_reader_open(transport, &config, &reader, NULL) == MSP_OK, "opening a reader");
	for (size_t i = 0; i < PROBES; i++) {
		const struct msp_message *messages;
		size_t count = 0;
		bool end = false;
		double begin = bench_wall_ns();
		broker_send(producer, TOPIC("inputs"), flower, 1);
		while (count == 0)
			bench_must(msp_reader_read(reader, &limits, &messages, &count, &end, NULL) == MSP_OK &&
			               bench_wall_ns() - begin < 10e9,
			           "an answer within 10 s");
		samples[i] = (bench_wall_ns() - begin) / 1e6;
		server_nap(3000000);
	}
	msp_reader_free(reader);
	server_stop(pid);
	double ms = bench_median(samples, PROBES);
	bench_report_alone("msp run with iris through SQLite, p50 from send to output seen", ms, "ms", 2,
	                   ms <= LATENCY_TARGET_MS, "<= 5 ms");
}

/* Memory after the first quarter of the backlog and at its end: what grows with the messages would show. */
static void measure_load_memory(struct msp_producer *producer)
{
	int64_t before = broker_newest(transport, TOPIC("outputs")), done;
	broker_send(producer, TOPIC("inputs"), flower, MESSAGES);
	pid_t pid = program_start();
	double give_up = bench_wall_ns() + DEADLINE_NS, early = 0, most = 0;
	do {
		server_nap(50000000);
		bench_must(bench_wall_ns() < give_up, "answering the backlog in time");
		server_must_run(pid);
		double mib = server_resident_mib(pid);
		done = broker_newest(transport, TOPIC("outputs")) - before;
		if (done < MESSAGES / 4 && mib > early)
			early = mib;
		if (mib > most)
			most = mib;
	} while (done < MESSAGES);
	server_stop(pid);
	bench_report_alone("msp run with iris, resident memory under load", most, "MiB", 1, most <= LOAD_TARGET_MIB,
	                   "<= 48 MiB");
	bench_report("msp run with iris, most memory in all 2,000,000 messages beside the first quarter", early, most,
	             "MiB", 1, most <= 1.1 * early, "flat");
}

int main(void)
{
	struct msp_producer *producer;
	bench_enter_directory();
	transport = broker_open(&msp_transport_sqlite, "sqlite:bench.db", NULL, 0);
	broker_topic_create(transport, TOPIC("inputs"));
	broker_topic_create(transport, TOPIC("outputs"));
	broker_topic_create(transport, TOPIC("errors"));
	bench_must(msp_transport_producer_open(transport, &producer, NULL) == MSP_OK, "opening a producer");
	measure_ready();
	measure_idle_memory();
	measure_latency(producer);
	measure_load_memory(producer);
	msp_producer_free(producer);
	msp_transport_free(transport);
	return 0;
}
