#include "kafka_mock.h"

#include <msp/clock.h>
#include <msp/log.h>
#include <msp_transport_kafka.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUTS 100

static void *options_new(const struct msp_property *settings)
{
	const struct msp_option_table *table = msp_transport_kafka.options;
	struct msp_error err = {.text = ""};
	void *options = calloc(1, table->struct_size);
	assert_non_null(options);
	assert_int_equal(msp_options_init(table, options, &err), MSP_OK);
	for (; settings && settings->name; settings++)
		if (msp_option_set(msp_option_find(table, settings->name), options, settings->value, &err) != MSP_OK)
			fail_msg("%s", err.text);
	return options;
}

void kafka_mock_start(struct kafka_mock *mock, int partitions, const struct msp_property *settings)
{
	static const struct msp_property properties[] = {
	    {"consumer.fetch.wait.max.ms", "10"}, {"consumer.heartbeat.interval.ms", "100"}, {"socket.timeout.ms", "1000"}};
	static int count;
	char text[200], url[300];
	msp_log_set_level(MSP_LOG_WARN);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "4", text, sizeof(text)); /* it misses brokers of its own */
	mock->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(mock->host);
	mock->cluster = rd_kafka_mock_cluster_new(mock->host, 1);
	assert_non_null(mock->cluster);
	for (size_t i = 0; i < 3; i++) {
		snprintf(mock->names[i], sizeof(mock->names[i]), "topic.%d.%zu", count, i);
		assert_int_equal(rd_kafka_mock_topic_create(mock->cluster, mock->names[i], partitions, 1),
		                 RD_KAFKA_RESP_ERR_NO_ERROR);
	}
	count++;
	snprintf(url, sizeof(url), "kafka://%s", rd_kafka_mock_cluster_bootstraps(mock->cluster));
	mock->options = options_new(settings);
	const struct msp_transport_config config = {
	    .url = url, .options = mock->options, .properties = properties, .property_count = 3};
	assert_int_equal(msp_transport_kafka.open(&config, &mock->transport, NULL), MSP_OK);
}

void kafka_mock_stop(struct kafka_mock *mock)
{
	msp_transport_free(mock->transport);
	msp_options_done(msp_transport_kafka.options, mock->options);
	free(mock->options);
	rd_kafka_mock_cluster_destroy(mock->cluster);
	rd_kafka_destroy(mock->host);
}

struct msp_consumer *kafka_mock_consumer_open(struct kafka_mock *mock, enum msp_guarantee guarantee,
                                              const char *instance)
{
	const struct msp_consumer_config config = {
	    .inputs = mock->names[0],
	    .outputs = mock->names[1],
	    .errors = mock->names[2],
	    .group = "group",
	    .instance = instance,
	    .guarantee = guarantee,
	    .commit_interval_ms = 50,
	};
	struct msp_consumer *consumer = NULL;
	struct msp_error err = {.text = ""};
	if (msp_transport_consumer_open(mock->transport, &config, &consumer, &err) != MSP_OK)
		fail_msg("%s", err.text);
	return consumer;
}

void kafka_mock_inputs_send(struct kafka_mock *mock, int32_t partition, size_t count)
{
	struct msp_outgoing outgoing[MAX_INPUTS];
	struct msp_producer *producer;
	assert_true(count <= MAX_INPUTS);
	for (size_t i = 0; i < count; i++)
		outgoing[i] = (struct msp_outgoing){.message = {.value = MSP_BYTES_LITERAL("value"),
		                                                .timestamp_ms = MSP_TIMESTAMP_NONE,
		                                                .partition = partition}};
	assert_int_equal(msp_transport_producer_open(mock->transport, &producer, NULL), MSP_OK);
	assert_int_equal(msp_producer_send(producer, mock->names[0], outgoing, count, DEADLINE_MS, NULL), MSP_OK);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(outgoing[i].state, MSP_OUTGOING_PUBLISHED);
	msp_producer_free(producer);
}

struct msp_batch *kafka_mock_receive(struct msp_consumer *consumer, size_t max_messages)
{
	const struct msp_receive_limits limits = {.max_messages = max_messages, .max_bytes = 1 << 20, .timeout_ms = 100};
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	while (msp_deadline_left_ms(deadline_ms) > 0) {
		struct msp_batch *batch = NULL;
		struct msp_error err = {.text = ""};
		if (msp_consumer_receive(consumer, &limits, &batch, &err) != MSP_OK && !err.retriable)
			fail_msg("receive: %s", err.text);
		if (batch)
			return batch;
	}
	fail_msg("nothing was received in time");
	return NULL;
}

void kafka_mock_hang(struct kafka_mock *mock)
{
	assert_int_equal(rd_kafka_mock_broker_set_rtt(mock->cluster, BROKER, NO_ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void kafka_mock_answer(struct kafka_mock *mock)
{
	assert_int_equal(rd_kafka_mock_broker_set_rtt(mock->cluster, BROKER, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
}
