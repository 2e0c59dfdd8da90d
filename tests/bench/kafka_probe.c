#include "kafka_probe.h"

#include "bench.h"
#include "kafka_broker.h"
#include "kafka_client.h"
#include "kafka_stream.h"

#include <stdlib.h>
#include <string.h>

struct probe_clients {
	const struct stream *stream;
	rd_kafka_t *producer, *reader;
	rd_kafka_topic_t *inputs;
};

static void *clients_open(const struct stream *stream)
{
	static const struct kafka_property producer_properties[] = {{"linger.ms", "0"}, {NULL, NULL}};
	static const struct kafka_property reader_properties[] = {{"isolation.level", "read_committed"}, {NULL, NULL}};
	const char *address = kafka_broker_address();
	struct kafka_ends ends = kafka_stream_ends(stream);
	struct probe_clients *clients = calloc(1, sizeof(*clients));
	bench_must(clients != NULL, "memory");
	clients->stream = stream;
	clients->reader = kafka_client_reader(kafka_client_conf(address, reader_properties), stream->outputs,
	                                      stream->partitions, ends.offsets);
	clients->producer = kafka_client_new(RD_KAFKA_PRODUCER, kafka_client_conf(address, producer_properties));
	clients->inputs = rd_kafka_topic_new(clients->producer, stream->inputs, NULL);
	bench_must(clients->inputs != NULL, stream->inputs);
	return clients;
}

static void clients_send(void *broker, size_t number, const char *key)
{
	struct probe_clients *clients = broker;
	struct msp_bytes value = flower_json(number);
	int32_t partition = (int32_t)(number % (size_t)clients->stream->partitions);
	int failed = rd_kafka_produce(clients->inputs, partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value.data,
	                              value.size, key, strlen(key), NULL);
	bench_must(!failed, "sending an input");
	rd_kafka_poll(clients->producer, 0);
}

static bool clients_receive(void *broker, int timeout_ms, char key[PROBE_KEY_SIZE], int *ret_partition)
{
	struct probe_clients *clients = broker;
	rd_kafka_message_t *output = rd_kafka_consumer_poll(clients->reader, timeout_ms);
	if (!output)
		return false;
	bool came = output->err == RD_KAFKA_RESP_ERR_NO_ERROR && output->key_len < PROBE_KEY_SIZE;
	memset(key, 0, PROBE_KEY_SIZE);
	if (came && output->key)
		memcpy(key, output->key, output->key_len);
	*ret_partition = output->partition;
	rd_kafka_message_destroy(output);
	return came;
}

static void clients_close(void *broker)
{
	struct probe_clients *clients = broker;
	rd_kafka_consumer_close(clients->reader);
	rd_kafka_destroy(clients->reader);
	kafka_client_must_code(rd_kafka_flush(clients->producer, 30000), "sending inputs");
	rd_kafka_topic_destroy(clients->inputs);
	rd_kafka_destroy(clients->producer);
	free(clients);
}

const struct probe_ops kafka_probe = {clients_open, clients_send, clients_receive, clients_close};
