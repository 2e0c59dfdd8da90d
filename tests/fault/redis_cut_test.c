/* Connections that are cut while a batch is settled or a lease is taken: before the server got the commands, and after
 * it did what they say but before its answer came. A proxy between msp and the server cuts. */
#include "proxy.h"
#include "redis_fixture.h"
#include <limits.h>
#include <msp/clock.h>
#include <stdatomic.h>

#define T(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

enum cut { CUT_NONE, CUT_BEFORE, CUT_AFTER };

static struct proxy *proxy;
static atomic_int next_cut; /* what happens to the next commands that settle or take a lease */
static atomic_int strikes;
static atomic_bool cuts_keeper; /* which then never gets through */

static bool settles(const char *bytes, size_t size)
{
	return memmem(bytes, size, "\r\nEVALSHA\r\n", 11) || memmem(bytes, size, "\r\nXADD\r\n", 8);
}

static bool takes_lease(const char *bytes, size_t size)
{
	return memmem(bytes, size, "'PTTL'", 6);
}

/* The mark of a connection says that its next answer is not passed on. */
static size_t cut(void *context, const struct proxy_chunk *chunk)
{
	(void)context;
	if (!chunk->from_client)
		return *chunk->mark ? 0 : chunk->size;
	if (atomic_load(&cuts_keeper) && memmem(chunk->bytes, chunk->size, "msp-keeper", 10))
		return 0;
	if (atomic_load(&next_cut) == CUT_NONE ||
	    (!settles(chunk->bytes, chunk->size) && !takes_lease(chunk->bytes, chunk->size)))
		return chunk->size;
	atomic_fetch_add(&strikes, 1);
	*chunk->mark = atomic_exchange(&next_cut, CUT_NONE) == CUT_AFTER;
	return *chunk->mark ? chunk->size : 0;
}

static atomic_int bare_waits; /* for replicas, with nothing written before */

/* Cuts the first of them off. */
static size_t cut_wait(void *context, const struct proxy_chunk *chunk)
{
	(void)context;
	const char *wait = chunk->from_client ? memmem(chunk->bytes, chunk->size, "\r\nWAIT\r\n", 8) : NULL;
	if (!wait)
		return chunk->size;
	if (!memmem(chunk->bytes, (size_t)(wait - chunk->bytes), "PEXPIRE", 7))
		atomic_fetch_add(&bare_waits, 1);
	return atomic_fetch_add(&strikes, 1) > 0 ? chunk->size : 0;
}

static int set_up_filter(void **state, proxy_filter_fn filter)
{
	atomic_store(&strikes, 0);
	atomic_store(&cuts_keeper, false);
	proxy = proxy_new(filter, NULL);
	assert_non_null(proxy);
	proxy_set_target(proxy, redis_fixture_server.port);
	fixture_init_topics_one(state);
	struct fixture *fixture = *state;
	snprintf(fixture->url, sizeof(fixture->url), "redis://127.0.0.1:%d", proxy_port(proxy));
	return 0;
}

static int set_up(void **state)
{
	return set_up_filter(state, cut);
}

static int set_up_wait(void **state)
{
	return set_up_filter(state, cut_wait);
}

static int tear_down(void **state)
{
	fixture_done(state);
	proxy_free(proxy);
	return 0;
}

/* Settles `count` messages in batches of 5, of which every second one is cut. */
static void consume_with_cuts(struct fixture *fixture, enum msp_guarantee guarantee, int count, enum cut kind)
{
	struct msp_transport *direct = fixture->transports[0];
	fixture->transports[0] = transport_get(fixture, 1);
	struct msp_consumer *consumer = consumer_open_with(fixture, guarantee, NULL);
	fixture->transports[0] = direct;
	int settled = 0;
	for (int round = 0; settled < count; round++) {
		struct msp_batch *batch = receive(consumer, 5);
		struct msp_outgoing *outgoing = outgoing_new(batch);
		if (round % 2)
			atomic_store(&next_cut, kind);
		settle_begin(consumer, batch, outgoing);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		settled += (int)batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	assert_int_equal(settled, count);
	assert_in_range(atomic_load(&strikes), 3, count);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
}

static void exactly_once_cut_before(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_EXACTLY_ONCE, 50, CUT_BEFORE);
	topic_expect(fixture, fixture->outputs, 1, 50);
}

static void exactly_once_cut_after(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_EXACTLY_ONCE, 50, CUT_AFTER);
	topic_expect(fixture, fixture->outputs, 1, 50);
}

static void at_least_once_cut_before(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_AT_LEAST_ONCE, 50, CUT_BEFORE);
	topic_expect(fixture, fixture->outputs, 1, 50);
}

static void at_least_once_cut_after(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	consume_with_cuts(fixture, MSP_AT_LEAST_ONCE, 50, CUT_AFTER);
	/* What was published and not answered is published again. */
	assert_in_range(topic_count(fixture, fixture->outputs, NULL), 51, 100);
}

/* Since Redis 7.2 a connection that wrote nothing waits for nothing. */
static void replicas_are_waited_for_after_a_cut(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_option_table *table = transport_contract->ops->options;
	assert_int_equal(msp_option_set(msp_option_find(table, "wait.replicas"), fixture->options, "1", NULL), MSP_OK);
	char port[16];
	snprintf(port, sizeof(port), "%d", redis_fixture_server.port);
	const char *const flags[] = {"--loglevel", "warning", "--replicaof", "127.0.0.1", port, NULL};
	struct redis_server replica;
	assert_true(redis_server_start(&replica, flags));
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	echo(consumer, 3);
	consumer_close(consumer);
	redis_server_stop(&replica);
	assert_in_range(atomic_load(&strikes), 2, INT_MAX);
	assert_int_equal(atomic_load(&bare_waits), 0);
	topic_expect(fixture, fixture->outputs, 1, 3);
}

static void a_lease_taken_without_an_answer_is_ours(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = NULL;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	atomic_store(&next_cut, CUT_AFTER);
	assert_int_equal(consumer_try_open(fixture, 1, "one", 0, &consumer), MSP_E_UNAVAILABLE);
	assert_int_equal(redis_number("EXISTS %s.lease.%s.one/0", fixture->inputs, fixture->group), 1);
	consumer = consumer_open(fixture, 1, "one", 0);
	echo(consumer, 5);
	consumer_close(consumer);
}

static void a_close_does_not_wait_for_the_keeper(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_option *option = msp_option_find(transport_contract->ops->options, "lease.ms");
	assert_int_equal(msp_option_set(option, fixture->options, "120000", NULL), MSP_OK);
	atomic_store(&cuts_keeper, true);
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	assert_null(receive_within(consumer, 1, 100)); /* by now it has begun to try */
	int64_t began_ms = msp_monotonic_ms();
	consumer_close(consumer);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(exactly_once_cut_before),
	    T(exactly_once_cut_after),
	    T(at_least_once_cut_before),
	    T(at_least_once_cut_after),
	    cmocka_unit_test_setup_teardown(replicas_are_waited_for_after_a_cut, set_up_wait, tear_down),
	    T(a_close_does_not_wait_for_the_keeper),
	    T(a_lease_taken_without_an_answer_is_ours),
	};
	static const char *const flags[] = {"--loglevel", "warning", NULL};
	return redis_fixture_run("redis_cut", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
