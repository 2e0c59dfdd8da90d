/* What reaches `msp run` and `msp send` on Kafka that is no ordinary message, and a broker that is not ready for them.
 */
#include "invocation.h"
#include "kafka_broker.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define FLOWER "{\"sepal_length\": 6.2, \"sepal_width\": 3.4, \"petal_length\": 5.4, \"petal_width\": 2.3}"

/* Topics of this test's own: `shell` lines know them as $IN, $OUT and $ERR. */
static int enter(void **state)
{
	static int count;
	char prefix[64], name[128], url[256];
	static const char *const kinds[][2] = {{"IN", "inputs"}, {"OUT", "outputs"}, {"ERR", "errors"}};
	assert_true(kafka_broker_find(url, sizeof(url)));
	setenv("BROKER", url + strlen("kafka://"), 1);
	setenv("MSP_BROKER", url, 1);
	snprintf(prefix, sizeof(prefix), "input_%d_%d", (int)getpid(), count++);
	setenv("MSP_TOPIC_PREFIX", prefix, 1);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s.iris_model.0.1.%s", prefix, kinds[i][1]);
		setenv(kinds[i][0], name, 1);
	}
	return enter_directory(state);
}

static int leave(void **state)
{
	struct result result = shell("$MSP topics delete -b $BROKER -m iris");
	result_free(&result);
	return leave_directory(state);
}

static void run_line(const char *line)
{
	struct result result = expect_shell(0, "%s", line);
	result_free(&result);
}

static void prints(const char *line, const char *expected)
{
	struct result result = expect_shell(0, "%s", line);
	assert_string_equal(result.out, expected);
	result_free(&result);
}

static void tombstones_go_to_errors(void **state)
{
	static const char *const guarantees[] = {"at_least_once", "exactly_once"};
	(void)state;
	run_line("$MSP topics create -m iris");
	for (size_t i = 0; i < 2; i++) {
		setenv("MSP_PROCESSING_GUARANTEE", guarantees[i], 1);
		run_line("printf 'k:\\n' | kcat -P -b $BROKER -t $IN -K: -Z -H trace=7");
		run_line("$MSP run -e iris");
	}
	unsetenv("MSP_PROCESSING_GUARANTEE");
	prints("kcat -C -b $BROKER -q -t $OUT -e", "");
	struct result result = expect_shell(0, "kcat -C -b $BROKER -q -t $ERR -e -f '%%k %%S %%h\\n'");
	assert_true(strncmp(result.out, "k -1 trace=7,", 13) == 0);
	assert_contains(result.out, "msp-error-code=missing_value");
	const char *second = strchr(result.out, '\n') + 1;
	assert_true(strncmp(second, "k -1 trace=7,", 13) == 0);
	assert_string_equal(strchr(second, '\n'), "\n");
	result_free(&result);
}

/* As people's producers write them: many messages in one compressed batch. */
static void compressed_batches_are_served(void **state)
{
	(void)state;
	run_line("$MSP topics create -m iris");
	run_line("for i in $(seq 500); do echo '" FLOWER "'; done >flowers;"
	         " for codec in gzip snappy lz4 zstd; do kcat -P -b $BROKER -t $IN -z $codec -l flowers || exit 1; done");
	run_line("$MSP run -e iris");
	prints("kcat -C -b $BROKER -q -t $OUT -e | sort | uniq -c | tr -s ' '", " 2000 {\"species\": \"virginica\"}\n");
	prints("kcat -C -b $BROKER -q -t $ERR -e", "");
}

static void what_is_too_large_is_refused_one_by_one(void **state)
{
	(void)state;
	run_line("$MSP topics create -m iris --topic-config max.message.bytes=20000");
	run_line("seq 300 >lines; head -c 60000 /dev/zero | tr '\\0' x >large; echo >>large;"
	         " (head -150 lines; cat large; tail -150 lines) >all");
	struct result result = expect_shell(1, "$MSP send -m iris -X kafka.compression.type=none -l all");
	assert_contains(result.err, "line 151: larger than the topic's max.message.bytes");
	assert_lacks(result.err, "line 150");
	result_free(&result);
	prints("kcat -C -b $BROKER -q -t $IN -e | cmp - lines && echo same", "same\n");
}

/* The output is refused, so the input goes to errors, where it is small enough. */
static void an_output_that_is_too_large_goes_to_errors(void **state)
{
	static const char *const guarantees[] = {"at_least_once", "exactly_once"};
	(void)state;
	char line[512];
	snprintf(line, sizeof(line), "%s.echo.1.0.", getenv("MSP_TOPIC_PREFIX"));
	setenv("ECHO", line, 1);
	run_line("$MSP topics create -t ${ECHO}inputs -t ${ECHO}errors && $MSP topics create -t ${ECHO}outputs"
	         " --topic-config max.message.bytes=20000");
	for (size_t i = 0; i < 2; i++) {
		setenv("MSP_PROCESSING_GUARANTEE", guarantees[i], 1);
		run_line(
		    "(seq 100 | sed 's/.*/{\"n\": &}/'; printf '{\"n\": \"'; head -c 60000 /dev/zero | tr '\\0' x; echo '\"}';"
		    " seq 100 | sed 's/.*/{\"n\": &}/') | $MSP send -m echo");
		run_line("$MSP run -e -X kafka.compression.type=none echo");
	}
	unsetenv("MSP_PROCESSING_GUARANTEE");
	prints("$MSP receive -t ${ECHO}outputs -e | sort | uniq -c | grep -c '^ *4 '", "100\n");
	struct result result = expect_shell(0, "$MSP receive -t ${ECHO}errors -e -f '%%S %%h\\n'");
	assert_true(strncmp(result.out, "60009 ", 6) == 0);
	assert_contains(result.out, "msp-error-code=output_rejected");
	assert_true(strncmp(strchr(result.out, '\n') + 1, "60009 ", 6) == 0);
	result_free(&result);
	result = shell("$MSP topics delete -m echo");
	result_free(&result);
}

static void a_missing_topic_is_waited_for(void **state)
{
	(void)state;
	struct process *run = process_start("run", "-e", "iris", NULL);
	process_await(run, run->err, "; \"msp topics create -m iris\" creates them\nmsp: waiting for topics: "); /* twice */
	run_line("$MSP topics create -m iris");
	process_read_all(run, run->err);
	assert_contains(run->text, "0 outputs, 0 errors");
	assert_int_equal(process_end(run), 0);
}

/* Nothing listens there: port 1 is nobody's. */
#define NOBODY "127.0.0.1:1"

static void commands_end_with_3_without_a_broker(void **state)
{
	static const char *const lines[] = {
	    "$MSP topics list",     "$MSP topics create -t x",   "echo x | $MSP send -t x",
	    "$MSP receive -t x -e", "$MSP receive -t x -e -g x", "$MSP run -e iris",
	};
	(void)state;
	setenv("MSP_BROKER", "kafka://" NOBODY, 1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct result result = expect_shell(3, "%s --timeout 0.5", lines[i]);
		assert_contains(result.err, "Connect to ipv4#" NOBODY " failed: Connection refused");
		assert_lacks(result.err, "level=");
		result_free(&result);
	}
}

static void run_waits_for_a_broker(void **state)
{
	static const char said[] = "msp: waiting for the broker kafka://" NOBODY ": the broker does not answer: ";
	(void)state;
	setenv("MSP_BROKER", "kafka://" NOBODY, 1);
	struct process *run = process_start("run", "iris", NULL);
	process_await(run, run->err, said);
	char twice[400];
	snprintf(twice, sizeof(twice), "Connection refused\n%s", said);
	process_await(run, run->err, twice); /* ten seconds later */
	process_signal(run, SIGTERM);
	assert_int_equal(process_end(run), 0);
}

static void properties_are_judged_where_they_are_written(void **state)
{
	(void)state;
	write_file("msp.yaml", "kafka:\n"
	                       "  acks: 1\n"
	                       "  consumer.fetch.wait.max.ms: 50\n"
	                       "  producer.lnger.ms: 5\n"
	                       "  sasl.mechanism: ${MECHANISM}\n"
	                       "  linger.ms: ${LINGER}\n"
	                       "  auto.offset.reset: latest\n"
	                       "  consumer.transaction.timeout.ms: 5\n");
	setenv("MECHANISM", "PLAIN", 1);
	setenv("LINGER", "topsecret", 1);
	struct result result = expect(2, "config", "check", NULL);
	assert_contains(result.err, "msp: msp.yaml:2:3: kafka.acks cannot be set to anything but all,-1: results would be");
	assert_contains(result.err, "msp.yaml:4:3: kafka.producer.lnger.ms: librdkafka ");
	assert_contains(result.err, "; did you mean kafka.producer.linger.ms?");
	assert_contains(result.err, "msp.yaml:6:3: kafka.linger.ms: ");
	assert_contains(result.err, "msp.yaml:7:3: kafka.auto.offset.reset cannot be set");
	assert_contains(result.err, "msp.yaml:8:3: kafka.consumer.transaction.timeout.ms cannot be set");
	assert_lacks(result.err, "fetch.wait");
	assert_lacks(result.err, "topsecret");
	result_free(&result);
	result = expect(2, "run", "iris", NULL);
	assert_contains(result.err, "msp.yaml:2:3: kafka.acks");
	result_free(&result);
	remove("msp.yaml");
	setenv("MSP_KAFKA_ENABLE_AUTO_COMMIT", "true", 1);
	result = expect(2, "topics", "list", NULL);
	assert_contains(result.err, "msp: MSP_KAFKA_ENABLE_AUTO_COMMIT: kafka.enable.auto.commit cannot be set: messages");
	result_free(&result);
	unsetenv("MSP_KAFKA_ENABLE_AUTO_COMMIT");
}

static void properties_are_held_against_each_other(void **state)
{
	(void)state;
	write_file("msp.yaml", "kafka:\n"
	                       "  session.timeout.ms: 9000\n"
	                       "  consumer.heartbeat.interval.ms: 3001\n");
	struct result result = expect(2, "config", "check", "-m", "iris", NULL);
	assert_contains(result.err, "msp: msp.yaml:3:3: kafka.consumer.heartbeat.interval.ms: 3001 is not from 1 to 3000");
	result_free(&result);
	result = expect(0, "config", "check", "-m", "iris", "-X", "kafka.consumer.heartbeat.interval.ms=3000", NULL);
	result_free(&result);
	remove("msp.yaml");
}

/* librdkafka unpacks so much and no more. */
static void a_batch_that_unpacks_too_large_is_named(void **state)
{
	static const char limits[] = "-X kafka.consumer.receive.message.max.bytes=1200000"
	                             " -X kafka.consumer.fetch.max.bytes=1000000 -X kafka.message.max.bytes=1000000";
	static const char said[] = "larger than kafka.receive.message.max.bytes when it is unpacked";
	(void)state;
	run_line("$MSP topics create -m iris -X message.max.bytes=10000000");
	run_line("head -c 5000000 /dev/zero | tr '\\0' x >large; $MSP send -m iris -X message.max.bytes=10000000 -X "
	         "kafka.compression.type=zstd large");
	struct result result = expect_shell(1, "$MSP receive -m iris inputs -e --timeout 3 %s", limits);
	assert_contains(result.err, said);
	assert_lacks(result.err, "not reachable");
	result_free(&result);
	result = expect_shell(1, "$MSP run -e iris --timeout 3 %s", limits);
	assert_contains(result.err, said);
	assert_lacks(result.err, "not reachable");
	result_free(&result);
}

/* What is for one side wins over what is for both, wherever it is written; what passes does something. */
static void properties_reach_librdkafka(void **state)
{
	(void)state;
	run_line("$MSP topics create -t $IN");
	struct result result =
	    expect_shell(1, "printf '%%2000d\\n' 1 | $MSP send -t $IN -X kafka.producer.message.max.bytes=1000"
	                    " -X kafka.message.max.bytes=1000000");
	assert_contains(result.err, "line 1: larger than");
	result_free(&result);
	run_line("printf '%2000d\\n' 1 | $MSP send -t $IN -X kafka.consumer.message.max.bytes=1000");
	result = expect_shell(0, "$MSP receive -t $IN -e -X log.level=debug -X kafka.consumer.debug=conf"
	                         " -X kafka.client.id=that.is.me");
	assert_contains(result.err, "client.id = that.is.me");
	result_free(&result);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    CASE(tombstones_go_to_errors),
	    CASE(compressed_batches_are_served),
	    CASE(what_is_too_large_is_refused_one_by_one),
	    CASE(an_output_that_is_too_large_goes_to_errors),
	    CASE(a_missing_topic_is_waited_for),
	    CASE(commands_end_with_3_without_a_broker),
	    CASE(run_waits_for_a_broker),
	    CASE(properties_are_judged_where_they_are_written),
	    CASE(properties_are_held_against_each_other),
	    CASE(a_batch_that_unpacks_too_large_is_named),
	    CASE(properties_reach_librdkafka),
	};
	return cmocka_run_group_tests_name("kafka_input", tests, NULL, NULL);
}
