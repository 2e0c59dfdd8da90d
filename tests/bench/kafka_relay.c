#include "kafka_relay.h"

#include "bench.h"
#include "fused.h"
#include "kafka_client.h"

#include <signal.h>
#include <stdlib.h>

#define BATCH   ((size_t)10000)
#define FLIGHTS 2
#define IDLE_MS 100

/* One batch between its receipt and its mark. The inputs stay until the results that borrow their bytes are durable. */
struct flight {
	rd_kafka_message_t *inputs[BATCH];
	char results[BATCH][FUSED_RESULT_SIZE];
	size_t count, acknowledged;
};

struct relay {
	const struct kafka_relay_config *config;
	rd_kafka_t *consumer, *producer;
	rd_kafka_queue_t *queue;
	rd_kafka_topic_t *outputs;
	struct flight *flights;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

/* ---- clients ---- */

/* As a reader of the manuals of broker and library would set them for this work. */
static const struct kafka_property consumer_properties[] = {
    {"auto.offset.reset", "earliest"},
    {"isolation.level", "read_committed"},
    {"enable.auto.offset.store", "false"},
    {"auto.commit.interval.ms", "200"},
    /* librdkafka before 2.2 looks only once a second whether a full queue has room again. */
    {"queued.min.messages", "1000000"},
    {NULL, NULL},
};

static const struct kafka_property producer_properties[] = {
    {"enable.idempotence", "true"},
    {"compression.type", "lz4"},
    /* A transaction that begins while the broker still ends the one before it is told to come again; the 100 ms of the
     * library's default would be most of its time. */
    {"retry.backoff.ms", "5"},
    {NULL, NULL},
};

static void consumer_open(struct relay *relay)
{
	rd_kafka_conf_t *conf = kafka_client_conf(relay->config->brokers, consumer_properties);
	kafka_client_set(conf, "group.id", relay->config->group);
	kafka_client_set(conf, "enable.auto.commit", relay->config->transactional ? "false" : "true");
	relay->consumer = kafka_client_new(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(relay->consumer);
	relay->queue = rd_kafka_queue_get_consumer(relay->consumer);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, relay->config->inputs, RD_KAFKA_PARTITION_UA);
	kafka_client_must_code(rd_kafka_subscribe(relay->consumer, topics), "subscribing");
	rd_kafka_topic_partition_list_destroy(topics);
}

static void acknowledge(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	(void)producer, (void)opaque;
	struct flight *flight = message->_private;
	bench_must(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(message->err));
	flight->acknowledged++;
}

static void producer_open(struct relay *relay)
{
	rd_kafka_conf_t *conf = kafka_client_conf(relay->config->brokers, producer_properties);
	kafka_client_set(conf, "linger.ms", relay->config->count ? "5" : "0");
	if (relay->config->transactional)
		kafka_client_set(conf, "transactional.id", relay->config->group);
	rd_kafka_conf_set_dr_msg_cb(conf, acknowledge);
	relay->producer = kafka_client_new(RD_KAFKA_PRODUCER, conf);
	relay->outputs = rd_kafka_topic_new(relay->producer, relay->config->outputs, NULL);
	bench_must(relay->outputs != NULL, relay->config->outputs);
	if (relay->config->transactional)
		kafka_client_must(rd_kafka_init_transactions(relay->producer, 30000));
}

static void relay_close(struct relay *relay)
{
	rd_kafka_queue_destroy(relay->queue);
	rd_kafka_consumer_close(relay->consumer);
	rd_kafka_destroy(relay->consumer);
	rd_kafka_topic_destroy(relay->outputs);
	rd_kafka_destroy(relay->producer);
	free(relay->flights);
}

/* ---- flights ---- */

/* What is there, up to `most`; waits a little for the first. A call for more than is there would wait out its time. */
static void flight_take(struct relay *relay, struct flight *flight, size_t most)
{
	if (rd_kafka_consume_batch_queue(relay->queue, IDLE_MS, flight->inputs, 1) < 1)
		return;
	ssize_t more = rd_kafka_consume_batch_queue(relay->queue, 0, flight->inputs + 1, most - 1);
	flight->count = 1 + (size_t)(more > 0 ? more : 0);
	for (size_t i = 0; i < flight->count; i++)
		bench_must(flight->inputs[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_message_errstr(flight->inputs[i]));
}

static void flight_send_one(struct relay *relay, struct flight *flight, size_t i)
{
	rd_kafka_message_t *input = flight->inputs[i];
	void *value = input->payload;
	size_t size = input->len;
	if (relay->config->answer) {
		size = relay->config->answer(relay->config->context, input->payload, input->len, flight->results[i]);
		value = flight->results[i];
	}
	while (rd_kafka_produce(relay->outputs, input->partition, 0, value, size, input->key, input->key_len, flight) < 0) {
		bench_must(rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL, rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(relay->producer, 1);
	}
}

/* After the last input of each partition. */
static rd_kafka_topic_partition_list_t *flight_offsets(const struct relay *relay, const struct flight *flight)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *mark = NULL;
	for (size_t i = 0; i < flight->count; i++) {
		int32_t partition = flight->inputs[i]->partition;
		if (!mark || mark->partition != partition) {
			mark = rd_kafka_topic_partition_list_find(offsets, relay->config->inputs, partition);
			if (!mark)
				mark = rd_kafka_topic_partition_list_add(offsets, relay->config->inputs, partition);
		}
		mark->offset = flight->inputs[i]->offset + 1;
	}
	return offsets;
}

static void flight_free_inputs(struct flight *flight)
{
	for (size_t i = 0; i < flight->count; i++)
		rd_kafka_message_destroy(flight->inputs[i]);
	flight->count = flight->acknowledged = 0;
}

/* ---- at least once ---- */

/* Flights are settled in their order, so the mark never passes a result that is not durable. */
static void flight_settle(struct relay *relay, struct flight *flight)
{
	if (flight->count == 0)
		return;
	while (flight->acknowledged < flight->count)
		rd_kafka_poll(relay->producer, IDLE_MS);
	rd_kafka_topic_partition_list_t *offsets = flight_offsets(relay, flight);
	kafka_client_must_code(rd_kafka_offsets_store(relay->consumer, offsets), "storing offsets");
	rd_kafka_topic_partition_list_destroy(offsets);
	flight_free_inputs(flight);
}

static size_t turn_at_least_once(struct relay *relay, struct flight *flight, size_t most)
{
	flight_settle(relay, flight);
	flight_take(relay, flight, most);
	for (size_t i = 0; i < flight->count; i++)
		flight_send_one(relay, flight, i);
	return flight->count;
}

/* ---- exactly once ---- */

static size_t turn_exactly_once(struct relay *relay, struct flight *flight, size_t most)
{
	flight_take(relay, flight, most);
	size_t count = flight->count;
	if (count == 0)
		return 0;
	kafka_client_must(rd_kafka_begin_transaction(relay->producer));
	for (size_t i = 0; i < count; i++)
		flight_send_one(relay, flight, i);
	rd_kafka_topic_partition_list_t *offsets = flight_offsets(relay, flight);
	rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(relay->consumer);
	kafka_client_must(rd_kafka_send_offsets_to_transaction(relay->producer, offsets, group, -1));
	kafka_client_must(rd_kafka_commit_transaction(relay->producer, -1));
	rd_kafka_consumer_group_metadata_destroy(group);
	rd_kafka_topic_partition_list_destroy(offsets);
	flight_free_inputs(flight);
	return count;
}

/* ---- the loop ---- */

void kafka_relay(const struct kafka_relay_config *config)
{
	struct relay relay = {.config = config, .flights = calloc(FLIGHTS, sizeof(struct flight))};
	size_t taken = 0, turn = 0;
	bench_must(relay.flights != NULL, "memory");
	signal(SIGTERM, stop);
	producer_open(&relay);
	consumer_open(&relay);
	while (!stopping && (config->count == 0 || taken < config->count)) {
		struct flight *flight = &relay.flights[turn++ % FLIGHTS];
		size_t left = config->count - taken, most = config->count && left < BATCH ? left : BATCH;
		taken += (config->transactional ? turn_exactly_once : turn_at_least_once)(&relay, flight, most);
	}
	for (size_t i = 0; i < FLIGHTS; i++)
		flight_settle(&relay, &relay.flights[turn++ % FLIGHTS]);
	relay_close(&relay);
}
