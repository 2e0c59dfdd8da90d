/* What msp says about a group and about a consumer, and what a consumer does that only serves. */
#include "redis_fixture.h"
#include <msp/clock.h>

#define T(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

static void lag_expect(struct fixture *fixture, const char *group, int64_t messages, int64_t oldest_timestamp_ms)
{
	struct msp_group_lag *lag;
	if (msp_admin_group_lag(fixture->admin, group, fixture->inputs, NULL, &lag, DEADLINE_MS, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	assert_int_equal(lag->partition_count, 1);
	assert_int_equal(lag->partitions[0].messages, messages);
	assert_int_equal(lag->partitions[0].oldest_timestamp_ms, oldest_timestamp_ms);
	free(lag);
}

static void the_oldest_is_pending_or_unread(void **state)
{
	struct fixture *fixture = *state;
	lag_expect(fixture, fixture->group, 0, MSP_TIMESTAMP_NONE);
	for (int ms = 1000; ms <= 3000; ms += 1000)
		freeReplyObject(redis_run("XADD %s %d-0 value v", fixture->inputs, ms));
	lag_expect(fixture, fixture->group, 3, 1000);
	freeReplyObject(redis_run("XREADGROUP GROUP %s other COUNT 2 STREAMS %s >", fixture->group, fixture->inputs));
	redis_number("XACK %s %s 1000-0", fixture->inputs, fixture->group);
	lag_expect(fixture, fixture->group, 2, 2000);
	redis_number("XACK %s %s 2000-0", fixture->inputs, fixture->group);
	lag_expect(fixture, fixture->group, 1, 3000);
	lag_expect(fixture, "nobody", 3, 1000);
	redis_number("XDEL %s 3000-0", fixture->inputs);
	lag_expect(fixture, fixture->group, 0, MSP_TIMESTAMP_NONE);
}

static void one_connection_asks_for_many_groups(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	redisReply *first = redis_run("XRANGE %s - + COUNT 1", fixture->inputs);
	int64_t oldest_ms = strtoll(first->element[0]->element[0]->str, NULL, 10);
	freeReplyObject(first);
	lag_expect(fixture, fixture->group, 3, oldest_ms);
	long long before = redis_info_number("total_connections_received:");
	for (int i = 0; i < 100; i++)
		lag_expect(fixture, i % 2 ? fixture->group : "nobody", 3, oldest_ms);
	/* The one that asks for the number. */
	assert_int_equal(redis_info_number("total_connections_received:"), before + 1);
}

/* As long as a worker cannot compute what it holds. */
static void serving_keeps_what_is_held(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 2);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_consumer *other = consumer_open(fixture, 1, NULL, 0);
	struct msp_batch *batch = receive(consumer, 2);
	for (int64_t end_ms = msp_deadline_in(3000); msp_monotonic_ms() < end_ms;) {
		assert_int_equal(msp_consumer_serve(consumer, 100, &fixture->err), MSP_OK);
		assert_null(receive_within(other, 2, 100));
	}
	msp_consumer_wake(consumer);
	int64_t began_ms = msp_monotonic_ms();
	assert_int_equal(msp_consumer_serve(consumer, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 1000);
	settle_echo(consumer, batch);
	consumer_close(consumer);
	consumer_close(other);
	topic_expect(fixture, fixture->outputs, 1, 2);
}

static void connections_and_prefetched_messages_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer_stats stats;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	msp_consumer_stats(consumer, &stats);
	assert_int_equal(stats.connections_up, 0);
	struct msp_batch *batch = receive(consumer, 3);
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	do {
		assert_true(msp_monotonic_ms() < deadline_ms);
		assert_int_equal(msp_consumer_serve(consumer, 10, &fixture->err), MSP_OK);
		msp_consumer_stats(consumer, &stats);
	} while (stats.prefetched_messages < 3);
	assert_int_equal(stats.prefetched_messages, 3);
	assert_int_equal(stats.prefetched_bytes, 3 * strlen("0:3"));
	assert_int_equal(stats.connections_up, 2);
	assert_int_equal(stats.connections_down, 0);
	assert_int_equal(stats.connects, 2);
	settle_echo(consumer, batch);
	msp_consumer_stats(consumer, &stats);
	assert_in_range(stats.round_trip_us, 0, 1000000);
	redis_number("CLIENT KILL TYPE normal SKIPME yes");
	echo(consumer, 7);
	msp_consumer_stats(consumer, &stats);
	assert_in_range(stats.connects, 3, 4);
	consumer_close(consumer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_oldest_is_pending_or_unread),
	    T(one_connection_asks_for_many_groups),
	    T(serving_keeps_what_is_held),
	    T(connections_and_prefetched_messages_are_counted),
	};
	static const char *const flags[] = {"--loglevel", "warning", NULL};
	return redis_fixture_run("redis_stats", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
