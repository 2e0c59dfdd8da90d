/* A broker that begins to refuse what its topic took before: the producer learns the new limit from the refusals. */
#include "brokers.h"
#include "transport_fixture.h"

#include <librdkafka/rdkafka.h>
#include <msp/clock.h>

#define NEW_LIMIT 3000
/* Two are above the limit together, one is not. */
#define VALUE_SIZE 2000
#define VALUES     4

/* Bytes that do not get smaller when they are compressed; the first is the number. */
static void value_fill(unsigned char *value, size_t size, int number)
{
	unsigned seed = (unsigned)number + 1;
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		value[i] = (unsigned char)(seed >> 16);
	}
	value[0] = (unsigned char)number;
}

static void value_send(struct fixture *fixture, int number)
{
	unsigned char value[VALUE_SIZE];
	value_fill(value, sizeof(value), number);
	const struct msp_message message = {
	    .value = {value, sizeof(value)}, .timestamp_ms = MSP_TIMESTAMP_NONE, .partition = 0};
	send_message(fixture, fixture->inputs, &message);
}

/* ---- the topic's limit ---- */

static void limit_set(const struct fixture *fixture, const char *topic, const char *bytes)
{
	char text[200];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	assert_int_equal(
	    rd_kafka_conf_set(conf, "bootstrap.servers", fixture->url + strlen("kafka://"), text, sizeof(text)),
	    RD_KAFKA_CONF_OK);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(client);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	rd_kafka_ConfigResource_set_config(resource, "max.message.bytes", bytes);
	rd_kafka_AlterConfigs(client, &resource, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, DEADLINE_MS);
	assert_non_null(event);
	assert_int_equal(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
	size_t count;
	const rd_kafka_ConfigResource_t **resources =
	    rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
	assert_int_equal(count, 1);
	assert_int_equal(rd_kafka_ConfigResource_error(resources[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_event_destroy(event);
	rd_kafka_ConfigResource_destroy(resource);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
}

/* The broker says that it has the limit a little before it applies it. */
static void limit_await(struct fixture *fixture, const char *topic)
{
	unsigned char value[NEW_LIMIT + 500];
	value_fill(value, sizeof(value), 0);
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	struct msp_outgoing outgoing;
	do {
		assert_true(msp_monotonic_ms() < deadline_ms);
		outgoing = (struct msp_outgoing){
		    .message = {.value = {value, sizeof(value)}, .timestamp_ms = MSP_TIMESTAMP_NONE, .partition = 0}};
		assert_int_equal(msp_producer_send(fixture->producer, topic, &outgoing, 1, DEADLINE_MS, &fixture->err), MSP_OK);
	} while (outgoing.state != MSP_OUTGOING_REJECTED);
}

/* ---- what is published ---- */

static void value_count(void *context, const struct msp_message *message)
{
	int *counts = context;
	if (message->value.size == VALUE_SIZE)
		counts[*(const unsigned char *)message->value.data]++;
}

/* Each is proven in a transaction of its own or of a few; what counts is that all are in the one that is committed. */
static void results_that_pass_alone_are_all_published(void **state)
{
	struct fixture *fixture = *state;
	char bytes[16];
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	snprintf(bytes, sizeof(bytes), "%d", NEW_LIMIT);
	limit_set(fixture, fixture->outputs, bytes);
	limit_await(fixture, fixture->outputs);
	for (int i = 0; i < VALUES; i++)
		value_send(fixture, i);
	size_t settled = 0;
	while (settled < VALUES) {
		struct msp_batch *batch = receive(consumer, VALUES);
		settled += batch->count;
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
	int counts[256] = {0};
	topic_walk(fixture, fixture->outputs, 0, value_count, counts);
	for (int i = 0; i < VALUES; i++)
		assert_int_equal(counts[i], 1);
}

int main(void)
{
	if (!fixture_use(&test_broker_kafka))
		return 77;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(results_that_pass_alone_are_all_published, fixture_init_topics_one,
	                                    fixture_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
