/* Several consumers of one group, in one process and in several. */
#include "transport_fixture.h"
#include <msp/clock.h>
#include <signal.h>

#define T(function)     cmocka_unit_test_setup_teardown(function, fixture_init_topics, fixture_done)
#define T_ONE(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

/* Both consume in turn until the group has settled everything; adds how much each had. */
static void consume_in_turn(struct fixture *fixture, struct msp_consumer *consumers[2], size_t shares[2])
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (group_lag(fixture) > 0) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		for (size_t i = 0; i < 2; i++) {
			struct msp_batch *batch = receive_within(consumers[i], 10, 10);
			if (!batch)
				continue;
			shares[i] += batch->count;
			settle_echo(consumers[i], batch);
		}
	}
}

/* Sends and consumes until each had a share: a group may take a while to divide the partitions. `sent` numbers are in
 * each partition already; returns how many are at the end. */
static int share(struct fixture *fixture, struct msp_consumer *consumers[2], int sent)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	size_t shares[2] = {0};
	consume_in_turn(fixture, consumers, shares);
	while (shares[0] == 0 || shares[1] == 0) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		for (int partition = 0; partition < PARTITIONS; partition++)
			send_numbers(fixture, fixture->inputs, partition, sent, 50);
		sent += 50;
		consume_in_turn(fixture, consumers, shares);
	}
	return sent;
}

static void members_share_the_work(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumers[] = {consumer_open(fixture, 0, "a", 0), consumer_open(fixture, 1, "b", 0)};
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, 0, 100);
	int sent = share(fixture, consumers, 100);
	consumer_close(consumers[0]);
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, sent, 10);
	echo(consumers[1], (size_t)PARTITIONS * 10);
	consumer_close(consumers[1]);
	topic_expect(fixture, fixture->outputs, PARTITIONS, sent + 10);
}

static void a_newcomer_takes_its_share_without_loss(void **state)
{
	struct fixture *fixture = *state;
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, 0, 100);
	struct msp_consumer *consumers[2] = {consumer_open(fixture, 0, NULL, 0)};
	struct msp_batch *held = receive(consumers[0], 50);
	consumers[1] = consumer_open(fixture, 1, NULL, 0);
	struct msp_batch *other = receive_within(consumers[1], 50, 50);
	if (other)
		settle_echo(consumers[1], other);
	settle_echo(consumers[0], held); /* what was in work when the newcomer came is finished first */
	int sent = share(fixture, consumers, 100);
	consumer_close(consumers[0]);
	consumer_close(consumers[1]);
	topic_expect(fixture, fixture->outputs, PARTITIONS, sent);
}

static void more_members_than_partitions(void **state)
{
	struct fixture *fixture = *state;
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		skip();
	struct msp_consumer *consumers[] = {consumer_open(fixture, 0, NULL, 0), consumer_open(fixture, 1, NULL, 0)};
	size_t shares[2] = {0};
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	consume_in_turn(fixture, consumers, shares);
	assert_int_equal(shares[0] + shares[1], 5);
	consumer_close(consumers[shares[0] > 0 ? 0 : 1]);
	send_numbers(fixture, fixture->inputs, 0, 5, 5);
	struct msp_consumer *other = consumers[shares[0] > 0 ? 1 : 0];
	echo(other, 5);
	consumer_close(other);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

static void an_instance_name_is_one_process(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *first = consumer_open(fixture, 0, "name", 0), *second = NULL;
	assert_int_equal(consumer_try_open(fixture, 1, "name", 0, &second), MSP_E_CONFLICT);
	assert_non_null(strstr(fixture->err.text, "name"));
	second = consumer_open(fixture, 1, "name", 1); /* another worker of the same process */
	consumer_close(second);
	consumer_close(first);
	second = consumer_open(fixture, 1, "name", 0);
	consumer_close(second);
}

static void an_instance_name_of_another_process(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	struct child child = child_start(fixture, "name", 1);
	assert_int_equal(child_held(&child), 1);
	struct msp_consumer *consumer = NULL;
	assert_int_equal(consumer_try_open(fixture, 0, "name", 0, &consumer), MSP_E_CONFLICT);
	child_end(&child, SIGKILL);
	consumer = consumer_open(fixture, 0, "name", 0);
	echo(consumer, 1);
	consumer_close(consumer);
}

static void a_killed_process_is_taken_over(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 20);
	struct child child = child_start(fixture, "killed", 5);
	assert_int_equal(child_held(&child), 5);
	struct msp_consumer *consumer = consumer_open(fixture, 0, "heir", 0);
	child_end(&child, SIGKILL);
	if (lacks(TRANSPORT_LACKS_ATTEMPTS)) {
		echo(consumer, 20);
		consumer_close(consumer);
		topic_expect(fixture, fixture->outputs, 1, 20);
		return;
	}
	struct msp_batch *batch = receive(consumer, 20);
	size_t left = 20;
	/* Without partitions what the dead one never had may come first. */
	while (lacks(TRANSPORT_LACKS_PARTITIONS) && batch->messages[0].attempts == 1) {
		left -= batch->count;
		settle_echo(consumer, batch);
		batch = receive(consumer, left);
	}
	/* What was being computed may be what killed it: it comes alone, and says that it comes again. */
	assert_int_equal(batch->count, 1);
	assert_int_equal(message_number(&batch->messages[0]), 0);
	assert_int_equal(batch->messages[0].attempts, 2);
	settle_echo(consumer, batch);
	left--;
	if (!lacks(TRANSPORT_LACKS_PARTITIONS)) {
		batch = receive(consumer, left);
		assert_int_equal(batch->messages[0].attempts, 1);
		left -= batch->count;
		settle_echo(consumer, batch);
	}
	echo(consumer, left);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 20);
}

static void a_stopped_process_loses_its_batch(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 20);
	struct child child = child_start(fixture, "stopped", 5);
	assert_int_equal(child_held(&child), 5);
	struct msp_consumer *consumer = consumer_open(fixture, 0, "heir", 0);
	assert_int_equal(kill(child.pid, SIGSTOP), 0);
	echo(consumer, 20);
	assert_int_equal(kill(child.pid, SIGCONT), 0);
	/* Brokers that settle message by message say so of each. */
	assert_int_equal(child_settle(&child), lacks(TRANSPORT_LACKS_PARTITIONS) ? MSP_SETTLE_OK : MSP_SETTLE_LOST);
	child_end(&child, 0);
	consumer_close(consumer);
	topic_expect_settled(fixture, fixture->outputs, 1, 20);
}

static void a_slow_process_keeps_its_batch(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct child child = child_start(fixture, "slow", 5);
	assert_int_equal(child_held(&child), 5);
	struct msp_consumer *consumer = consumer_open(fixture, 0, "other", 0);
	/* Twice the time after which a stopped one loses it. */
	assert_null(receive_within(consumer, 5, 2 * transport_contract->hang_ms));
	assert_int_equal(child_settle(&child), MSP_SETTLE_OK);
	child_end(&child, 0);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 5);
}

/* A worker that cannot compute calls serve, three times as long as one may take that calls nothing or is stopped. */
static void serve_keeps_what_is_held(void **state)
{
	struct fixture *fixture = *state;
	int hang_ms = transport_contract->hang_ms;
	fixture_option_set(fixture, "max.poll.interval.ms", hang_ms);
	struct msp_consumer *consumers[] = {consumer_open(fixture, 1, "holder", 0), consumer_open(fixture, 2, "other", 0)};
	int sent = share(fixture, consumers, 0);
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, sent, 5);
	struct msp_batch *held = receive(consumers[0], 5);
	for (int64_t deadline_ms = msp_deadline_in(3 * hang_ms); msp_deadline_left_ms(deadline_ms) > 0;) {
		assert_int_equal(msp_consumer_serve(consumers[0], 100, &fixture->err), MSP_OK);
		struct msp_batch *batch = receive_within(consumers[1], 5, 0);
		if (batch)
			settle_echo(consumers[1], batch);
	}
	settle_echo(consumers[0], held);
	consume_in_turn(fixture, consumers, (size_t[2]){0});
	consumer_close(consumers[0]);
	consumer_close(consumers[1]);
	topic_expect(fixture, fixture->outputs, PARTITIONS, sent + 5);
}

static void kills_lose_and_double_nothing(void **state)
{
	struct fixture *fixture = *state;
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, 0, 50);
	for (int round = 0; round < 8; round++) {
		struct child child = child_start(fixture, NULL, 10);
		assert_true(child_held(&child) > 0);
		if (round % 2 == 0)
			assert_int_equal(child_settle(&child), MSP_SETTLE_OK);
		child_end(&child, SIGKILL);
	}
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, (size_t)group_lag(fixture));
	consumer_close(consumer);
	topic_expect_settled(fixture, fixture->outputs, PARTITIONS, 50);
}

const struct CMUnitTest transport_group_tests[] = {
    T(members_share_the_work),
    T(a_newcomer_takes_its_share_without_loss),
    T_ONE(more_members_than_partitions),
    T(an_instance_name_is_one_process),
    T_ONE(an_instance_name_of_another_process),
    T_ONE(a_killed_process_is_taken_over),
    T_ONE(a_stopped_process_loses_its_batch),
    T_ONE(a_slow_process_keeps_its_batch),
    T(serve_keeps_what_is_held),
    T(kills_lose_and_double_nothing),
};
const size_t transport_group_test_count = sizeof(transport_group_tests) / sizeof(transport_group_tests[0]);
