/* A stderr that nobody reads. */
#include "invocation.h"

#include <msp/clock.h>
#include <signal.h>

#define BROKER          "-b", "sqlite:msp.db"
#define STOP_TIMEOUT_MS 5000

static void who_serves_does_not_wait_for_stderr(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "echo", NULL);
	result_free(&result);
	struct process *server = process_start_unheard("run", BROKER, "-v", "--ready-file", "ready", "-X",
	                                               "stop.timeout.ms=5000", "-X", "models.echo.workers=3", "echo", NULL);
	await_file("ready", true);
	result = expect_with(0, "{\"a\": 1}\nno JSON\n", "send", BROKER, "-m", "echo", NULL);
	result_free(&result);
	struct process *receiver = process_start("receive", BROKER, "-m", "echo", "outputs", "-c", "1", NULL);
	process_await(receiver, receiver->out, "{\"a\": 1}\n");
	assert_int_equal(process_end(receiver), 0);
	int64_t begun_ms = msp_monotonic_ms();
	process_signal(server, SIGTERM);
	assert_int_equal(process_end(server), 0);
	assert_in_range(msp_monotonic_ms() - begun_ms, 0, STOP_TIMEOUT_MS);
}

static void a_complaint_does_not_keep_a_command(void **state)
{
	(void)state;
	struct process *process = process_start_unheard("predict", "-m", "echo", NULL);
	for (int i = 0; i < 100; i++)
		process_write(process, "no JSON\n");
	process_write(process, "{\"a\": 1}\n");
	process_await(process, process->out, "{\"a\": 1}\n");
	process_close_in(process);
	assert_int_equal(process_end(process), 1);
}

int main(void)
{
#define STDERR_TEST(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    STDERR_TEST(who_serves_does_not_wait_for_stderr),
	    STDERR_TEST(a_complaint_does_not_keep_a_command),
	};
	return cmocka_run_group_tests_name("stderr", tests, NULL, NULL);
}
