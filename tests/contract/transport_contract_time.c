/* How long calls take: what ends them early, and what must not hold them any longer. */
#include "transport_fixture.h"
#include <msp/clock.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define T(function)     cmocka_unit_test_setup_teardown(function, fixture_init_topics, fixture_done)
#define T_ONE(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

static void an_empty_topic_gives_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	int64_t began_ms = msp_monotonic_ms();
	assert_null(receive_within(consumer, 10, 0));
	assert_null(receive_within(consumer, 10, 100));
	assert_in_range(msp_monotonic_ms() - began_ms, 90, DEADLINE_MS);
	consumer_close(consumer);
}

/* ---- a thread that waits in a call ---- */

struct sleeper {
	struct msp_consumer *consumer;
	bool serves; /* or receives */
	pthread_t thread;
	_Atomic pid_t id; /* of the thread, once it is about to call */
	struct msp_batch *batch;
	int64_t ended_ms; /* 0: it failed */
};

static void *sleeper_run(void *context)
{
	struct sleeper *sleeper = context;
	struct msp_receive_limits limits = {10, 1000, DEADLINE_MS};
	struct msp_error err;
	atomic_store(&sleeper->id, gettid());
	enum msp_status status = sleeper->serves ? msp_consumer_serve(sleeper->consumer, DEADLINE_MS, &err)
	                                         : msp_consumer_receive(sleeper->consumer, &limits, &sleeper->batch, &err);
	if (status == MSP_OK)
		sleeper->ended_ms = msp_monotonic_ms();
	return NULL;
}

static bool thread_is_asleep(pid_t id)
{
	char path[64], line[512] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)id);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	size_t size = fread(line, 1, sizeof(line) - 1, file);
	line[size] = '\0';
	fclose(file);
	const char *name_end = strrchr(line, ')');
	return name_end && name_end[1] && name_end[2] == 'S';
}

/* Begins the call and waits until it blocks: until the thread sleeps whenever one looks. */
static void sleeper_start(struct sleeper *sleeper)
{
	assert_int_equal(pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper), 0);
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	for (int looks = 0; looks < 20;) {
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
		poll(NULL, 0, 1);
		pid_t id = atomic_load(&sleeper->id);
		looks = id && thread_is_asleep(id) ? looks + 1 : 0;
	}
}

/* Waits for the end of the call, which `began_ms` should have brought about. */
static void sleeper_join(struct sleeper *sleeper, int64_t began_ms)
{
	assert_int_equal(pthread_join(sleeper->thread, NULL), 0);
	assert_in_range(sleeper->ended_ms, began_ms, began_ms + OVERRUN_MS);
}

static void wake_ends(struct fixture *fixture, bool serves)
{
	struct sleeper sleeper = {.consumer = consumer_open(fixture, 0, NULL, 0), .serves = serves};
	sleeper_start(&sleeper);
	int64_t woken_ms = msp_monotonic_ms();
	msp_consumer_wake(sleeper.consumer);
	sleeper_join(&sleeper, woken_ms);
	assert_null(sleeper.batch);
	consumer_close(sleeper.consumer);
}

static void wake_ends_receive(void **state)
{
	wake_ends(*state, false);
}

static void wake_ends_serve(void **state)
{
	wake_ends(*state, true);
}

static void a_wake_between_two_calls_ends_the_next(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	msp_consumer_wake(consumer);
	int64_t began_ms = msp_monotonic_ms();
	assert_null(receive_within(consumer, 10, DEADLINE_MS));
	assert_in_range(msp_monotonic_ms(), began_ms, began_ms + OVERRUN_MS);
	consumer_close(consumer);
}

static void a_message_ends_the_wait(void **state)
{
	struct fixture *fixture = *state;
	struct sleeper sleeper = {.consumer = consumer_open(fixture, 1, NULL, 0)};
	sleeper_start(&sleeper);
	send_text(fixture, fixture->inputs, 0, "0:0");
	assert_int_equal(pthread_join(sleeper.thread, NULL), 0);
	assert_non_null(sleeper.batch);
	settle_echo(sleeper.consumer, sleeper.batch);
	consumer_close(sleeper.consumer);
}

/* ---- a broker that hangs ---- */

#define HANG_CALLS   4
#define HANG_CALL_MS 50

/* Settles while the broker answers nothing, each call in its time, and once more when it answers again. Nothing asserts
 * before that. */
static enum msp_settle_answer settle_hung(struct fixture *fixture, struct msp_consumer *consumer,
                                          struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct msp_receive_limits limits = {2, 1 << 20, HANG_CALL_MS};
	struct msp_batch *other = NULL;
	struct msp_error err;
	enum msp_settle_answer answer = MSP_SETTLE_AGAIN;
	bool hangs = transport_contract->hang(fixture->url, true);
	enum msp_status status = msp_consumer_serve(consumer, HANG_CALL_MS, &err);
	msp_consumer_settle_begin(consumer, batch, outgoing);
	for (int i = 0; i < HANG_CALLS && answer == MSP_SETTLE_AGAIN; i++)
		answer = msp_consumer_settle_wait(consumer, HANG_CALL_MS, &err);
	enum msp_status receive_status = msp_consumer_receive(consumer, &limits, &other, &err);
	bool goes_on = transport_contract->hang(fixture->url, false);
	assert_true(hangs && goes_on);
	assert_true(status == MSP_OK || status == MSP_E_UNAVAILABLE);
	assert_true(receive_status == MSP_OK || receive_status == MSP_E_UNAVAILABLE);
	batch_free(consumer, other);
	return answer;
}

static void a_broker_that_hangs_holds_no_call(void **state)
{
	struct fixture *fixture = *state;
	if (!transport_contract->hang)
		skip();
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 2);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	assert_int_equal(settle_hung(fixture, consumer, batch, outgoing), MSP_SETTLE_AGAIN);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	assert_in_range(consumer->longest_overrun_ms, 0, OVERRUN_MS);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 2);
}

/* There is a batch between what is settled and what is about to be, which was dropped. */
static void a_broker_that_hangs_holds_no_call_over_a_gap(void **state)
{
	struct fixture *fixture = *state;
	if (!transport_contract->hang)
		skip();
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 2);
	batch_free(consumer, receive(consumer, 2));
	struct msp_batch *batch = receive(consumer, 2);
	if (settle_hung(fixture, consumer, batch, NULL) == MSP_SETTLE_AGAIN)
		settle_wait(consumer);
	batch_free(consumer, batch);
	consumer_close(consumer);
}

const struct CMUnitTest transport_time_tests[] = {
    T(an_empty_topic_gives_nothing),
    T(wake_ends_receive),
    T(wake_ends_serve),
    T(a_wake_between_two_calls_ends_the_next),
    T(a_message_ends_the_wait),
    T_ONE(a_broker_that_hangs_holds_no_call),
    T_ONE(a_broker_that_hangs_holds_no_call_over_a_gap),
};
const size_t transport_time_test_count = sizeof(transport_time_tests) / sizeof(transport_time_tests[0]);
