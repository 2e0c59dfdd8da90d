/* A Kafka reader whose partition errors while messages wait in its queue: the error is told, every message is read. */
#include "kafka_mock.h"

#include <msp/clock.h>

#define MESSAGES 3000
#define FETCH    1 /* Kafka's number of the request */

/* Answers to fetches are small, so that many come while the first messages wait. */
static const struct msp_property settings[] = {
    {"consumer.fetch.message.max.bytes", "1000"}, {"consumer.fetch.error.backoff.ms", "10"}, {NULL, NULL}};

static struct msp_reader *reader_open(struct kafka_mock *mock)
{
	const struct msp_reader_config config = {
	    .topic = mock->names[0],
	    .partition = MSP_PARTITION_ANY,
	    .start = MSP_START_BEGINNING,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	    .stop_at_end = true,
	};
	struct msp_reader *reader;
	struct msp_error err = {.text = ""};
	if (msp_transport_reader_open(mock->transport, &config, &reader, &err) != MSP_OK)
		fail_msg("%s", err.text);
	return reader;
}

static void errors_push(struct kafka_mock *mock)
{
	rd_kafka_mock_push_request_errors(mock->cluster, FETCH, 2, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
	                                  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

static void an_error_among_waiting_messages_is_told(void **state)
{
	static struct kafka_mock mock;
	(void)state;
	kafka_mock_start(&mock, 1, settings);
	for (size_t i = 0; i < MESSAGES; i += 100)
		kafka_mock_inputs_send(&mock, 0, 100);
	struct msp_reader *reader = reader_open(&mock);
	const struct msp_receive_limits limits = {.max_messages = 1, .max_bytes = 1000, .timeout_ms = 100};
	size_t total = 0, told = 0;
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		struct msp_error err = {.text = ""};
		size_t count;
		if (total == 1)
			errors_push(&mock);
		if (msp_reader_read(reader, &limits, &messages, &count, &end, &err) != MSP_OK) {
			assert_true(err.retriable);
			assert_non_null(strstr(err.text, mock.names[0]));
			told++;
			continue;
		}
		total += count;
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
	}
	assert_int_equal(total, MESSAGES);
	assert_true(told > 0);
	msp_reader_free(reader);
	kafka_mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_error_among_waiting_messages_is_told)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
