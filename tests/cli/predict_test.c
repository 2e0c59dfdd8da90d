/* msp predict, with the echo model: what goes in comes out. */
#include "invocation.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void each_line_is_answered(void **state)
{
	(void)state;
	struct result result = expect_with(0, "{\"a\":1}\r\n{\"a\":2}\n{\"a\":3}", "predict", "-m", "echo", NULL);
	assert_string_equal(result.out, "{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n");
	assert_string_equal(result.err, "");
	result_free(&result);
	result = expect_with(0, "", "predict", "-m", "echo", NULL);
	assert_string_equal(result.out, "");
	result_free(&result);
}

static void refused_lines_are_named(void **state)
{
	(void)state;
	struct result result = expect_with(1, "{}\nnonsense\n\n[]\n{}\n", "predict", "-m", "echo", NULL);
	assert_string_equal(result.out, "{}\n{}\n");
	assert_contains(result.err, "line 2: decode malformed: ");
	assert_contains(result.err, "line 3: decode malformed: ");
	assert_contains(result.err, "line 4: validate schema_violation: ");
	assert_lacks(result.err, "nonsense");
	result_free(&result);
}

static void order_and_numbers_hold_over_many_lines(void **state)
{
	enum { LINES = 5000, BAD = 4321 };
	(void)state;
	char *input = malloc(LINES * 16), *expected = malloc(LINES * 16), *in = input, *out = expected;
	assert_true(input && expected);
	for (int line = 1; line <= LINES; line++) {
		in += sprintf(in, line == BAD ? "{%d\n" : "{\"n\":%d}\n", line);
		out += line == BAD ? 0 : sprintf(out, "{\"n\": %d}\n", line);
	}
	struct result result = expect_with(1, input, "predict", "-m", "echo", NULL);
	assert_string_equal(result.out, expected);
	assert_contains(result.err, "line 4321: decode malformed: ");
	result_free(&result);
	free(input);
	free(expected);
}

static void lines_over_the_limit_are_refused(void **state)
{
	enum { LIMIT = 300000 };
	(void)state;
	char *input = malloc(6 * (size_t)LIMIT);
	assert_non_null(input);
	size_t size = 0;
	const int sizes[] = {2, LIMIT, LIMIT + 1, 2 * LIMIT, 2};
	for (size_t i = 0; i < 5; i++) {
		size += (size_t)sprintf(input + size, "{%*s}\n", sizes[i] - 2, "");
		if (i == 2)
			size -= 1; /* the newline moves behind the next one: a line of 3 * LIMIT + 1 */
	}
	input[size] = 0;
	struct result result = expect_with(1, input, "predict", "-m", "echo", "-X", "message.max.bytes=300000", NULL);
	assert_string_equal(result.out, "{}\n{}\n{}\n");
	assert_string_equal(result.err, "line 3: receive too_large: the line is longer than message.max.bytes, 300000\n");
	result_free(&result);
	free(input);
}

static void each_file_is_one_message(void **state)
{
	(void)state;
	write_file("one.json", "{\n  \"a\": 1\n}\n");
	write_file("two.json", "{");
	struct result result = expect(1, "predict", "-m", "echo", "one.json", "two.json", "one.json", NULL);
	assert_string_equal(result.out, "{\"a\": 1}\n{\"a\": 1}\n");
	assert_contains(result.err, "two.json: decode malformed: ");
	result_free(&result);
	result = expect(1, "predict", "-m", "echo", "-X", "message.max.bytes=5", "one.json", "two.json", NULL);
	assert_contains(result.err, "one.json: receive too_large: the file is longer than message.max.bytes, 5\n");
	assert_contains(result.err, "two.json: decode malformed: ");
	result_free(&result);
	result = expect(2, "predict", "-m", "echo", "absent.json", "one.json", NULL);
	assert_string_equal(result.out, "{\"a\": 1}\n");
	assert_contains(result.err, "msp: absent.json: No such file or directory\n");
	result_free(&result);
	result = expect_with(0, "{\n}", "predict", "-m", "echo", "-", NULL);
	assert_string_equal(result.out, "{}\n");
	result_free(&result);
}

static void models_are_found_by_label_name_and_path(void **state)
{
	(void)state;
	write_file("msp.yaml", "models: {parrot: {plugin: echo}}\n");
	struct result result = expect_with(0, "{}", "predict", "-m", "parrot", NULL);
	result_free(&result);
	result = expect_with(0, "{}", "predict", "-m", "echo", NULL);
	result_free(&result);
	result = expect_with(0, "{}", "predict", "-m", "echo/1.0", NULL);
	result_free(&result);
	result = expect_with(0, "{}", "predict", "-m", ECHO_PLUGIN, "-X", "models.parrot.plugin=" ECHO_PLUGIN, NULL);
	result_free(&result);
	result = expect_with(2, "{}", "predict", "-m", "nobody", NULL);
	assert_contains(result.err, "nobody");
	result_free(&result);
	remove("msp.yaml");
	result = expect_with(0, "{}", "predict", "-m", ECHO_PLUGIN, NULL);
	result_free(&result);
}

static void a_path_is_taken_from_the_working_directory(void **state)
{
	(void)state;
	assert_int_equal(symlink(ECHO_PLUGIN, "near.so"), 0);
	struct result result = expect_with(0, "{}", "predict", "-m", "./near.so", NULL);
	assert_string_equal(result.out, "{}\n");
	result_free(&result);
	result = expect(0, "models", "list", "./near.so", "near", NULL);
	assert_string_equal(strchr(result.out, '\n'), "\n");
	result_free(&result);
	/* The last part is also the name of a plugin. */
	result = expect_with(2, "{}", "predict", "-m", "./echo", NULL);
	assert_contains(result.err, "no plugin at ./echo: No such file");
	result_free(&result);
	result = expect(2, "run", "../echo", NULL);
	assert_contains(result.err, "no plugin at ../echo: No such file");
	result_free(&result);
	write_file("msp.yaml", "models: {near: {plugin: echo}}\n");
	result = expect(2, "predict", "-m", "/dev/null/near", NULL);
	assert_contains(result.err, "no plugin at /dev/null/near");
	result_free(&result);
	result = expect(2, "predict", "-m", "naer", NULL);
	assert_contains(result.err, "no plugin 'naer'");
	assert_contains(result.err, "did you mean \"near\"?");
	result_free(&result);
	write_file("msp.yaml", "models:\n  near:\n    plugin: ecko\n");
	result = expect(2, "config", "check", NULL);
	assert_contains(result.err, "msp.yaml:3:5: ");
	assert_contains(result.err, "no plugin 'ecko'");
	assert_contains(result.err, "did you mean \"echo\"?");
	result_free(&result);
	remove("msp.yaml");
	remove("near.so");
}

static void one_model_predicts(void **state)
{
	(void)state;
	struct result result = expect(2, "predict", "-m", "echo", "-m", "iris", NULL);
	assert_contains(result.err, "--model can be given only once");
	result_free(&result);
}

static void an_answer_comes_before_the_next_question(void **state)
{
	(void)state;
	struct process *process = process_start("predict", "-m", "echo", NULL);
	process_write(process, "{\"a\": 1}\n{\"b");
	process_await(process, process->out, "{\"a\": 1}\n");
	process_write(process, "\": 2}\n");
	process_await(process, process->out, "{\"b\": 2}\n");
	process_close_in(process);
	assert_int_equal(process_end(process), 0);
}

static void a_stdin_that_does_not_block_is_waited_for(void **state)
{
	static const char *const operands[] = {"-", NULL}; /* read as one message, and line by line */
	(void)state;
	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		struct process *process = process_start_nonblocking("predict", "-m", "echo", operands[i], NULL);
		assert_false(process_ends_within(process, 200));
		process_write(process, "{\"a\": 1}\n");
		process_close_in(process);
		process_await(process, process->out, "{\"a\": 1}\n");
		assert_int_equal(process_end(process), 0);
	}
}

static void a_reader_that_goes_away_ends_it_quietly(void **state)
{
	(void)state;
	struct process *process = process_start("predict", "-m", "echo", NULL);
	close(process->out);
	process->out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	process_write(process, "{}\n");
	char data[64];
	struct pollfd end = {.fd = process->err, .events = POLLIN};
	assert_int_equal(poll(&end, 1, DEADLINE_MS), 1);
	assert_int_equal(read(process->err, data, sizeof(data)), 0);
	assert_int_equal(process_end(process), 0);
}

/* Runs msp predict with stdout open on `path`, or closed, and returns the exit status. */
static int predict_into(const char *path)
{
	posix_spawn_file_actions_t actions;
	char *const arguments[] = {(char *)(uintptr_t) "msp", (char *)(uintptr_t) "predict", (char *)(uintptr_t) "-m",
	                           (char *)(uintptr_t) "echo", NULL};
	int status;
	pid_t pid;
	write_file("line", "{}\n");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "line", O_RDONLY, 0);
	if (path)
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path, O_WRONLY, 0);
	else
		posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "said", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(posix_spawn(&pid, MSP_PROGRAM, &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void assert_said(const char *expected)
{
	char text[256] = "";
	FILE *file = fopen("said", "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, expected);
}

static void results_that_cannot_be_written_are_told(void **state)
{
	(void)state;
	assert_int_equal(predict_into("/dev/full"), 1);
	assert_said("msp: cannot write to stdout: No space left on device\n");
	assert_int_equal(predict_into(NULL), 1);
	assert_said("msp: cannot write to stdout: Bad file descriptor\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_line_is_answered),
	    cmocka_unit_test(refused_lines_are_named),
	    cmocka_unit_test(order_and_numbers_hold_over_many_lines),
	    cmocka_unit_test(lines_over_the_limit_are_refused),
	    cmocka_unit_test(each_file_is_one_message),
	    cmocka_unit_test(models_are_found_by_label_name_and_path),
	    cmocka_unit_test(a_path_is_taken_from_the_working_directory),
	    cmocka_unit_test(one_model_predicts),
	    cmocka_unit_test(an_answer_comes_before_the_next_question),
	    cmocka_unit_test(a_stdin_that_does_not_block_is_waited_for),
	    cmocka_unit_test(a_reader_that_goes_away_ends_it_quietly),
	    cmocka_unit_test(results_that_cannot_be_written_are_told),
	};
	return cmocka_run_group_tests_name("predict", tests, enter_directory, leave_directory);
}
