/* A consumer that is closed: with a mark to commit, and at the very moment when its share arrives. librdkafka does not
 * answer what it is asked then: a close that asks hangs, about once in ten times. */
#include "brokers.h"
#include "transport_fixture.h"

#include <librdkafka/rdkafka.h>
#include <msp/clock.h>

#define ROUNDS   150
#define CLOSE_MS 500 /* on average: nothing is waited for in vain */

/* ---- what the broker knows of the group ---- */

static struct {
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	char member[256]; /* the one that was seen last */
} watch;

static void watch_start(const struct fixture *fixture)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", fixture->url + strlen("kafka://"), text, sizeof(text));
	watch.rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(watch.rk);
	watch.queue = rd_kafka_queue_new(watch.rk);
	*watch.member = 0;
}

static void watch_stop(void)
{
	rd_kafka_queue_destroy(watch.queue);
	rd_kafka_destroy(watch.rk);
}

/* True for a member that was not there before and has its share. */
static bool member_is_new(const rd_kafka_ConsumerGroupDescription_t *group)
{
	if (rd_kafka_ConsumerGroupDescription_state(group) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE)
		return false;
	const char *member = rd_kafka_MemberDescription_consumer_id(rd_kafka_ConsumerGroupDescription_member(group, 0));
	bool is_new = strcmp(member, watch.member) != 0;
	snprintf(watch.member, sizeof(watch.member), "%s", member);
	return is_new;
}

static bool member_has_come(const char *group)
{
	size_t count = 0;
	rd_kafka_DescribeConsumerGroups(watch.rk, &group, 1, NULL, watch.queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(watch.queue, DEADLINE_MS);
	const rd_kafka_DescribeConsumerGroups_result_t *result = rd_kafka_event_DescribeConsumerGroups_result(event);
	const rd_kafka_ConsumerGroupDescription_t **groups =
	    result ? rd_kafka_DescribeConsumerGroups_result_groups(result, &count) : NULL;
	bool has_come = count == 1 && member_is_new(groups[0]);
	rd_kafka_event_destroy(event);
	return has_come;
}

/* The consumer takes its share only in receive: it is on its way then, or has arrived and stays unread. */
static void share_await(const struct fixture *fixture)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (!member_has_come(fixture->group))
		assert_true(msp_monotonic_ms() < deadline_ms);
}

/* ---- cases ---- */

/* A transaction is seen only when the broker has written its markers, a moment after the answer to the commit. */
static void outputs_await(struct fixture *fixture, size_t count)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (partition_count(fixture, fixture->outputs, 0) < count)
		assert_true(msp_monotonic_ms() < deadline_ms);
}

static void closing_returns(struct fixture *fixture, const char *instance)
{
	int64_t closing_ms = 0;
	watch_start(fixture);
	for (int round = 0; round < ROUNDS; round++) {
		struct msp_consumer *consumer = consumer_open(fixture, 0, instance, 0);
		share_await(fixture);
		closing_ms -= msp_monotonic_ms();
		consumer_close(consumer);
		closing_ms += msp_monotonic_ms();
		assert_true(closing_ms < (int64_t)ROUNDS * CLOSE_MS);
	}
	watch_stop();
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, instance, 0);
	echo(consumer, 10);
	consumer_close(consumer);
	outputs_await(fixture, 10);
	topic_expect_in_order(fixture, fixture->outputs, 1, 10);
}

#define COMMIT_INTERVAL_MS 1

/* It is due when the consumer is closed. */
static void the_mark_is_committed(struct fixture *fixture, const char *instance)
{
	const struct msp_consumer_config config = {
	    .inputs = fixture->inputs,
	    .outputs = fixture->outputs,
	    .errors = fixture->errors,
	    .group = fixture->group,
	    .instance = instance,
	    .commit_interval_ms = COMMIT_INTERVAL_MS,
	    .guarantee = MSP_AT_LEAST_ONCE,
	};
	struct msp_consumer *consumer;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	assert_int_equal(transport_contract->ops->consumer_open(fixture->transports[0], &config, &consumer, &fixture->err),
	                 MSP_OK);
	echo(consumer, 10);
	int64_t due_ms = msp_deadline_in(COMMIT_INTERVAL_MS);
	do
		outputs_await(fixture, 10);
	while (msp_deadline_left_ms(due_ms) > 0);
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
