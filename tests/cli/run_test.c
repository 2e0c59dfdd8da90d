/* msp run, on the embedded broker. */
#include "invocation.h"

#include <signal.h>

#define BROKER "-b", "sqlite:msp.db"

static void topics_create(const char *model)
{
	struct result result = expect(0, "topics", "create", BROKER, "-m", model, NULL);
	result_free(&result);
}

static void send_to(const char *model, const char *lines)
{
	struct result result = expect_with(0, lines, "send", BROKER, "-m", model, NULL);
	result_free(&result);
}

static void assert_in(const char *model, const char *topic, const char *expected)
{
	struct result result = expect(0, "receive", BROKER, "-m", model, topic, "-e", NULL);
	assert_string_equal(result.out, expected);
	result_free(&result);
}

static void what_is_there_is_settled(void **state)
{
	(void)state;
	topics_create("echo");
	send_to("echo", "{\"a\":1}\nnonsense\n[]\n{\"b\":2}\n");
	struct result result = expect(0, "run", BROKER, "echo", "-e", NULL);
	assert_string_equal(result.out, "");
	assert_contains(result.err, "2 outputs, 2 errors (1 malformed, 1 schema_violation); 4 messages in ");
	result_free(&result);
	assert_in("echo", "outputs", "{\"a\": 1}\n{\"b\": 2}\n");
	assert_in("echo", "errors", "nonsense\n[]\n");
	result = expect(0, "run", BROKER, "-m", "echo", "-e", "-q", NULL);
	assert_string_equal(result.err, "");
	result_free(&result);
	assert_in("echo", "outputs", "{\"a\": 1}\n{\"b\": 2}\n");
}

static void every_configured_model_is_served(void **state)
{
	(void)state;
	write_file("msp.yaml", "broker: sqlite:msp.db\nprocessing.guarantee: exactly_once\noutput.headers: true\n"
	                       "models: {echo: {workers: 2}, iris: }\n");
	struct result result = expect(0, "topics", "create", "-p", "4", NULL);
	result_free(&result);
	send_to("echo", "{\"a\":1}\n");
	send_to("iris", "{\"sepal_length\":6,\"sepal_width\":3,\"petal_length\":5,\"petal_width\":2}\n");
	result = expect(0, "run", "-e", NULL);
	assert_contains(result.err, "2 outputs, 0 errors; 2 messages in ");
	result_free(&result);
	assert_in("iris", "outputs", "{\"species\": \"virginica\"}\n");
	result = expect(0, "receive", "-m", "echo", "outputs", "-e", "-f", "%h", NULL);
	assert_contains(result.out, "msp-model=echo/1.0");
	assert_contains(result.out, "content-type=application/json");
	result_free(&result);
	remove("msp.yaml");
}

static void the_ready_file_tells_the_truth(void **state)
{
	(void)state;
	topics_create("echo");
	write_file("ready", ""); /* left behind by a process that was killed */
	struct process *server = process_start("run", BROKER, "nobody", "--ready-file", "ready", NULL);
	assert_int_equal(process_end(server), 2);
	server = process_start("run", BROKER, "echo", "--ready-file", "ready.now", NULL);
	await_file("ready.now", true);
	send_to("echo", "{}\n");
	struct result result = expect(0, "receive", BROKER, "-m", "echo", "outputs", "-c", "1", NULL);
	assert_string_equal(result.out, "{}\n");
	result_free(&result);
	process_signal(server, SIGTERM);
	assert_int_equal(process_end(server), 0);
	assert_false(file_exists("ready.now"));
}

static void it_waits_for_topics_and_says_so(void **state)
{
	(void)state;
	struct process *server = process_start("run", BROKER, "echo", "--ready-file", "ready", NULL);
	process_await(server, server->err, "msp: waiting for ");
	process_await(server, server->err, "\"msp topics create -b sqlite:msp.db -m echo\"");
	assert_false(file_exists("ready"));
	topics_create("echo");
	await_file("ready", true);
	process_signal(server, SIGINT);
	assert_int_equal(process_end(server), 0);
}

static void a_wait_can_be_stopped_and_bounded(void **state)
{
	(void)state;
	struct process *server = process_start("run", BROKER, "echo", NULL);
	process_await(server, server->err, "msp: waiting for ");
	process_signal(server, SIGTERM);
	assert_int_equal(process_end(server), 0);
	struct result result = expect(1, "run", BROKER, "echo", "--timeout", "0.1", NULL);
	assert_contains(result.err, "msp: gave up after 0.1 s: ");
	result_free(&result);
	result = expect(3, "run", "-b", "sqlite:none/x.db", "echo", "--timeout", "0.1", NULL);
	assert_contains(result.err, "its folder does not exist\nmsp: gave up");
	assert_lacks(result.err, "topics create");
	result_free(&result);
	result = expect(1, "run", BROKER, "echo", "-m", "iris", "-X", "topic.prefix=a", "--timeout", "0", NULL);
	assert_contains(result.err,
	                "\"msp topics create --if-not-exists -b sqlite:msp.db -X topic.prefix=a -m echo -m iris\" creates");
	result_free(&result);
	write_file("msp.yaml", "broker: sqlite:msp.db\nmodels: {echo: , iris: }\n");
	result = expect(1, "run", "--timeout", "0", NULL);
	assert_contains(result.err, "\"msp topics create --if-not-exists\" creates them");
	result_free(&result);
	remove("msp.yaml");
}

static void it_says_what_it_serves(void **state)
{
	(void)state;
	topics_create("echo");
	struct result result = expect(0, "run", BROKER, "echo", "-e", "-X", "models.echo.workers=3", NULL);
	assert_contains(result.err, "msg=serving models=echo/1.0 workers=3 broker=sqlite:msp.db");
	assert_contains(result.err, "more workers than partitions");
	assert_contains(result.err, "partitions=1 ");
	result_free(&result);
	result = expect(0, "run", BROKER, "echo", "-e", NULL);
	assert_lacks(result.err, "more workers");
	result_free(&result);
	result = expect(2, "run", BROKER, "echo", "--ready-file", "none/ready", NULL);
	assert_contains(result.err, "msp: --ready-file none/ready: No such file or directory");
	result_free(&result);
}

static void a_new_file_in_place_of_a_deleted_one_is_served(void **state)
{
	static const char *const files[] = {"msp.db", "msp.db-wal", "msp.db-shm"};
	(void)state;
	topics_create("echo");
	struct process *server = process_start("run", BROKER, "echo", "--ready-file", "ready", NULL);
	await_file("ready", true);
	for (size_t i = 0; i < 3; i++)
		remove(files[i]);
	process_await(server, server->err, "create_topics_with=\"msp topics create -b sqlite:msp.db -m echo\"");
	await_file("ready", false);
	topics_create("echo");
	await_file("ready", true);
	send_to("echo", "{}\n");
	struct result result = expect(0, "receive", BROKER, "-m", "echo", "outputs", "-c", "1", NULL);
	assert_string_equal(result.out, "{}\n");
	result_free(&result);
	process_signal(server, SIGTERM);
	assert_int_equal(process_end(server), 0);
}

static void a_second_signal_ends_it_at_once(void **state)
{
	(void)state;
	topics_create(FAULTY);
	send_to(FAULTY, "{\"touch\": \"predicting\", \"sleep_ms\": 15000}\n");
	struct process *server = process_start("run", BROKER, FAULTY, NULL);
	await_file("predicting", true);
	do
		process_signal(server, SIGTERM);
	while (!process_ends_within(server, 50));
	assert_int_equal(process_end(server), 130);
}

static void two_of_one_name_are_refused(void **state)
{
	(void)state;
	topics_create("echo");
	struct process *first = process_start("run", BROKER, "echo", "-X", "instance=me", "--ready-file", "ready", NULL);
	await_file("ready", true);
	struct result result = expect(2, "run", BROKER, "echo", "-X", "instance=me", NULL);
	assert_contains(result.err, "me");
	result_free(&result);
	process_signal(first, SIGTERM);
	assert_int_equal(process_end(first), 0);
}

int main(void)
{
#define RUN_TEST(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    RUN_TEST(what_is_there_is_settled),
	    RUN_TEST(every_configured_model_is_served),
	    RUN_TEST(the_ready_file_tells_the_truth),
	    RUN_TEST(it_waits_for_topics_and_says_so),
	    RUN_TEST(a_wait_can_be_stopped_and_bounded),
	    RUN_TEST(a_second_signal_ends_it_at_once),
	    RUN_TEST(two_of_one_name_are_refused),
	    RUN_TEST(it_says_what_it_serves),
	    RUN_TEST(a_new_file_in_place_of_a_deleted_one_is_served),
	};
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
