/* A consumer that is closed: with a mark to commit, and at the very moment when its share arrives. librdkafka does not
 * answer what it is asked then: a close that asks hangs, about once in ten times. */
#include "brokers.h"
#include "transport_fixture.h"

#include <consumer.h>
#include <msp/clock.h>
#include <time.h>

#define ROUNDS 150

/* The consumer looks at its events only in receive: here they stay unread. */
static void first_event_await(struct msp_consumer *base)
{
	const struct kafka_consumer *consumer = (const struct kafka_consumer *)base;
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (rd_kafka_queue_length(consumer->events) == 0) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
	}
}

/* A transaction is seen only when the broker has written its markers, a moment after the answer to the commit. */
static void outputs_await(struct fixture *fixture, size_t count)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (partition_count(fixture, fixture->outputs, 0) < count)
		assert_true(msp_monotonic_ms() < deadline_ms);
}

static void closing_returns(struct fixture *fixture, const char *instance)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct msp_consumer *consumer = consumer_open(fixture, 0, instance, 0);
		first_event_await(consumer);
		consumer_close(consumer);
	}
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, instance, 0);
	echo(consumer, 10);
	consumer_close(consumer);
	outputs_await(fixture, 10);
	topic_expect_in_order(fixture, fixture->outputs, 1, 10);
}

/* It is due already when the consumer is closed. */
static void the_mark_is_committed(struct fixture *fixture, const char *instance)
{
	const struct msp_consumer_config config = {
	    .inputs = fixture->inputs,
	    .outputs = fixture->outputs,
	    .errors = fixture->errors,
	    .group = fixture->group,
	    .instance = instance,
	    .commit_interval_ms = 20,
	    .guarantee = MSP_AT_LEAST_ONCE,
	};
	struct msp_consumer *consumer;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	assert_int_equal(transport_contract->ops->consumer_open(fixture->transports[0], &config, &consumer, &fixture->err),
	                 MSP_OK);
	echo(consumer, 10);
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
}

static void closing_a_static_member_commits(void **state)
{
	the_mark_is_committed(*state, "name");
}

static void closing_a_member_that_leaves_commits(void **state)
{
	the_mark_is_committed(*state, NULL);
}

static void closing_a_static_member_returns(void **state)
{
	closing_returns(*state, "name");
}

static void closing_a_member_that_leaves_returns(void **state)
{
	closing_returns(*state, NULL);
}

int main(void)
{
	if (!fixture_use(&test_broker_kafka))
		return 77;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(closing_a_static_member_commits, fixture_init_topics_one, fixture_done),
	    cmocka_unit_test_setup_teardown(closing_a_member_that_leaves_commits, fixture_init_topics_one, fixture_done),
	    cmocka_unit_test_setup_teardown(closing_a_static_member_returns, fixture_init_topics_one, fixture_done),
	    cmocka_unit_test_setup_teardown(closing_a_member_that_leaves_returns, fixture_init_topics_one, fixture_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
