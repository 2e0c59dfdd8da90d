/* The program at a terminal. Where none can be had (a chroot without devpts) ctest says that this test was skipped. */
#include "invocation.h"

#include <signal.h>
#include <stdio.h>

#define BROKER           "-b", "sqlite:msp.db"
#define SKIPPED_BY_CTEST 77

static void a_terminal_sends_at_each_enter(void **state)
{
	(void)state;
	struct result created = expect(0, "topics", "create", BROKER, "-t", "t", NULL);
	result_free(&created);
	struct process *receiver = process_start("receive", BROKER, "-t", "t", "-u", NULL);
	struct process *sender = process_start_on_terminal("send", BROKER, "-t", "t", NULL);
	process_write(sender, "one\n");
	process_await(receiver, receiver->out, "one\n");
	process_write(sender, "two\n");
	process_await(receiver, receiver->out, "two\n");
	process_write(sender, "\004");
	assert_int_equal(process_end(sender), 0);
	process_signal(receiver, SIGTERM);
	assert_int_equal(process_end(receiver), 0);
}

static void a_terminal_sees_how_far_it_is(void **state)
{
	(void)state;
	struct process *process = process_start_on_terminal("predict", "-m", "echo", NULL);
	process_write(process, "{\"a\": 1}\n");
	process_await(process, process->out, "{\"a\": 1}\r\n{\"a\": 1}\r\n"); /* what was typed, and the answer */
	process_write(process, "\004");
	assert_int_equal(process_end(process), 0);
}

static void a_terminal_sees_the_rate(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "echo", NULL);
	result_free(&result);
	struct process *server = process_start_on_terminal("run", BROKER, "echo", NULL);
	result = expect_with(0, "{}\n", "send", BROKER, "-m", "echo", NULL);
	result_free(&result);
	process_await(server, server->out, "1 settled, 0 failed, ");
	process_signal(server, SIGINT);
	process_await(server, server->out, "1 output, 0 errors; 1 message in ");
	assert_int_equal(process_end(server), 0);
}

#define TERMINAL_TEST(function) cmocka_unit_test_setup_teardown(function, enter_directory, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TERMINAL_TEST(a_terminal_sends_at_each_enter),
	    TERMINAL_TEST(a_terminal_sees_how_far_it_is),
	    TERMINAL_TEST(a_terminal_sees_the_rate),
	};
	if (!terminal_can_be_had())
		return SKIPPED_BY_CTEST;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
