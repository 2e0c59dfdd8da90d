/* What happens to the server while msp uses it: killed and started again, hung, full. */
#include "redis_fixture.h"
#include <msp/clock.h>
#include <poll.h>
#include <signal.h>

#define T(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

static void a_killed_server_loses_and_doubles_nothing(void **state)
{
	struct fixture *fixture = *state;
	const int count = 300;
	send_numbers(fixture, fixture->inputs, 0, 0, count);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	for (int round = 0, settled = 0; settled < count; round++) {
		struct msp_batch *batch = receive(consumer, 10);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		settle_begin(consumer, batch, outgoing);
		if (round % 6 == 5) {
			/* Before, while or after it does what it was told. */
			poll(NULL, 0, round / 6 % 3);
			redis_server_kill(&redis_fixture_server, SIGKILL);
			assert_true(redis_server_restart(&redis_fixture_server));
		}
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		settled += (int)batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
	topic_expect(fixture, fixture->outputs, 1, count);
}

static void a_hung_server_is_given_up_and_found_again(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 4);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 4);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	redis_server_signal(&redis_fixture_server, SIGSTOP);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = settle_again(consumer);
	assert_non_null(strstr(err.text, "does not answer"));
	int64_t began_ms = msp_monotonic_ms();
	assert_int_equal(msp_consumer_settle_wait(consumer, 50, &err), MSP_SETTLE_AGAIN);
	assert_in_range(msp_monotonic_ms() - began_ms, 45, 500);
	redis_server_signal(&redis_fixture_server, SIGCONT);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	/* The server may have run the first try after all. */
	for (size_t i = 0; i < batch->count; i++)
		assert_true(outgoing[i].state == MSP_OUTGOING_PUBLISHED || outgoing[i].state == MSP_OUTGOING_ALREADY_SETTLED);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 4);
}

static void a_server_that_is_away_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_EXACTLY_ONCE, NULL);
	echo(consumer, 1);
	redis_server_kill(&redis_fixture_server, SIGKILL);
	struct msp_error err = receive_failure(consumer);
	assert_int_equal(err.status, MSP_E_UNAVAILABLE);
	assert_true(err.retriable);
	assert_true(redis_server_restart(&redis_fixture_server));
	send_numbers(fixture, fixture->inputs, 0, 1, 1);
	int64_t began_ms = msp_monotonic_ms();
	echo(consumer, 1);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 2000);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 2);
}

static void a_full_server_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	static const enum msp_guarantee guarantees[] = {MSP_EXACTLY_ONCE, MSP_AT_LEAST_ONCE};
	for (int i = 0; i < 2; i++) {
		send_numbers(fixture, fixture->inputs, 0, 3 * i, 3);
		struct msp_consumer *consumer = consumer_open_with(fixture, guarantees[i], NULL);
		struct msp_batch *batch = receive(consumer, 3);
		assert_int_equal(batch->count, 3);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		freeReplyObject(redis_run("CONFIG SET maxmemory 1"));
		settle_begin(consumer, batch, outgoing);
		assert_non_null(strstr(settle_again(consumer).text, "maxmemory"));
		assert_int_equal(redis_number("XLEN %s", fixture->outputs), 3 * i);
		freeReplyObject(redis_run("CONFIG SET maxmemory 0"));
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		free(outgoing);
		batch_free(consumer, batch);
		consumer_close(consumer);
	}
	topic_expect(fixture, fixture->outputs, 1, 6);
}

/* For longer than a lease; or else others would take what is in work. */
static void a_full_server_ends_no_lease(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 2);
	struct msp_consumer *consumer = consumer_open_with(fixture, MSP_AT_LEAST_ONCE, NULL);
	struct msp_batch *batch = receive(consumer, 2);
	freeReplyObject(redis_run("CONFIG SET maxmemory 1"));
	poll(NULL, 0, 1500);
	assert_int_equal(redis_number("EXISTS %s.lease.%s.worker/0", fixture->inputs, fixture->group), 1);
	freeReplyObject(redis_run("CONFIG SET maxmemory 0"));
	settle_echo(consumer, batch);
	consumer_close(consumer);
}

static void trimming_deletes_only_what_is_settled(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_option_table *table = transport_contract->ops->options;
	assert_int_equal(msp_option_set(msp_option_find(table, "trim.settled"), fixture->options, "true", NULL), MSP_OK);
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	echo(consumer, 4);
	struct msp_batch *held = receive(consumer, 3);
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (redis_number("XLEN %s", fixture->inputs) > 6)
		assert_true(msp_monotonic_ms() < deadline_ms);
	poll(NULL, 0, 2500); /* one more turn */
	assert_int_equal(redis_number("XLEN %s", fixture->inputs), 6);
	size_t left = 6 - held->count;
	settle_echo(consumer, held);
	echo(consumer, left);
	while (redis_number("XLEN %s", fixture->inputs) > 0)
		assert_true(msp_monotonic_ms() < deadline_ms);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

static void replicas_are_waited_for(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_option_table *table = transport_contract->ops->options;
	assert_int_equal(msp_option_set(msp_option_find(table, "wait.replicas"), fixture->options, "1", NULL), MSP_OK);
	assert_int_equal(msp_option_set(msp_option_find(table, "wait.ms"), fixture->options, "50", NULL), MSP_OK);
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	struct msp_batch *batch = receive(consumer, 3);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	assert_non_null(strstr(settle_again(consumer).text, "0 of redis.wait.replicas 1"));
	char port[16];
	snprintf(port, sizeof(port), "%d", redis_fixture_server.port);
	const char *const flags[] = {"--replicaof", "127.0.0.1", port, NULL};
	struct redis_server replica;
	assert_true(redis_server_start(&replica, flags));
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	redis_server_stop(&replica);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_killed_server_loses_and_doubles_nothing),
	    T(a_hung_server_is_given_up_and_found_again),
	    T(a_server_that_is_away_is_waited_for),
	    T(a_full_server_is_waited_for),
	    T(a_full_server_ends_no_lease),
	    T(trimming_deletes_only_what_is_settled),
	    T(replicas_are_waited_for),
	};
	static const char *const flags[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
	return redis_fixture_run("redis_server", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
