/* The lag of groups on a real broker, where aborted records take offsets: one admin asks for many groups in turn. */
#include "brokers.h"
#include "transport_fixture.h"

#include <dirent.h>
#include <librdkafka/rdkafka.h>
#include <msp/clock.h>

/* More than a question of QUESTION_MS reads past. */
#define ABORTED     300000
#define QUESTION_MS 20
#define GROUPS      20

/* ---- whoever writes the inputs ---- */

static void succeeds(rd_kafka_error_t *error)
{
	if (error)
		fail_msg("%s", rd_kafka_error_string(error));
}

static void record_write(rd_kafka_t *rk, const char *topic, int32_t partition)
{
	static char value[] = "a value that nobody sees";
	while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
	                         RD_KAFKA_V_VALUE(value, sizeof(value)), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	                         RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_poll(rk, 10); /* its queue is full */
}

static int64_t waiting_count(struct fixture *fixture)
{
	int64_t count = 0;
	struct msp_topic_info *info;
	assert_int_equal(msp_admin_topic_describe(fixture->admin, fixture->inputs, &info, DEADLINE_MS, NULL), MSP_OK);
	for (size_t i = 0; i < info->partition_count; i++)
		count += info->partitions[i].waiting;
	free(info);
	return count;
}

/* The broker writes the markers of a transaction some time after it has said that it is aborted. */
static void markers_await(struct fixture *fixture)
{
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	while (waiting_count(fixture) > 0)
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
}

static void aborted_write(struct fixture *fixture, int count)
{
	char text[200];
	const char *const settings[][2] = {{"bootstrap.servers", fixture->url + strlen("kafka://")},
	                                   {"transactional.id", fixture->inputs}};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		assert_int_equal(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text)), RD_KAFKA_CONF_OK);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(rk);
	succeeds(rd_kafka_init_transactions(rk, DEADLINE_MS));
	succeeds(rd_kafka_begin_transaction(rk));
	for (int i = 0; i < count; i++)
		record_write(rk, fixture->inputs, i % PARTITIONS);
	assert_int_equal(rd_kafka_flush(rk, DEADLINE_MS), 0);
	succeeds(rd_kafka_abort_transaction(rk, DEADLINE_MS));
	rd_kafka_destroy(rk);
	markers_await(fixture);
}

/* ---- asking ---- */

static struct msp_group_lag *lag_ask(struct fixture *fixture, const char *group, int timeout_ms)
{
	struct msp_group_lag *lag = NULL;
	struct msp_error err = {.text = ""};
	if (msp_admin_group_lag(fixture->admin, group, fixture->inputs, NULL, &lag, timeout_ms, &err) != MSP_OK &&
	    !err.retriable)
		fail_msg("%s", err.text);
	return lag;
}

/* -1: not answered in time. */
static int64_t lag_messages(struct fixture *fixture, const char *group, int timeout_ms)
{
	struct msp_group_lag *lag = lag_ask(fixture, group, timeout_ms);
	int64_t messages = lag ? msp_group_lag_messages(lag) : -1;
	free(lag);
	return messages;
}

static int thread_count(void)
{
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	for (const struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* ---- cases ---- */

static void groups_asked_in_turn_get_past_aborted_records(void **state)
{
	struct fixture *fixture = *state;
	static const char *const groups[] = {"one", "another"};
	aborted_write(fixture, ABORTED);
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS), questions = 0;
	for (int64_t left = -1; left != 0; questions++) {
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
		left = 0;
		for (size_t i = 0; i < 2; i++)
			left |= lag_messages(fixture, groups[i], QUESTION_MS);
	}
	assert_true(questions > 1); /* or the case shows nothing */
	send_text(fixture, fixture->inputs, 0, "value");
	assert_int_equal(lag_messages(fixture, groups[0], DEADLINE_MS), 1);
}

/* What a restart would find: the place in the log and the time of the first message, whatever stands before it. */
static void the_oldest_message_is_told_behind_aborted_records(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_message message = {
	    .value = MSP_BYTES_LITERAL("value"), .timestamp_ms = 1700000000123, .partition = 1};
	aborted_write(fixture, 100);
	send_message(fixture, fixture->inputs, &message);
	struct msp_group_lag *lag = lag_ask(fixture, fixture->group, DEADLINE_MS);
	assert_non_null(lag);
	assert_int_equal(lag->partition_count, PARTITIONS);
	for (int32_t i = 0; i < PARTITIONS; i++) {
		assert_int_equal(lag->partitions[i].partition, i);
		assert_int_equal(lag->partitions[i].messages, i == 1);
		assert_int_equal(lag->partitions[i].oldest_timestamp_ms, i == 1 ? message.timestamp_ms : MSP_TIMESTAMP_NONE);
	}
	free(lag);
}

static void a_question_about_another_group_opens_no_client(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	assert_int_equal(lag_messages(fixture, fixture->group, DEADLINE_MS), 10);
	int threads = thread_count();
	int64_t begin_ns = msp_monotonic_ns();
	for (int i = 0; i < GROUPS; i++) {
		char group[32];
		snprintf(group, sizeof(group), "group-%d", i);
		assert_int_equal(lag_messages(fixture, group, DEADLINE_MS), 10);
	}
	print_message("%.2f ms for a group\n", (double)(msp_monotonic_ns() - begin_ns) / 1e6 / GROUPS);
	assert_int_equal(thread_count(), threads);
}

int main(void)
{
	if (!fixture_use(&test_broker_kafka))
		return 77;
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_init_topics, fixture_done)
	const struct CMUnitTest tests[] = {
	    CASE(groups_asked_in_turn_get_past_aborted_records),
	    CASE(the_oldest_message_is_told_behind_aborted_records),
	    CASE(a_question_about_another_group_opens_no_client),
	};
	return cmocka_run_group_tests_name("kafka_lag", tests, NULL, NULL);
}
