/* What hangs is spoken of, and does not keep the program from stopping. */
#include "invocation.h"

#include <msp/clock.h>
#include <signal.h>

#define BROKER   "-b", "sqlite:msp.db"
#define STOP_IN  "-X", "stop.timeout.ms=2000"
#define LIMIT_MS 2000
/* What the last words and the end of a process may take above it. */
#define SLACK_MS 1500

static void assert_stops_in_time(struct process *server, int signal, int status)
{
	int64_t begun_ms = msp_monotonic_ms();
	process_signal(server, signal);
	assert_true(process_ends_within(server, LIMIT_MS + SLACK_MS));
	assert_in_range(msp_monotonic_ms() - begun_ms, 0, LIMIT_MS + SLACK_MS);
	assert_int_equal(process_end(server), status);
}

static void topics_create(const char *model)
{
	struct result result = expect(0, "topics", "create", BROKER, "-m", model, NULL);
	result_free(&result);
}

static void assert_nothing_is_settled(const char *model)
{
	static const char *const kinds[] = {"outputs", "errors"};
	for (size_t i = 0; i < 2; i++) {
		struct result result = expect(0, "receive", BROKER, "-m", model, kinds[i], "-e", NULL);
		assert_string_equal(result.out, "");
		result_free(&result);
	}
}

static void a_predict_that_never_returns_is_spoken_of(void **state)
{
	(void)state;
	topics_create(FAULTY);
	struct process *server = process_start("run", BROKER, STOP_IN, "--ready-file", "ready", FAULTY, NULL);
	await_file("ready", true);
	struct result result =
	    expect_with(0, "{\"touch\": \"predicting\", \"sleep_ms\": 600000}\n", "send", BROKER, "-m", FAULTY, NULL);
	result_free(&result);
	await_file("predicting", true);
	await_file("ready", false);
	process_await(server, server->err,
	              "level=warn msg=\"predict does not return\" model=faulty/1.0 worker=0 for_s=10 "
	              "topic=model_stream_processor.faulty.1.0.inputs partition=0 "
	              "offset=0 messages=1");
	int64_t begun_ms = msp_monotonic_ms();
	process_signal(server, SIGTERM);
	process_await(server, server->err, "msp: not stopped after 2000 ms");
	process_await(server, server->err, "level=error msg=\"left in predict, its inputs unsettled\" model=faulty/1.0");
	assert_int_equal(process_end(server), 1);
	assert_in_range(msp_monotonic_ms() - begun_ms, 0, LIMIT_MS + SLACK_MS);
	assert_nothing_is_settled(FAULTY);
}

static void a_stop_waits_for_no_predict(void **state)
{
	(void)state;
	topics_create(FAULTY);
	struct result result =
	    expect_with(0, "{\"touch\": \"predicting\", \"sleep_ms\": 600000}\n", "send", BROKER, "-m", FAULTY, NULL);
	result_free(&result);
	struct process *server = process_start_unheard("run", BROKER, STOP_IN, "--ready-file", "ready", FAULTY, NULL);
	await_file("predicting", true);
	assert_stops_in_time(server, SIGTERM, 1);
	assert_false(file_exists("ready"));
	assert_nothing_is_settled(FAULTY);
}

static void a_stop_waits_for_no_open(void **state)
{
	(void)state;
	topics_create(FAULTY);
	write_file("msp.yaml", "models:\n  slow:\n    plugin: " FAULTY "\n    open.hangs: true\n");
	struct process *server = process_start("run", BROKER, STOP_IN, "slow", NULL);
	process_await(server, server->err, "msg=serving");
	assert_stops_in_time(server, SIGTERM, 1);
}

static void a_hangup_stops_as_gracefully(void **state)
{
	(void)state;
	topics_create("echo");
	struct process *server = process_start("run", BROKER, STOP_IN, "--ready-file", "ready", "echo", NULL);
	await_file("ready", true);
	process_signal(server, SIGHUP);
	process_await(server, server->err, "0 outputs, 0 errors");
	assert_int_equal(process_end(server), 0);
	assert_false(file_exists("ready"));
}

static void nohup_is_obeyed(void **state)
{
	(void)state;
	topics_create("echo");
	signal(SIGHUP, SIG_IGN);
	struct process *server = process_start("run", BROKER, STOP_IN, "--ready-file", "ready", "echo", NULL);
	signal(SIGHUP, SIG_DFL);
	await_file("ready", true);
	process_signal(server, SIGHUP);
	struct result result = expect_with(0, "{\"a\": 1}\n", "send", BROKER, "-m", "echo", NULL);
	result_free(&result);
	result = expect(0, "receive", BROKER, "-m", "echo", "outputs", "-c", "1", NULL);
	assert_string_equal(result.out, "{\"a\": 1}\n");
	result_free(&result);
	assert_stops_in_time(server, SIGTERM, 0);
}

int main(void)
{
#define STOP_TEST(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    STOP_TEST(a_predict_that_never_returns_is_spoken_of),
	    STOP_TEST(a_stop_waits_for_no_predict),
	    STOP_TEST(a_stop_waits_for_no_open),
	    STOP_TEST(a_hangup_stops_as_gracefully),
	    STOP_TEST(nohup_is_obeyed),
	};
	return cmocka_run_group_tests_name("stop limit", tests, NULL, NULL);
}
