#include "kafka_probe.h"

#include "bench.h"
#include "kafka_broker.h"
#include "kafka_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_INPUTS ((size_t)1000000)
#define KEY_SIZE   32
#define SECOND_NS  1000000000L

struct kafka_probe {
	const struct kafka_stream *stream;
	rd_kafka_t *producer, *reader;
	pthread_t sender;
	bool sending;
	atomic_bool stop;
	atomic_size_t sent;
	long pause_ns;
	char name[16]; /* begins the keys, so that what another probe has left is not taken for ours */
	double *sent_ns;
};

/* ---- sending ---- */

static void send_one(struct kafka_probe *probe, rd_kafka_topic_t *inputs, size_t number)
{
	char key[KEY_SIZE];
	const char *flower = kafka_flower(number);
	int size = snprintf(key, sizeof(key), "%s%zu", probe->name, number);
	probe->sent_ns[number] = bench_wall_ns();
	/* Before the send: the output may be seen before this thread runs again. */
	atomic_store(&probe->sent, number + 1);
	int failed = rd_kafka_produce(inputs, (int32_t)(number % (size_t)probe->stream->partitions), RD_KAFKA_MSG_F_COPY,
	                              (void *)(uintptr_t)flower, strlen(flower), key, (size_t)size, NULL);
	bench_must(!failed, "sending an input");
	rd_kafka_poll(probe->producer, 0);
}

static void *send_all(void *argument)
{
	struct kafka_probe *probe = argument;
	struct timespec due;
	rd_kafka_topic_t *inputs = rd_kafka_topic_new(probe->producer, probe->stream->inputs, NULL);
	bench_must(inputs != NULL, probe->stream->inputs);
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (size_t number = 0; number < MAX_INPUTS && !atomic_load(&probe->stop); number++) {
		send_one(probe, inputs, number);
		due.tv_nsec += probe->pause_ns;
		due.tv_sec += due.tv_nsec / SECOND_NS;
		due.tv_nsec %= SECOND_NS;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			continue;
	}
	kafka_client_must_code(rd_kafka_flush(probe->producer, 30000), "sending inputs");
	rd_kafka_topic_destroy(inputs);
	return NULL;
}

void kafka_probe_stop(struct kafka_probe *probe)
{
	atomic_store(&probe->stop, true);
	if (probe->sending)
		pthread_join(probe->sender, NULL);
	probe->sending = false;
}

size_t kafka_probe_sent(const struct kafka_probe *probe)
{
	return atomic_load(&probe->sent);
}

/* ---- seeing ---- */

static bool sight_of(const struct kafka_probe *probe, const rd_kafka_message_t *output, struct kafka_sight *ret_sight)
{
	char key[KEY_SIZE] = "";
	size_t name_size = strlen(probe->name);
	ret_sight->seen_ns = bench_wall_ns();
	if (output->err != RD_KAFKA_RESP_ERR_NO_ERROR || output->key_len >= sizeof(key))
		return false;
	memcpy(key, output->key ? output->key : "", output->key_len);
	if (strncmp(key, probe->name, name_size) != 0)
		return false;
	size_t number = strtoull(key + name_size, NULL, 10);
	bench_must(number < kafka_probe_sent(probe), "seeing only what was sent");
	ret_sight->partition = output->partition;
	ret_sight->sent_ns = probe->sent_ns[number];
	return true;
}

bool kafka_probe_next(struct kafka_probe *probe, int timeout_ms, struct kafka_sight *ret_sight)
{
	double give_up_ns = bench_wall_ns() + timeout_ms * 1e6;
	do {
		double left_ms = (give_up_ns - bench_wall_ns()) / 1e6;
		rd_kafka_message_t *output = rd_kafka_consumer_poll(probe->reader, left_ms > 0 ? (int)left_ms : 0);
		bool seen = output && sight_of(probe, output, ret_sight);
		if (output)
			rd_kafka_message_destroy(output);
		if (seen)
			return true;
	} while (bench_wall_ns() < give_up_ns);
	return false;
}

/* ---- the probe's life ---- */

struct kafka_probe *kafka_probe_start(const struct kafka_stream *stream, int per_second)
{
	static int probes;
	static const struct kafka_property producer_properties[] = {{"linger.ms", "0"}, {NULL, NULL}};
	static const struct kafka_property reader_properties[] = {{"isolation.level", "read_committed"}, {NULL, NULL}};
	struct kafka_probe *probe = calloc(1, sizeof(*probe));
	bench_must(probe && (probe->sent_ns = calloc(MAX_INPUTS, sizeof(*probe->sent_ns))), "memory");
	probe->stream = stream;
	probe->pause_ns = SECOND_NS / per_second;
	snprintf(probe->name, sizeof(probe->name), "%d-", probes++);
	const char *address = kafka_broker_address();
	struct kafka_ends ends = kafka_stream_ends(stream);
	probe->reader = kafka_client_reader(kafka_client_conf(address, reader_properties), stream->outputs,
	                                    stream->partitions, ends.offsets);
	probe->producer = kafka_client_new(RD_KAFKA_PRODUCER, kafka_client_conf(address, producer_properties));
	bench_must(pthread_create(&probe->sender, NULL, send_all, probe) == 0, "starting a thread");
	probe->sending = true;
	return probe;
}

void kafka_probe_free(struct kafka_probe *probe)
{
	kafka_probe_stop(probe);
	rd_kafka_consumer_close(probe->reader);
	rd_kafka_destroy(probe->reader);
	rd_kafka_destroy(probe->producer);
	free(probe->sent_ns);
	free(probe);
}
