/* Errors that a real broker gives seldom, from librdkafka's mock cluster: the consumer answers ok, again or lost, never
 * sticks, never fails, and works afterwards. The mock keeps no offsets of transactions and fences nobody: what is
 * lost or doubled is shown on real brokers, by tests/fault. */
#include "kafka_mock.h"

#include <msp/clock.h>
#include <stdbool.h>
#include <stdlib.h>

static struct kafka_mock mock;
static struct msp_consumer *member;

static int mock_start(void **state)
{
	(void)state;
	kafka_mock_start(&mock, 1, NULL);
	return 0;
}

static int mock_stop(void **state)
{
	(void)state;
	msp_consumer_free(member);
	member = NULL;
	kafka_mock_stop(&mock);
	return 0;
}

static void consumer_open(enum msp_guarantee guarantee, const char *instance)
{
	member = kafka_mock_consumer_open(&mock, guarantee, instance);
}

static void input_send(void)
{
	kafka_mock_inputs_send(&mock, MSP_PARTITION_ANY, 1);
}

/* ---- the consumer ---- */

/* Settles the batch with one output. Returns how it ended: ok or lost. */
static enum msp_settle_answer batch_settle(struct msp_batch *batch)
{
	struct msp_outgoing outgoing = {.route = MSP_ROUTE_OUTPUTS, .message = batch->messages[0]};
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	enum msp_settle_answer answer = MSP_SETTLE_AGAIN;
	struct msp_error err = {.text = ""};
	msp_consumer_settle_begin(member, batch, &outgoing);
	while (answer == MSP_SETTLE_AGAIN && msp_monotonic_ms() < deadline_ms)
		answer = msp_consumer_settle_wait(member, 50, &err);
	if (answer != MSP_SETTLE_OK && answer != MSP_SETTLE_LOST)
		fail_msg("the settle ends with %d: %s", (int)answer, err.text);
	if (answer == MSP_SETTLE_OK)
		assert_int_equal(outgoing.state, MSP_OUTGOING_PUBLISHED);
	msp_consumer_batch_free(member, batch);
	return answer;
}

/* What is lost comes again. */
static void next_settle(void)
{
	struct msp_batch *batch = kafka_mock_receive(member, 1);
	while (batch_settle(batch) == MSP_SETTLE_LOST)
		batch = kafka_mock_receive(member, 1);
}

static void round_trip(void)
{
	input_send();
	next_settle();
}

/* ---- cases ---- */

#define MAX_ERRORS 8

struct fault {
	const char *name;
	enum msp_guarantee guarantee;
	int16_t request;
	rd_kafka_resp_err_t codes[MAX_ERRORS]; /* of the next requests, until 0 */
	/* What makes the consumer send such a request, if it would not by itself. */
	int16_t cause;
	rd_kafka_resp_err_t cause_code;
};

#define E(code)  RD_KAFKA_RESP_ERR_##code
#define NO_CAUSE 0, RD_KAFKA_RESP_ERR_NO_ERROR

static const struct fault faults[] = {
    {"the coordinator moves", MSP_EXACTLY_ONCE, END_TXN, {E(NOT_COORDINATOR), E(COORDINATOR_NOT_AVAILABLE)}, NO_CAUSE},
    {"the coordinator loads",
     MSP_EXACTLY_ONCE,
     END_TXN,
     {E(COORDINATOR_LOAD_IN_PROGRESS), E(CONCURRENT_TRANSACTIONS)},
     NO_CAUSE},
    {"a commit without an answer", MSP_EXACTLY_ONCE, END_TXN, {E(REQUEST_TIMED_OUT), E(REQUEST_TIMED_OUT)}, NO_CAUSE},
    {"a connection cut at the commit", MSP_EXACTLY_ONCE, END_TXN, {E(_TRANSPORT), E(_TRANSPORT)}, NO_CAUSE},
    {"fenced at the commit", MSP_EXACTLY_ONCE, END_TXN, {E(INVALID_PRODUCER_EPOCH)}, NO_CAUSE},
    {"a commit without a transaction", MSP_EXACTLY_ONCE, END_TXN, {E(INVALID_TXN_STATE)}, NO_CAUSE},
    {"an id that has expired", MSP_EXACTLY_ONCE, END_TXN, {E(INVALID_PRODUCER_ID_MAPPING)}, NO_CAUSE},
    {"no transaction now",
     MSP_EXACTLY_ONCE,
     INIT_PRODUCER_ID,
     {E(COORDINATOR_LOAD_IN_PROGRESS), E(NOT_COORDINATOR)},
     END_TXN,
     E(INVALID_PRODUCER_EPOCH)},
    {"a partition joins late",
     MSP_EXACTLY_ONCE,
     ADD_PARTITIONS_TO_TXN,
     {E(CONCURRENT_TRANSACTIONS), E(NOT_COORDINATOR)},
     NO_CAUSE},
    {"fenced when a partition joins", MSP_EXACTLY_ONCE, ADD_PARTITIONS_TO_TXN, {E(INVALID_PRODUCER_EPOCH)}, NO_CAUSE},
    {"fenced when offsets join", MSP_EXACTLY_ONCE, ADD_OFFSETS_TO_TXN, {E(INVALID_PRODUCER_EPOCH)}, NO_CAUSE},
    {"offsets join late",
     MSP_EXACTLY_ONCE,
     ADD_OFFSETS_TO_TXN,
     {E(COORDINATOR_NOT_AVAILABLE), E(REQUEST_TIMED_OUT)},
     NO_CAUSE},
    {"offsets of an old generation", MSP_EXACTLY_ONCE, TXN_OFFSET_COMMIT, {E(ILLEGAL_GENERATION)}, NO_CAUSE},
    {"offsets of an unknown member", MSP_EXACTLY_ONCE, TXN_OFFSET_COMMIT, {E(UNKNOWN_MEMBER_ID)}, NO_CAUSE},
    {"offsets of a fenced instance", MSP_EXACTLY_ONCE, TXN_OFFSET_COMMIT, {E(FENCED_INSTANCE_ID)}, NO_CAUSE},
    {"offsets to another coordinator",
     MSP_EXACTLY_ONCE,
     TXN_OFFSET_COMMIT,
     {E(NOT_COORDINATOR), E(REQUEST_TIMED_OUT)},
     NO_CAUSE},
    {"out of sequence in a transaction", MSP_EXACTLY_ONCE, PRODUCE, {E(OUT_OF_ORDER_SEQUENCE_NUMBER)}, NO_CAUSE},
    {"fenced in a transaction", MSP_EXACTLY_ONCE, PRODUCE, {E(INVALID_PRODUCER_EPOCH)}, NO_CAUSE},
    {"too few replicas in a transaction",
     MSP_EXACTLY_ONCE,
     PRODUCE,
     {E(NOT_ENOUGH_REPLICAS), E(NOT_LEADER_FOR_PARTITION)},
     NO_CAUSE},
    {"out of sequence", MSP_AT_LEAST_ONCE, PRODUCE, {E(OUT_OF_ORDER_SEQUENCE_NUMBER)}, NO_CAUSE},
    {"an unknown producer", MSP_AT_LEAST_ONCE, PRODUCE, {E(UNKNOWN_PRODUCER_ID)}, NO_CAUSE},
    {"fenced", MSP_AT_LEAST_ONCE, PRODUCE, {E(INVALID_PRODUCER_EPOCH)}, NO_CAUSE},
    {"too few replicas",
     MSP_AT_LEAST_ONCE,
     PRODUCE,
     {E(NOT_ENOUGH_REPLICAS), E(NOT_ENOUGH_REPLICAS_AFTER_APPEND)},
     NO_CAUSE},
    {"another leader",
     MSP_AT_LEAST_ONCE,
     PRODUCE,
     {E(NOT_LEADER_FOR_PARTITION), E(REQUEST_TIMED_OUT), E(KAFKA_STORAGE_ERROR)},
     NO_CAUSE},
    {"a topic that is gone for a moment", MSP_AT_LEAST_ONCE, PRODUCE, {E(UNKNOWN_TOPIC_OR_PART)}, NO_CAUSE},
    {"no right for a moment", MSP_AT_LEAST_ONCE, PRODUCE, {E(TOPIC_AUTHORIZATION_FAILED)}, NO_CAUSE},
    {"a mark without an answer",
     MSP_AT_LEAST_ONCE,
     OFFSET_COMMIT,
     {E(REQUEST_TIMED_OUT), E(NOT_COORDINATOR)},
     NO_CAUSE},
    {"a mark of an old generation", MSP_AT_LEAST_ONCE, OFFSET_COMMIT, {E(ILLEGAL_GENERATION)}, NO_CAUSE},
    {"a heartbeat amid a rebalance", MSP_EXACTLY_ONCE, HEARTBEAT, {E(REBALANCE_IN_PROGRESS)}, NO_CAUSE},
    {"a heartbeat to another coordinator",
     MSP_EXACTLY_ONCE,
     HEARTBEAT,
     {E(NOT_COORDINATOR), E(COORDINATOR_NOT_AVAILABLE)},
     NO_CAUSE},
    {"no coordinator",
     MSP_EXACTLY_ONCE,
     FIND_COORDINATOR,
     {E(COORDINATOR_NOT_AVAILABLE), E(COORDINATOR_NOT_AVAILABLE)},
     END_TXN,
     E(INVALID_PRODUCER_EPOCH)},
};

/* Onto the stack of the one broker, because only such a stack can be counted. */
static void error_push(int16_t request, rd_kafka_resp_err_t code)
{
	assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, BROKER, request, 1, code, 0),
	                 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void errors_push(const struct fault *fault)
{
	for (size_t i = 0; fault->codes[i]; i++)
		error_push(fault->request, fault->codes[i]);
	if (fault->cause_code)
		error_push(fault->cause, fault->cause_code);
}

static size_t errors_left(int16_t request)
{
	size_t count = 0;
	assert_int_equal(rd_kafka_mock_broker_error_stack_cnt(mock.cluster, BROKER, request, &count),
	                 RD_KAFKA_RESP_ERR_NO_ERROR);
	return count;
}

static bool errors_are_met(const struct fault *fault)
{
	return errors_left(fault->request) == 0 && (!fault->cause_code || errors_left(fault->cause) == 0);
}

static void the_consumer_survives(void **state)
{
	const struct fault *fault = *state;
	input_send(); /* before, or it would meet the errors */
	errors_push(fault);
	next_settle();
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (!errors_are_met(fault)) {
		if (msp_monotonic_ms() >= deadline_ms)
			fail_msg("%zu errors met no request", errors_left(fault->request));
		round_trip();
	}
	round_trip();
}

static int at_least_once_start(void **state)
{
	mock_start(state);
	consumer_open(MSP_AT_LEAST_ONCE, NULL);
	round_trip();
	return 0;
}

static int exactly_once_start(void **state)
{
	mock_start(state);
	consumer_open(MSP_EXACTLY_ONCE, NULL);
	round_trip();
	return 0;
}

static void a_group_that_is_not_ready_is_joined_later(void **state)
{
	static const struct fault fault = {"", MSP_EXACTLY_ONCE, JOIN_GROUP, {E(COORDINATOR_LOAD_IN_PROGRESS)}, NO_CAUSE};
	(void)state;
	errors_push(&fault);
	consumer_open(MSP_EXACTLY_ONCE, NULL);
	round_trip();
	assert_true(errors_are_met(&fault));
}

/* librdkafka itself gives up on the partition then. */
static void a_mark_that_could_not_be_fetched_is_asked_for_again(void **state)
{
	static const struct fault fault = {"", MSP_EXACTLY_ONCE, OFFSET_FETCH, {E(NOT_COORDINATOR)}, NO_CAUSE};
	(void)state;
	errors_push(&fault);
	consumer_open(MSP_EXACTLY_ONCE, NULL);
	round_trip();
	assert_true(errors_are_met(&fault));
}

/* What the broker lacks is named, and nothing waits for it. */
static void a_broker_too_old_for_transactions_is_named(void **state)
{
	const struct msp_consumer_config config = {
	    .inputs = mock.names[0], .outputs = mock.names[1], .group = "group", .guarantee = MSP_EXACTLY_ONCE};
	struct msp_error err = {.text = ""};
	(void)state;
	assert_int_equal(rd_kafka_mock_set_apiversion(mock.cluster, INIT_PRODUCER_ID, -1, -1), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(msp_transport_consumer_open(mock.transport, &config, &member, &err), MSP_E_UNSUPPORTED);
	assert_false(err.retriable);
	assert_non_null(strstr(err.text, "exactly_once needs Kafka 2.5 or newer"));
}

/* A name that somebody else has taken is the one thing that ends a consumer. */
static void a_fenced_instance_ends(void **state)
{
	const struct msp_receive_limits limits = {.max_messages = 1, .max_bytes = 1 << 20, .timeout_ms = 100};
	static const struct fault fault = {"", MSP_AT_LEAST_ONCE, HEARTBEAT, {E(FENCED_INSTANCE_ID)}, NO_CAUSE};
	struct msp_batch *batch = NULL;
	struct msp_error err = {.status = MSP_OK};
	(void)state;
	consumer_open(MSP_AT_LEAST_ONCE, "name");
	round_trip();
	errors_push(&fault);
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (msp_consumer_receive(member, &limits, &batch, &err) == MSP_OK)
		assert_true(msp_monotonic_ms() < deadline_ms);
	assert_int_equal(err.status, MSP_E_CONFLICT);
	assert_false(err.retriable);
	assert_non_null(strstr(err.text, "another live process has the instance name name-0"));
}

static void broker_goes(void)
{
	assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, BROKER), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void broker_comes(void)
{
	assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, BROKER), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void broker_hangs(void)
{
	kafka_mock_hang(&mock);
}

/* What it has settled is committed when the broker is back, or repeated: either way it ends, within a session and
 * the time that librdkafka gives a request. */
static void closes_when(void (*broker_fails)(void), const char *instance)
{
	consumer_open(MSP_AT_LEAST_ONCE, instance);
	round_trip();
	broker_fails();
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	msp_consumer_free(member);
	member = NULL;
	assert_true(msp_monotonic_ms() < deadline_ms);
}

static void a_member_closes_without_a_broker(void **state)
{
	(void)state;
	closes_when(broker_goes, NULL);
}

static void a_static_member_closes_without_a_broker(void **state)
{
	(void)state;
	closes_when(broker_goes, "name");
}

static void a_member_closes_while_the_broker_hangs(void **state)
{
	(void)state;
	closes_when(broker_hangs, NULL);
}

static void a_static_member_closes_while_the_broker_hangs(void **state)
{
	(void)state;
	closes_when(broker_hangs, "name");
}

/* ---- the lag of a group ---- */

#define ADMIN_CLOSE_MS 3000
#define LATE_MS        200

static struct msp_admin *admin_open(void)
{
	struct msp_admin *admin = NULL;
	assert_int_equal(msp_transport_admin_open(mock.transport, &admin, NULL), MSP_OK);
	return admin;
}

/* -1: the broker has not answered in time. */
static int64_t lag_messages(struct msp_admin *admin, const char *group, int timeout_ms)
{
	struct msp_group_lag *lag = NULL;
	struct msp_error err = {.text = ""};
	if (msp_admin_group_lag(admin, group, mock.names[0], NULL, &lag, timeout_ms, &err) != MSP_OK) {
		assert_true(err.retriable);
		return -1;
	}
	int64_t messages = msp_group_lag_messages(lag);
	free(lag);
	return messages;
}

static void the_coordinator_of_a_group_is_found_anew(void **state)
{
	static const struct fault fault = {
	    "", MSP_AT_LEAST_ONCE, OFFSET_FETCH, {E(NOT_COORDINATOR), E(COORDINATOR_LOAD_IN_PROGRESS)}, NO_CAUSE};
	(void)state;
	input_send();
	struct msp_admin *admin = admin_open();
	assert_int_equal(lag_messages(admin, "group", DEADLINE_MS), 1);
	errors_push(&fault);
	input_send();
	assert_int_equal(lag_messages(admin, "group", DEADLINE_MS), 2);
	assert_true(errors_are_met(&fault));
	msp_admin_free(admin);
}

/* Questions whose time was over do no harm when the broker is back. */
static void lag_is_told_again_when_the_broker_is_back(void **state)
{
	(void)state;
	input_send();
	struct msp_admin *admin = admin_open();
	assert_int_equal(lag_messages(admin, "group", DEADLINE_MS), 1);
	for (int i = 0; i < 3; i++) {
		broker_goes();
		assert_int_equal(lag_messages(admin, "group", 50), -1);
		assert_int_equal(lag_messages(admin, "another", 50), -1);
		broker_comes();
		assert_int_equal(lag_messages(admin, "another", DEADLINE_MS), 1);
		assert_int_equal(lag_messages(admin, "group", DEADLINE_MS), 1);
	}
	msp_admin_free(admin);
}

static void answers_delay(int16_t request, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, BROKER, request, 1,
		                                                              RD_KAFKA_RESP_ERR_NO_ERROR, LATE_MS),
		                 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void answers_that_come_late_do_no_harm(void **state)
{
	(void)state;
	input_send();
	answers_delay(FIND_COORDINATOR, 3);
	answers_delay(OFFSET_FETCH, 1);
	struct msp_admin *admin = admin_open();
	assert_int_equal(lag_messages(admin, "group", LATE_MS / 4), -1);
	int64_t late_ms = msp_deadline_in(2 * LATE_MS);
	do
		assert_int_equal(lag_messages(admin, "another", DEADLINE_MS), 1);
	while (msp_deadline_left_ms(late_ms) > 0);
	assert_int_equal(lag_messages(admin, "group", DEADLINE_MS), 1);
	msp_admin_free(admin);
}

static void an_admin_closes_while_the_broker_hangs(void **state)
{
	(void)state;
	input_send();
	struct msp_admin *admin = admin_open();
	assert_int_equal(lag_messages(admin, "group", DEADLINE_MS), 1);
	broker_hangs();
	assert_int_equal(lag_messages(admin, "group", 50), -1);
	int64_t deadline_ms = msp_deadline_in(ADMIN_CLOSE_MS);
	msp_admin_free(admin);
	assert_true(msp_deadline_left_ms(deadline_ms) > 0);
}

/* One consumer lives through all faults of a guarantee. */
static int faults_run(enum msp_guarantee guarantee, CMFixtureFunction start)
{
	struct CMUnitTest tests[sizeof(faults) / sizeof(faults[0])];
	size_t count = 0;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].guarantee == guarantee)
			tests[count++] =
			    (struct CMUnitTest){faults[i].name, the_consumer_survives, NULL, NULL, (void *)(uintptr_t)&faults[i]};
	return _cmocka_run_group_tests("kafka_mock", tests, count, start, mock_stop);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, mock_start, mock_stop)
	const struct CMUnitTest tests[] = {
	    CASE(a_group_that_is_not_ready_is_joined_later),  CASE(a_mark_that_could_not_be_fetched_is_asked_for_again),
	    CASE(a_broker_too_old_for_transactions_is_named), CASE(a_fenced_instance_ends),
	    CASE(a_member_closes_without_a_broker),           CASE(a_static_member_closes_without_a_broker),
	    CASE(a_member_closes_while_the_broker_hangs),     CASE(a_static_member_closes_while_the_broker_hangs),
	    CASE(the_coordinator_of_a_group_is_found_anew),   CASE(lag_is_told_again_when_the_broker_is_back),
	    CASE(an_admin_closes_while_the_broker_hangs),     CASE(answers_that_come_late_do_no_harm),
	};
	int failed = faults_run(MSP_AT_LEAST_ONCE, at_least_once_start);
	failed += faults_run(MSP_EXACTLY_ONCE, exactly_once_start);
	return failed + cmocka_run_group_tests_name("kafka_mock", tests, NULL, NULL);
}
