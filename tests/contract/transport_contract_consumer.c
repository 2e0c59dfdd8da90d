/* One consumer: what comes in, what settle publishes, and what happens to batches. */
#include "transport_fixture.h"
#include <msp/clock.h>

#define T(function)      cmocka_unit_test_setup_teardown(function, fixture_init_topics, fixture_done)
#define T_ONE(function)  cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)
#define BYTES_OF(string) msp_bytes_of(string, sizeof(string) - 1)

#define T_BARE(function) cmocka_unit_test_setup_teardown(function, fixture_init, fixture_done)

static const char ANY_BYTES[] = "\0\xff\xc0line\n\"\\";

static void bytes_expect(struct msp_bytes actual, struct msp_bytes expected)
{
	assert_true(msp_bytes_equal(actual, expected));
}

static void message_expect(const struct msp_message *actual, const struct msp_message *expected)
{
	bytes_expect(actual->key, expected->key);
	bytes_expect(actual->value, expected->value);
	assert_int_equal(actual->header_count, expected->header_count);
	for (size_t i = 0; i < expected->header_count; i++) {
		bytes_expect(actual->headers[i].name, expected->headers[i].name);
		bytes_expect(actual->headers[i].value, expected->headers[i].value);
	}
	if (!lacks(TRANSPORT_LACKS_TIMESTAMPS) && expected->timestamp_ms != MSP_TIMESTAMP_NONE)
		assert_int_equal(actual->timestamp_ms, expected->timestamp_ms);
}

static void keeps_every_byte(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_header headers[] = {
	    {BYTES_OF("name"), BYTES_OF("value")},    {BYTES_OF("name"), BYTES_OF("again")},
	    {BYTES_OF("empty"), BYTES_OF("")},        {BYTES_OF("absent"), MSP_BYTES_ABSENT},
	    {BYTES_OF("bytes"), BYTES_OF(ANY_BYTES)},
	};
	const struct msp_message messages[] = {
	    {.key = BYTES_OF(ANY_BYTES),
	     .value = BYTES_OF(ANY_BYTES),
	     .headers = headers,
	     .header_count = 5,
	     .timestamp_ms = 1},
	    {.key = BYTES_OF(""), .value = BYTES_OF(""), .timestamp_ms = 1700000000123},
	    {.key = BYTES_OF("only a key"), .timestamp_ms = 5},
	    {.value = BYTES_OF("only a value"), .timestamp_ms = MSP_TIMESTAMP_NONE},
	    {.timestamp_ms = 7},
	};
	const size_t count = sizeof(messages) / sizeof(messages[0]);
	int64_t before_ms = msp_wall_ms();
	for (size_t i = 0; i < count; i++)
		send_message(fixture, fixture->inputs, &messages[i]);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	for (size_t i = 0; i < count;) {
		struct msp_batch *batch = receive(consumer, count);
		for (size_t k = 0; k < batch->count; k++, i++) {
			const struct msp_message *message = &batch->messages[k];
			message_expect(message, &messages[i]);
			assert_string_equal(message->topic, fixture->inputs);
			if (!lacks(TRANSPORT_LACKS_PARTITIONS))
				assert_int_equal(message->offset, i);
			if (messages[i].timestamp_ms == MSP_TIMESTAMP_NONE)
				assert_in_range(message->timestamp_ms, before_ms, msp_wall_ms());
		}
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), count);
}

static void keeps_the_order_of_each_partition(void **state)
{
	struct fixture *fixture = *state;
	for (int round = 0; round < 5; round++) {
		for (int partition = 0; partition < PARTITIONS; partition++)
			send_numbers(fixture, fixture->inputs, partition, round * 20, 20);
	}
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	for (size_t left = (size_t)PARTITIONS * 100; left > 0;) {
		struct msp_batch *batch = receive(consumer, 7);
		left -= batch->count;
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
	topic_expect_in_order(fixture, fixture->outputs, PARTITIONS, 100);
	assert_int_equal(group_lag(fixture), 0);
}

static void honours_the_limits(void **state)
{
	struct fixture *fixture = *state;
	char large[1000];
	memset(large, 'x', sizeof(large));
	const struct msp_message message = {.value = {large, sizeof(large)}, .timestamp_ms = MSP_TIMESTAMP_NONE};
	for (int i = 0; i < 8; i++)
		send_message(fixture, fixture->inputs, &message);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	const struct {
		size_t max_messages, max_bytes, least, most;
	} cases[] = {{1, 100000, 1, 1}, {2, 100000, 1, 2}, {10, 1, 1, 1}, {10, 1999, 1, 1}, {10, 2500, 1, 2}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msp_receive_limits limits = {cases[i].max_messages, cases[i].max_bytes, DEADLINE_MS};
		struct msp_batch *batch = NULL;
		assert_int_equal(msp_consumer_receive(consumer, &limits, &batch, &fixture->err), MSP_OK);
		assert_non_null(batch);
		assert_in_range(batch->count, cases[i].least, cases[i].most);
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
}

static void settle_routes_each_result(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	for (size_t left = 10; left > 0;) {
		struct msp_batch *batch = receive(consumer, left);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		for (size_t i = 0; i < batch->count; i++)
			outgoing[i].route = message_number(&batch->messages[i]) % 2 ? MSP_ROUTE_ERRORS : MSP_ROUTE_OUTPUTS;
		settle_begin(consumer, batch, outgoing);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		left -= batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	int64_t outputs, errors;
	assert_int_equal(topic_count(fixture, fixture->outputs, &outputs), 5);
	assert_int_equal(topic_count(fixture, fixture->errors, &errors), 5);
	assert_int_equal(outputs, 0 + 2 + 4 + 6 + 8);
	assert_int_equal(errors, 1 + 3 + 5 + 7 + 9);
	consumer_close(consumer);
}

/* ---- many results that are not alike ---- */

#define UNLIKE_MESSAGES ((size_t)2500)
#define TEXT_SIZE       16

/* Neighbours have fields of the same names more often than not. */
static struct msp_message unlike_message(size_t i, char text[TEXT_SIZE])
{
	static const struct msp_header headers[] = {
	    {{"one", 3}, {"1", 1}},
	    {{"two", 3}, {"", 0}},
	    {{"two", 3}, {NULL, 0}},
	};
	snprintf(text, TEXT_SIZE, "0:%zu", i);
	struct msp_message message = {.value = msp_bytes_of_string(text), .timestamp_ms = MSP_TIMESTAMP_NONE};
	if (i % 7 == 0)
		message.key = BYTES_OF("key");
	if (i % 5 == 0) {
		message.headers = &headers[i % 3];
		message.header_count = 1;
	}
	return message;
}

static enum msp_route unlike_route(size_t i)
{
	return i % 11 == 0 ? MSP_ROUTE_ERRORS : MSP_ROUTE_OUTPUTS;
}

struct unlike {
	enum msp_route route;
	size_t next;
};

static void unlike_check(void *context, const struct msp_message *message)
{
	struct unlike *unlike = context;
	char text[TEXT_SIZE];
	while (unlike_route(unlike->next) != unlike->route)
		unlike->next++;
	struct msp_message expected = unlike_message(unlike->next++, text);
	message_expect(message, &expected);
}

static void unlike_send(struct fixture *fixture)
{
	static struct msp_outgoing outgoing[UNLIKE_MESSAGES];
	static char texts[UNLIKE_MESSAGES][TEXT_SIZE];
	struct msp_producer *producer = fixture->producer;
	for (size_t i = 0; i < UNLIKE_MESSAGES; i++)
		outgoing[i] = (struct msp_outgoing){.message = unlike_message(i, texts[i])};
	assert_int_equal(
	    msp_producer_send(producer, fixture->inputs, outgoing, UNLIKE_MESSAGES, DEADLINE_MS, &fixture->err), MSP_OK);
}

static void many_unlike_results_keep_every_byte(void **state)
{
	struct fixture *fixture = *state;
	unlike_send(fixture);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	for (size_t left = UNLIKE_MESSAGES; left > 0;) {
		struct msp_batch *batch = receive(consumer, left);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		for (size_t i = 0; i < batch->count; i++)
			outgoing[i].route = unlike_route((size_t)message_number(&batch->messages[i]));
		settle_begin(consumer, batch, outgoing);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		left -= batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	consumer_close(consumer);
	struct unlike outputs = {.route = MSP_ROUTE_OUTPUTS}, errors = {.route = MSP_ROUTE_ERRORS};
	size_t count = topic_walk(fixture, fixture->outputs, MSP_PARTITION_ANY, unlike_check, &outputs);
	count += topic_walk(fixture, fixture->errors, MSP_PARTITION_ANY, unlike_check, &errors);
	assert_int_equal(count, UNLIKE_MESSAGES);
	assert_int_equal(group_lag(fixture), 0);
}

/* What a transport remembers of a topic from one settle must not spoil a later one that does not touch it. */
static void settle_shares_its_topics_with_others(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	for (int i = 0; i < 6; i++) {
		send_numbers(fixture, fixture->inputs, 0, i, 1);
		struct msp_batch *batch = receive(consumer, 1);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		outgoing[0].route = i % 3 == 0 ? MSP_ROUTE_ERRORS : MSP_ROUTE_OUTPUTS;
		settle_begin(consumer, batch, outgoing);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		free(outgoing);
		batch_free(consumer, batch);
		send_numbers(fixture, fixture->errors, 0, 100 + i, 1);
	}
	consumer_close(consumer);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 4);
	assert_int_equal(topic_count(fixture, fixture->errors, NULL), 2 + 6);
}

static void settle_without_results_only_marks(void **state)
{
	struct fixture *fixture = *state;
	send_text(fixture, fixture->inputs, 0, "0:0");
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 1);
	settle_begin(consumer, batch, NULL);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	batch_free(consumer, batch);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 0);
}

static void topics_create(struct fixture *fixture, int32_t partitions, int32_t outputs, size_t outputs_max_bytes)
{
	topic_create(fixture, fixture->inputs, partitions, 0);
	topic_create(fixture, fixture->outputs, outputs, outputs_max_bytes);
	topic_create(fixture, fixture->errors, partitions, 0);
}

static void results_follow_their_partition_or_key(void **state)
{
	struct fixture *fixture = *state;
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		skip();
	topics_create(fixture, PARTITIONS, 2, 0);
	for (int32_t partition = 0; partition < PARTITIONS; partition++) {
		struct msp_message message = {.key = BYTES_OF("some key"),
		                              .value = BYTES_OF("0:0"),
		                              .partition = partition,
		                              .timestamp_ms = MSP_TIMESTAMP_NONE};
		send_message(fixture, fixture->inputs, &message);
	}
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, PARTITIONS);
	consumer_close(consumer);
	int32_t by_key = msp_partition_of_key(BYTES_OF("some key"), 2);
	/* Its own number, and two that have no such partition. */
	assert_int_equal(partition_count(fixture, fixture->outputs, by_key), 3);
	assert_int_equal(partition_count(fixture, fixture->outputs, 1 - by_key), 1);
}

static void refused_results_are_replaced(void **state)
{
	struct fixture *fixture = *state;
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		skip();
	topics_create(fixture, 1, 1, 100);
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	char large[101] = {0};
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 3);
	assert_int_equal(batch->count, 3);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	outgoing[0].message.value = outgoing[2].message.value = msp_bytes_of(large, sizeof(large));
	settle_begin(consumer, batch, outgoing);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_REJECTED);
	assert_int_equal(outgoing[0].state, MSP_OUTGOING_REJECTED);
	assert_int_equal(outgoing[2].state, MSP_OUTGOING_REJECTED);
	assert_true(outgoing[0].reason && strlen(outgoing[0].reason) > 0);
	/* With its input's offset or not at all, where both are one. */
	bool published = outgoing[1].state == MSP_OUTGOING_PUBLISHED;
	assert_true(outgoing[1].state == MSP_OUTGOING_PENDING || (published && transport_guarantee == MSP_AT_LEAST_ONCE));
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), published);
	for (int i = 0; i < 3; i += 2) {
		outgoing[i].message = batch->messages[i];
		outgoing[i].route = MSP_ROUTE_ERRORS;
		outgoing[i].state = MSP_OUTGOING_PENDING;
	}
	settle_begin(consumer, batch, outgoing);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 1);
	assert_int_equal(topic_count(fixture, fixture->errors, NULL), 2);
	assert_int_equal(group_lag(fixture), 0);
}

static void a_batch_is_received_while_one_is_in_flight(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 100);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *flying = receive(consumer, 10);
	size_t total = flying->count;
	while (total < 100) {
		struct msp_outgoing *outgoing = outgoing_new(flying);
		settle_begin(consumer, flying, outgoing);
		struct msp_batch *next = receive(consumer, 10);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		free(outgoing);
		batch_free(consumer, flying);
		total += next->count;
		flying = next;
	}
	settle_echo(consumer, flying);
	consumer_close(consumer);
	topic_expect_in_order(fixture, fixture->outputs, 1, 100);
}

static void what_is_not_settled_comes_again(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, "one", 0);
	echo(consumer, 4);
	batch_free(consumer, receive(consumer, 3));
	consumer_close(consumer);
	consumer = consumer_open(fixture, 0, "one", 0);
	echo(consumer, 6);
	assert_null(receive_within(consumer, 10, 0));
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

static void no_batch_is_settled_over_a_gap(void **state)
{
	struct fixture *fixture = *state;
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		skip();
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *dropped = receive(consumer, 3), *next = receive(consumer, 3);
	batch_free(consumer, dropped);
	settle_begin(consumer, next, NULL);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_LOST);
	assert_int_equal(message_number(&next->messages[0]), 3); /* still readable */
	batch_free(consumer, next);
	echo(consumer, 10);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

static void a_closed_consumer_abandons_its_batches(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, "one", 0);
	assert_non_null(receive(consumer, 3));
	assert_non_null(receive(consumer, 3));
	consumer_close(consumer);
	consumer = consumer_open(fixture, 0, "one", 0);
	echo(consumer, 10);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

static void missing_inputs_are_not_found(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = NULL;
	assert_int_equal(consumer_try_open(fixture, 0, NULL, 0, &consumer), MSP_E_NOT_FOUND);
	assert_true(fixture->err.retriable);
	struct msp_outgoing outgoing = {.message = {.value = BYTES_OF("x"), .timestamp_ms = MSP_TIMESTAMP_NONE}};
	struct msp_producer *producer = fixture->producer;
	assert_int_equal(msp_producer_send(producer, fixture->inputs, &outgoing, 1, 1000, &fixture->err), MSP_E_NOT_FOUND);
	assert_true(fixture->err.retriable);
	assert_int_equal(outgoing.state, MSP_OUTGOING_PENDING);
}

static void missing_outputs_are_waited_for(void **state)
{
	struct fixture *fixture = *state;
	topic_create(fixture, fixture->inputs, 1, 0);
	send_text(fixture, fixture->inputs, 0, "0:0");
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 1);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = {.status = MSP_OK};
	for (int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS; err.status == MSP_OK;) {
		assert_int_equal(msp_consumer_settle_wait(consumer, 50, &err), MSP_SETTLE_AGAIN);
		assert_true(msp_monotonic_ms() < deadline_ms);
	}
	assert_non_null(strstr(err.text, fixture->outputs));
	topic_create(fixture, fixture->outputs, 1, 0);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 1);
}

static void a_producer_gives_each_message_its_verdict(void **state)
{
	struct fixture *fixture = *state;
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		skip();
	topics_create(fixture, 1, 2, 10);
	struct msp_outgoing outgoing[3];
	for (int i = 0; i < 3; i++) {
		struct msp_bytes value = i == 1 ? BYTES_OF("eleven byte") : BYTES_OF("ten bytes.");
		outgoing[i] = (struct msp_outgoing){
		    .message = {.value = value, .partition = MSP_PARTITION_ANY, .timestamp_ms = MSP_TIMESTAMP_NONE}};
	}
	struct msp_producer *producer = fixture->producer;
	assert_int_equal(msp_producer_send(producer, fixture->outputs, outgoing, 3, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_int_equal(outgoing[0].state, MSP_OUTGOING_PUBLISHED);
	assert_int_equal(outgoing[1].state, MSP_OUTGOING_REJECTED);
	assert_true(outgoing[1].reason && strlen(outgoing[1].reason) > 0);
	assert_int_equal(outgoing[2].state, MSP_OUTGOING_PUBLISHED);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 2);
}

const struct CMUnitTest transport_consumer_tests[] = {
    T_ONE(keeps_every_byte),
    T(keeps_the_order_of_each_partition),
    T_ONE(honours_the_limits),
    T(settle_routes_each_result),
    T_ONE(many_unlike_results_keep_every_byte),
    T(settle_shares_its_topics_with_others),
    T(settle_without_results_only_marks),
    T_BARE(results_follow_their_partition_or_key),
    T_BARE(refused_results_are_replaced),
    T_ONE(a_batch_is_received_while_one_is_in_flight),
    T_ONE(what_is_not_settled_comes_again),
    T_ONE(no_batch_is_settled_over_a_gap),
    T_ONE(a_closed_consumer_abandons_its_batches),
    T_BARE(missing_inputs_are_not_found),
    T_BARE(missing_outputs_are_waited_for),
    T_BARE(a_producer_gives_each_message_its_verdict),
};
const size_t transport_consumer_test_count = sizeof(transport_consumer_tests) / sizeof(transport_consumer_tests[0]);
