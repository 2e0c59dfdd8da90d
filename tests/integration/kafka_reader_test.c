/* A Kafka reader whose partition errors while messages wait in its queue: the error is told, every message is read. */
#include "kafka_mock.h"

#include <msp/clock.h>

#define ROUNDS 60
#define SENT   100 /* in each */
#define FETCH  1   /* Kafka's number of the request */

static struct msp_reader *reader_open(struct kafka_mock *mock)
{
	const struct msp_reader_config config = {
	    .topic = mock->names[0],
	    .partition = MSP_PARTITION_ANY,
	    .start = MSP_START_BEGINNING,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	};
	struct msp_reader *reader;
	struct msp_error err = {.text = ""};
	if (msp_transport_reader_open(mock->transport, &config, &reader, &err) != MSP_OK)
		fail_msg("%s", err.text);
	return reader;
}

/* Reads `count` messages; returns how many errors were told on the way. */
static size_t read_all(struct kafka_mock *mock, struct msp_reader *reader, size_t count)
{
	const struct msp_receive_limits limits = {.max_messages = 1000, .max_bytes = 1 << 20, .timeout_ms = 100};
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	size_t told = 0;
	for (size_t total = 0, some; total < count; total += some) {
		const struct msp_message *messages;
		struct msp_error err = {.text = ""};
		bool end;
		some = 0;
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
		if (msp_reader_read(reader, &limits, &messages, &some, &end, &err) == MSP_OK)
			continue;
		assert_true(err.retriable);
		assert_non_null(strstr(err.text, mock->names[0]));
		told++;
	}
	return told;
}

/* The reader looks away while its client meets the error and then fetches: the error stands before waiting messages. */
static void an_error_among_waiting_messages_is_told(void **state)
{
	static struct kafka_mock mock;
	(void)state;
	kafka_mock_start(&mock, 1, NULL);
	kafka_mock_inputs_send(&mock, 0, SENT);
	rd_kafka_mock_push_request_errors(mock.cluster, FETCH, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	struct msp_reader *reader = reader_open(&mock);
	for (int round = 1; round < ROUNDS; round++)
		kafka_mock_inputs_send(&mock, 0, SENT);
	assert_int_equal(read_all(&mock, reader, (size_t)ROUNDS * SENT), 1);
	msp_reader_free(reader);
	kafka_mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_error_among_waiting_messages_is_told)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
