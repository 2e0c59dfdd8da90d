/* What a consumer may take its time for and what not, on librdkafka's mock cluster: a broker that hangs holds no call
 * longer than its timeout, a batch that takes long costs no partition, and a rebalance in mid-settle loses nothing. */
#include "kafka_mock.h"

#include <msp/clock.h>
#include <stdbool.h>
#include <stdlib.h>

#define MAX_MEMBERS 2
#define PARTITIONS  2
#define PER_BATCH   3
#define INPUTS      8 /* of each partition */

static struct kafka_mock mock;
static struct msp_consumer *members[MAX_MEMBERS];

struct scenario {
	const char *name;
	enum msp_guarantee guarantee;
	bool topics_known; /* a batch has been settled before */
	bool drops;        /* a batch before has been freed unsettled */
};

static int plain_start(void **state)
{
	(void)state;
	kafka_mock_start(&mock, PARTITIONS, NULL);
	return 0;
}

/* A worker that is not heard of for so long counts as hanging. A session, which may not be longer, has to last while
 * the mock waits 3 s for a group's first members. */
#define MAX_POLL_INTERVAL_MS   4000
#define MAX_POLL_INTERVAL_TEXT "4000"

static int impatient_start(void **state)
{
	static const struct msp_property settings[] = {
	    {"session.timeout.ms", MAX_POLL_INTERVAL_TEXT}, {"max.poll.interval.ms", MAX_POLL_INTERVAL_TEXT}, {0}};
	(void)state;
	kafka_mock_start(&mock, PARTITIONS, settings);
	return 0;
}

static int mock_stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < MAX_MEMBERS; i++) {
		msp_consumer_free(members[i]);
		members[i] = NULL;
	}
	kafka_mock_stop(&mock);
	return 0;
}

/* ---- batches ---- */

static void outputs_make(const struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i] = (struct msp_outgoing){.route = MSP_ROUTE_OUTPUTS, .message = batch->messages[i]};
}

/* Waits for the answer in calls of step_ms, at most timeout_ms. */
static enum msp_settle_answer answer_await(struct msp_consumer *consumer, int step_ms, int timeout_ms)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_settle_answer answer;
	struct msp_error err;
	do
		answer = msp_consumer_settle_wait(consumer, step_ms, &err);
	while (answer == MSP_SETTLE_AGAIN && msp_deadline_left_ms(deadline_ms) > 0);
	return answer;
}

static enum msp_settle_answer batch_settle(struct msp_consumer *consumer, struct msp_batch *batch)
{
	struct msp_outgoing outgoing[INPUTS];
	outputs_make(batch, outgoing);
	msp_consumer_settle_begin(consumer, batch, outgoing);
	return answer_await(consumer, 50, DEADLINE_MS);
}

/* ---- a broker that hangs ---- */

#define STEP_MS 100
/* How much longer than its timeout a call may take: the machine is slow. */
#define OVERRUN_MS 200
/* Less than a session, so that nothing is lost. */
#define HANG_MS 5000

/* The batch that meets a broker that hangs. */
static struct msp_batch *batch_prepare(const struct scenario *scenario)
{
	struct msp_consumer *consumer = members[0] = kafka_mock_consumer_open(&mock, scenario->guarantee, NULL);
	kafka_mock_inputs_send(&mock, 0, INPUTS);
	if (scenario->topics_known) {
		struct msp_batch *settled = kafka_mock_receive(consumer, 1);
		assert_int_equal(batch_settle(consumer, settled), MSP_SETTLE_OK);
		msp_consumer_batch_free(consumer, settled);
	}
	struct msp_batch *dropped = scenario->drops ? kafka_mock_receive(consumer, 1) : NULL;
	struct msp_batch *batch = kafka_mock_receive(consumer, PER_BATCH);
	msp_consumer_batch_free(consumer, dropped);
	return batch;
}

static void no_call_outlasts_its_timeout(void **state)
{
	struct msp_outgoing outgoing[PER_BATCH];
	struct msp_batch *batch = batch_prepare(*state);
	outputs_make(batch, outgoing);
	kafka_mock_hang(&mock);
	members[0]->longest_overrun_ms = 0;
	msp_consumer_settle_begin(members[0], batch, outgoing);
	int begin_ms = members[0]->longest_overrun_ms;
	enum msp_settle_answer answer = answer_await(members[0], STEP_MS, HANG_MS);
	print_message("settle_begin took %d ms, settle_wait at most %d ms too long\n", begin_ms,
	              members[0]->longest_overrun_ms);
	assert_in_range(members[0]->longest_overrun_ms, 0, OVERRUN_MS);
	kafka_mock_answer(&mock);
	if (answer == MSP_SETTLE_AGAIN)
		answer = answer_await(members[0], STEP_MS, DEADLINE_MS);
	assert_true(answer == MSP_SETTLE_OK || answer == MSP_SETTLE_LOST);
	msp_consumer_batch_free(members[0], batch);
}

/* ---- a batch that takes long ---- */

/* librdkafka looks twice a second whether a worker is silent. */
#define LONG_MS (MAX_POLL_INTERVAL_MS + 2000)

static void batch_expect_settled(struct msp_batch *batch)
{
	int64_t offset = batch->messages[0].offset;
	assert_int_equal(batch_settle(members[0], batch), MSP_SETTLE_OK);
	msp_consumer_batch_free(members[0], batch);
	/* The next message, not one that comes again. */
	batch = kafka_mock_receive(members[0], 1);
	assert_int_equal(batch->messages[0].offset, offset + 1);
	msp_consumer_batch_free(members[0], batch);
}

/* The model cannot compute now. */
static void a_member_that_only_serves_keeps_its_partitions(void **state)
{
	const struct scenario *scenario = *state;
	struct msp_error err = {.text = ""};
	members[0] = kafka_mock_consumer_open(&mock, scenario->guarantee, NULL);
	kafka_mock_inputs_send(&mock, 0, INPUTS);
	struct msp_batch *batch = kafka_mock_receive(members[0], 1);
	int64_t deadline_ms = msp_deadline_in(LONG_MS);
	members[0]->longest_overrun_ms = 0;
	while (msp_deadline_left_ms(deadline_ms) > 0)
		if (msp_consumer_serve(members[0], STEP_MS, &err) != MSP_OK)
			fail_msg("serve: %s", err.text);
	assert_in_range(members[0]->longest_overrun_ms, 0, OVERRUN_MS);
	batch_expect_settled(batch);
}

/* As often as librdkafka may try within a test. */
static void outputs_refuse(void)
{
	rd_kafka_resp_err_t codes[1000];
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		codes[i] = RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
	rd_kafka_mock_push_request_errors_array(mock.cluster, PRODUCE, sizeof(codes) / sizeof(codes[0]), codes);
}

static void outputs_accept(void)
{
	rd_kafka_mock_clear_request_errors(mock.cluster, PRODUCE);
}

/* The outputs have too few replicas. */
static void a_settle_that_takes_long_keeps_its_partitions(void **state)
{
	const struct scenario *scenario = *state;
	struct msp_outgoing outgoing[1];
	members[0] = kafka_mock_consumer_open(&mock, scenario->guarantee, NULL);
	kafka_mock_inputs_send(&mock, 0, INPUTS);
	struct msp_batch *batch = kafka_mock_receive(members[0], 1);
	int64_t offset = batch->messages[0].offset;
	outputs_make(batch, outgoing);
	outputs_refuse();
	msp_consumer_settle_begin(members[0], batch, outgoing);
	assert_int_equal(answer_await(members[0], STEP_MS, LONG_MS), MSP_SETTLE_AGAIN);
	outputs_accept();
	assert_int_equal(answer_await(members[0], STEP_MS, DEADLINE_MS), MSP_SETTLE_OK);
	msp_consumer_batch_free(members[0], batch);
	batch = kafka_mock_receive(members[0], 1);
	assert_int_equal(batch->messages[0].offset, offset + 1);
	msp_consumer_batch_free(members[0], batch);
}

/* ---- a rebalance in mid-settle ---- */

/* In which the first member hears of the second one. */
#define SEVERAL_HEARTBEATS_MS 1000

struct tally {
	bool settled[PARTITIONS][INPUTS];
	size_t count;
};

static void tally_add(struct tally *tally, const struct msp_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		bool *settled = &tally->settled[batch->messages[i].partition][batch->messages[i].offset];
		tally->count += !*settled;
		*settled = true;
	}
}

/* Receives for at most timeout_ms and settles what came. Returns its partition, or -1: nothing came. */
static int32_t next_settle(struct msp_consumer *consumer, struct tally *tally, int timeout_ms)
{
	const struct msp_receive_limits limits = {
	    .max_messages = PER_BATCH, .max_bytes = 1 << 20, .timeout_ms = timeout_ms};
	struct msp_batch *batch = NULL;
	struct msp_error err = {.text = ""};
	if (msp_consumer_receive(consumer, &limits, &batch, &err) != MSP_OK && !err.retriable)
		fail_msg("receive: %s", err.text);
	if (!batch)
		return -1;
	int32_t partition = batch->messages[0].partition;
	if (batch_settle(consumer, batch) == MSP_SETTLE_OK)
		tally_add(tally, batch);
	msp_consumer_batch_free(consumer, batch);
	return partition;
}

static void batch_expect_intact(const struct msp_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		assert_bytes_equal(batch->messages[i].value, "value");
}

/* The first member has a batch in flight that cannot be published, and the next in hand, when a second one joins. */
static void both_batches_are_void_after_a_rebalance(void **state)
{
	const struct scenario *scenario = *state;
	struct msp_outgoing outgoing[PER_BATCH];
	struct tally tally = {.count = 0};
	members[0] = kafka_mock_consumer_open(&mock, scenario->guarantee, NULL);
	for (int32_t i = 0; i < PARTITIONS; i++)
		kafka_mock_inputs_send(&mock, i, INPUTS);
	struct msp_batch *first = kafka_mock_receive(members[0], PER_BATCH);
	outputs_make(first, outgoing);
	outputs_refuse();
	msp_consumer_settle_begin(members[0], first, outgoing);
	struct msp_batch *second = kafka_mock_receive(members[0], PER_BATCH);

	members[1] = kafka_mock_consumer_open(&mock, scenario->guarantee, NULL);
	int64_t deadline_ms = msp_deadline_in(SEVERAL_HEARTBEATS_MS);
	while (msp_deadline_left_ms(deadline_ms) > 0)
		assert_int_equal(next_settle(members[1], &tally, 100), -1);

	assert_int_equal(answer_await(members[0], STEP_MS, DEADLINE_MS), MSP_SETTLE_LOST);
	batch_expect_intact(first);
	batch_expect_intact(second);
	msp_consumer_batch_free(members[0], first);
	outputs_accept();
	assert_int_equal(batch_settle(members[0], second), MSP_SETTLE_LOST);
	msp_consumer_batch_free(members[0], second);

	bool used[MAX_MEMBERS] = {false};
	deadline_ms = msp_deadline_in(DEADLINE_MS);
	while (tally.count < (size_t)PARTITIONS * INPUTS) {
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
		for (size_t i = 0; i < MAX_MEMBERS; i++)
			used[i] |= next_settle(members[i], &tally, 20) >= 0;
	}
	assert_true(used[0] && used[1]);
}

/* ---- */

static const struct scenario scenarios[] = {
    {"at least once, topics unknown", MSP_AT_LEAST_ONCE, .topics_known = false},
    {"at least once, topics known", MSP_AT_LEAST_ONCE, .topics_known = true},
    {"at least once, a batch dropped", MSP_AT_LEAST_ONCE, .topics_known = true, .drops = true},
    {"exactly once, topics unknown", MSP_EXACTLY_ONCE, .topics_known = false},
    {"exactly once, topics known", MSP_EXACTLY_ONCE, .topics_known = true},
    {"exactly once, a batch dropped", MSP_EXACTLY_ONCE, .topics_known = true, .drops = true},
};
static const struct scenario at_least_once = {.guarantee = MSP_AT_LEAST_ONCE};
static const struct scenario exactly_once = {.guarantee = MSP_EXACTLY_ONCE};

static int hanging_run(void)
{
	struct CMUnitTest tests[sizeof(scenarios) / sizeof(scenarios[0])];
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i] = (struct CMUnitTest){scenarios[i].name, no_call_outlasts_its_timeout, plain_start, mock_stop,
		                               (void *)(uintptr_t)&scenarios[i]};
	return _cmocka_run_group_tests("kafka_time", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

#define BOTH(name, start)                                                                                              \
	{#name " (at least once)", name, start, mock_stop, (void *)(uintptr_t)&at_least_once},                             \
	{                                                                                                                  \
#name " (exactly once)", name, start, mock_stop, (void *)(uintptr_t)&exactly_once                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(a_member_that_only_serves_keeps_its_partitions, impatient_start),
	    BOTH(a_settle_that_takes_long_keeps_its_partitions, impatient_start),
	    BOTH(both_batches_are_void_after_a_rebalance, plain_start),
	};
	int failed = hanging_run();
	return failed + cmocka_run_group_tests_name("kafka_time", tests, NULL, NULL);
}
