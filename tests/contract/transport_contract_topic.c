/* What becomes of batches whose topic is deleted. */
#include "transport_fixture.h"
#include <msp/clock.h>

#define T_ONE(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

/* False: the answer was not LOST but OK, as it may be under MSP_AT_LEAST_ONCE where offsets are committed later. */
static bool settle_is_lost(struct msp_consumer *consumer)
{
	enum msp_settle_answer answer = settle_wait(consumer);
	assert_true(answer == MSP_SETTLE_LOST || (answer == MSP_SETTLE_OK && transport_guarantee == MSP_AT_LEAST_ONCE));
	return answer == MSP_SETTLE_LOST;
}

/* Receives until the consumer knows that its topic is gone; until then it may have what it had read ahead. */
static void topic_loss_await(struct msp_consumer *consumer)
{
	struct msp_receive_limits limits = {10, 1000, 10};
	struct msp_batch *batch = NULL;
	struct msp_error err;
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	while (msp_consumer_receive(consumer, &limits, &batch, &err) == MSP_OK) {
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
		batch_free(consumer, batch);
	}
	assert_true(err.retriable);
}

static void two_batches_are_lost_together(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 8);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batches[] = {receive(consumer, 2), receive(consumer, 2)};
	assert_int_equal(msp_admin_topic_delete(fixture->admin, fixture->inputs, DEADLINE_MS, &fixture->err), MSP_OK);
	bool lost = true;
	for (size_t i = 0; i < 2; i++) {
		settle_begin(consumer, batches[i], NULL);
		lost &= settle_is_lost(consumer);
	}
	int number = 0;
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < batches[i]->count; k++)
			assert_int_equal(message_number(&batches[i]->messages[k]), number++); /* still readable */
		batch_free(consumer, batches[i]);
	}
	if (!lost)
		topic_loss_await(consumer);
	topic_create(fixture, fixture->inputs, 1, 0);
	send_numbers(fixture, fixture->inputs, 0, 0, 8);
	echo(consumer, 8);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 8);
}

static void a_topic_created_anew_is_another_one(void **state)
{
	struct fixture *fixture = *state;
	struct msp_admin *admin = fixture->admin;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 3);
	struct msp_batch *held = receive(consumer, 1);
	struct msp_topic_info *until = NULL;
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &until, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_int_equal(msp_admin_topic_delete(admin, fixture->inputs, DEADLINE_MS, &fixture->err), MSP_OK);
	topic_loss_await(consumer);
	settle_begin(consumer, held, NULL);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_LOST);
	batch_free(consumer, held);
	topic_create(fixture, fixture->inputs, 2, 0);
	send_numbers(fixture, fixture->inputs, 0, 3, 2);
	send_numbers(fixture, fixture->inputs, 1, 0, 2);
	echo(consumer, 4);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
	/* The end of the topic that is gone lies past the end of the new one. */
	assert_int_equal(group_lag_until(fixture, fixture->group, until), 0);
	free(until);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 7);
}

/* Its results may come, its mark may not: it would be one of another topic. */
static void a_batch_ends_with_its_topic(void **state)
{
	struct fixture *fixture = *state;
	struct msp_admin *admin = fixture->admin;
	send_numbers(fixture, fixture->inputs, 0, 0, 8);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 1);
	struct msp_batch *batch = receive(consumer, 5);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	assert_int_equal(msp_admin_topic_delete(admin, fixture->inputs, DEADLINE_MS, &fixture->err), MSP_OK);
	settle_begin(consumer, batch, outgoing);
	bool lost = settle_is_lost(consumer);
	free(outgoing);
	batch_free(consumer, batch);
	if (!lost)
		topic_loss_await(consumer);
	topic_create(fixture, fixture->inputs, 1, 0);
	size_t before = topic_count(fixture, fixture->outputs, NULL);
	send_numbers(fixture, fixture->inputs, 0, 0, 8);
	echo(consumer, 3);
	consumer_close(consumer);
	consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 5);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), before + 8);
}

const struct CMUnitTest transport_topic_tests[] = {
    T_ONE(two_batches_are_lost_together),
    T_ONE(a_topic_created_anew_is_another_one),
    T_ONE(a_batch_ends_with_its_topic),
};
const size_t transport_topic_test_count = sizeof(transport_topic_tests) / sizeof(transport_topic_tests[0]);
