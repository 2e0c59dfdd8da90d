/* msp on Kafka topics that others write in transactions: markers and aborted records take offsets, but nobody has to
 * settle them. */
#include "invocation.h"
#include "kafka_broker.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <unistd.h>

static char inputs[96];

/* `shell` lines know the topics of the model echo as $IN and $OUT. */
static int enter(void **state)
{
	static int count;
	char prefix[64], url[256], outputs[96];
	assert_true(kafka_broker_find(url, sizeof(url)));
	setenv("BROKER", url + strlen("kafka://"), 1);
	setenv("MSP_BROKER", url, 1);
	snprintf(prefix, sizeof(prefix), "transaction_%d_%d", (int)getpid(), count++);
	setenv("MSP_TOPIC_PREFIX", prefix, 1);
	snprintf(inputs, sizeof(inputs), "%s.echo.1.0.inputs", prefix);
	snprintf(outputs, sizeof(outputs), "%s.echo.1.0.outputs", prefix);
	setenv("IN", inputs, 1);
	setenv("OUT", outputs, 1);
	int status = enter_directory(state);
	struct result result = expect_shell(0, "$MSP topics create -m echo -p 2");
	result_free(&result);
	return status;
}

static int leave(void **state)
{
	struct result result = shell("$MSP topics delete -m echo");
	result_free(&result);
	return leave_directory(state);
}

static void prints(const char *line, const char *expected)
{
	struct result result = expect_shell(0, "%s", line);
	assert_string_equal(result.out, expected);
	result_free(&result);
}

/* ---- whoever writes the inputs ---- */

static void succeeds(rd_kafka_error_t *error)
{
	if (error)
		fail_msg("%s", rd_kafka_error_string(error));
}

static rd_kafka_t *writer_open(void)
{
	char text[200];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", getenv("BROKER"), text, sizeof(text));
	rd_kafka_conf_set(conf, "transactional.id", inputs, text, sizeof(text));
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(rk);
	succeeds(rd_kafka_init_transactions(rk, DEADLINE_MS));
	return rk;
}

static void writer_write(rd_kafka_t *rk, int32_t partition, int count)
{
	static char value[] = "{}";
	const rd_kafka_vu_t message[] = {
	    {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = inputs},
	    {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
	    {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
	    {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {value, sizeof(value) - 1}},
	};
	for (int i = 0; i < count; i++)
		succeeds(rd_kafka_produceva(rk, message, sizeof(message) / sizeof(message[0])));
	assert_int_equal(rd_kafka_flush(rk, DEADLINE_MS), 0); /* what is aborted is on the broker */
}

/* `committed` messages in partition 0, then `aborted` ones in both. */
static void inputs_write(int committed, int aborted)
{
	rd_kafka_t *rk = writer_open();
	succeeds(rd_kafka_begin_transaction(rk));
	writer_write(rk, 0, committed);
	succeeds(rd_kafka_commit_transaction(rk, DEADLINE_MS));
	if (aborted > 0) {
		succeeds(rd_kafka_begin_transaction(rk));
		writer_write(rk, 0, aborted);
		writer_write(rk, 1, aborted);
		succeeds(rd_kafka_abort_transaction(rk, DEADLINE_MS));
	}
	rd_kafka_destroy(rk);
}

/* ---- the cases ---- */

#define LAG  "$MSP topics describe -m echo | grep -o '[0-9]* messages* to settle'"
#define RUN  "timeout 15 $MSP run -e echo"
#define TAKE "timeout 15 $MSP receive -g group -e -t "

static void a_marker_is_not_waited_for(void **state)
{
	(void)state;
	inputs_write(3, 0);
	prints(RUN " && " LAG, "0 messages to settle\n");
	prints(RUN " && " LAG, "0 messages to settle\n");
	prints("$MSP receive -t $OUT -e", "{}\n{}\n{}\n");
}

static void aborted_records_are_not_waited_for(void **state)
{
	(void)state;
	inputs_write(3, 5);
	prints(LAG, "10 messages to settle\n"); /* from the first message on what is between messages counts too */
	prints(RUN " && " LAG, "0 messages to settle\n");
	inputs_write(0, 100);
	prints(LAG, "0 messages to settle\n");
	inputs_write(1, 0);
	prints(LAG, "2 messages to settle\n");
	prints(RUN " && " LAG, "0 messages to settle\n");
	prints("$MSP receive -t $OUT -e", "{}\n{}\n{}\n{}\n");
}

static void a_group_receives_to_the_last_message(void **state)
{
	(void)state;
	inputs_write(3, 5);
	prints(TAKE "$IN", "{}\n{}\n{}\n");
	prints(TAKE "$IN", "");
}

/* Of one model by the next. */
static void outputs_that_were_written_exactly_once_end_too(void **state)
{
	(void)state;
	prints("printf '{}\\n{}\\n' | $MSP send -m echo -p 1", "");
	setenv("MSP_PROCESSING_GUARANTEE", "exactly_once", 1);
	prints(RUN, "");
	unsetenv("MSP_PROCESSING_GUARANTEE");
	prints(TAKE "$OUT", "{}\n{}\n");
	prints(TAKE "$OUT", "");
}

/* The ends that readers of committed messages see stand still, and nobody sees why. */
static void an_open_transaction_is_shown(void **state)
{
	(void)state;
	rd_kafka_t *rk = writer_open();
	succeeds(rd_kafka_begin_transaction(rk));
	writer_write(rk, 1, 3);
	prints("$MSP topics describe -t $IN | tail -1",
	       "  partition 1: 0 messages, offsets from 0, next 0, then 3 behind an open transaction\n");
	prints(RUN " 2>&1 | grep 'open transaction' | sed 's/^msp: [^ ]*inputs: //'",
	       "3 messages behind an open transaction, not waited for\n");
	succeeds(rd_kafka_commit_transaction(rk, DEADLINE_MS));
	prints("$MSP topics describe -t $IN | tail -1", "  partition 1: 4 messages, offsets from 0, next 4\n");
	prints(RUN " 2>&1 | grep -c 'open transaction'; " LAG, "0\n0 messages to settle\n");
	rd_kafka_destroy(rk);
}

/* They may begin further back than their number of offsets. */
static void the_last_messages_are_messages(void **state)
{
	(void)state;
	setenv("MSP_PROCESSING_GUARANTEE", "exactly_once", 1);
	for (int i = 1; i <= 4; i++) {
		struct result result = expect_shell(0, "echo '{\"n\": %d}' | $MSP send -m echo -p 1 && " RUN, i);
		result_free(&result);
	}
	unsetenv("MSP_PROCESSING_GUARANTEE");
	prints("$MSP receive -t $OUT -o -1 -e", "{\"n\": 4}\n");
	prints("$MSP receive -t $OUT -o -3 -e", "{\"n\": 2}\n{\"n\": 3}\n{\"n\": 4}\n");
	prints("$MSP receive -t $OUT -o -100 -e | wc -l", "4\n");
	inputs_write(3, 50);
	prints("$MSP receive -t $IN -p 0 -o -2 -e", "{}\n{}\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    CASE(a_marker_is_not_waited_for),           CASE(aborted_records_are_not_waited_for),
	    CASE(a_group_receives_to_the_last_message), CASE(outputs_that_were_written_exactly_once_end_too),
	    CASE(the_last_messages_are_messages),       CASE(an_open_transaction_is_shown),
	};
	return cmocka_run_group_tests_name("kafka_transaction", tests, NULL, NULL);
}
