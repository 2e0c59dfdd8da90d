#include "check.h"

#include <msp/clock.h>
#include <msp/console.h>

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS    4
#define LINES      2000
#define DEADLINE_S 20

/* What is written while stderr is a pipe that is full at first. */
struct capture {
	int saved_stderr, read_end;
	size_t filling; /* bytes that fill the pipe */
	char text[1 << 20];
	size_t size;
};

static size_t pipe_fill(int fd)
{
	static const char filling[4096];
	size_t filled = 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (ssize_t size; (size = write(fd, filling, sizeof(filling))) > 0;)
		filled += (size_t)size;
	fcntl(fd, F_SETFL, 0);
	return filled;
}

static int set_up(void **state)
{
	static struct capture capture;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	capture.saved_stderr = dup(STDERR_FILENO);
	capture.read_end = ends[0];
	capture.filling = pipe_fill(ends[1]);
	capture.size = 0;
	capture.text[0] = '\0';
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	alarm(DEADLINE_S);
	*state = &capture;
	return 0;
}

static int tear_down(void **state)
{
	struct capture *capture = *state;
	close(capture->read_end);
	msp_console_flush(DEADLINE_S * 1000);
	dup2(capture->saved_stderr, STDERR_FILENO);
	close(capture->saved_stderr);
	alarm(0);
	return 0;
}

/* Reads what filled the pipe, then lines until `end` has come. */
static const char *read_until(struct capture *capture, const char *end)
{
	char filling[4096];
	while (capture->filling > 0) {
		size_t part = capture->filling < sizeof(filling) ? capture->filling : sizeof(filling);
		ssize_t size = read(capture->read_end, filling, part);
		assert_true(size > 0);
		capture->filling -= (size_t)size;
	}
	while (!strstr(capture->text, end)) {
		ssize_t size =
		    read(capture->read_end, capture->text + capture->size, sizeof(capture->text) - 1 - capture->size);
		assert_true(size > 0);
		capture->size += (size_t)size;
		capture->text[capture->size] = '\0';
	}
	return capture->text;
}

static void line_say(const char *name, int number)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "%s %d\n", name, number);
	msp_console_write(line, (size_t)size);
}

static void who_writes_does_not_wait_for_who_reads(void **state)
{
	int64_t begun_ms = msp_monotonic_ms();
	for (int i = 0; i < LINES; i++)
		line_say("line", i);
	assert_in_range(msp_monotonic_ms() - begun_ms, 0, 2000);
	assert_false(msp_console_flush(10));
	const char *at = read_until(*state, "line 1999\n");
	for (int i = 0; i < LINES; i++) {
		char line[64];
		int size = snprintf(line, sizeof(line), "line %d\n", i);
		assert_memory_equal(at, line, (size_t)size);
		at += size;
	}
	assert_string_equal(at, "");
	assert_true(msp_console_flush(DEADLINE_S * 1000));
}

static void what_finds_no_room_is_counted(void **state)
{
	char line[1024];
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 1000; i++)
		msp_console_write(line, sizeof(line));
	const char *text = read_until(*state, "lines were dropped\" lines=");
	read_until(*state, "\n");
	assert_true(msp_console_flush(DEADLINE_S * 1000));
	size_t whole = 0;
	for (; strncmp(text, line, sizeof(line)) == 0; text += sizeof(line))
		whole++;
	assert_in_range(whole, 100, 900);
	assert_memory_equal(text, "time=", 5);
	const char *count = strstr(text, "lines=");
	assert_non_null(count);
	assert_int_equal(strtoul(count + strlen("lines="), NULL, 10) + whole, 1000);
	line_say("afterwards", 1);
	assert_non_null(strstr(read_until(*state, "afterwards 1\n"), "lines="));
}

static void what_is_worth_nothing_later_is_not_kept(void **state)
{
	line_say("line", 1);
	msp_console_offer("50 %\r", 5);
	line_say("line", 2);
	assert_string_equal(read_until(*state, "line 2\n"), "line 1\nline 2\n");
	msp_console_flush(DEADLINE_S * 1000);
	msp_console_offer("60 %\r", 5);
	assert_string_equal(read_until(*state, "60 %\r"), "line 1\nline 2\n60 %\r");
}

static void *say_lines(void *argument)
{
	for (int i = 0; i < LINES; i++)
		line_say(argument, i);
	return NULL;
}

static void each_thread_has_its_order(void **state)
{
	static const char *const names[THREADS] = {"a", "b", "c", "d"};
	pthread_t threads[THREADS];
	int next[THREADS] = {0};
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, say_lines, (void *)(uintptr_t)names[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	line_say("end", 0);
	const char *text = read_until(*state, "end 0\n");
	for (; strncmp(text, "end", 3) != 0; text = strchr(text, '\n') + 1) {
		assert_in_range(*text, 'a', 'd');
		int *expected = &next[*text - 'a'];
		assert_int_equal(atoi(text + 2), *expected);
		++*expected;
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(next[i], LINES);
}

/* The flag belongs to everybody who has the pipe or terminal. */
static void the_descriptor_stays_blocking(void **state)
{
	line_say("line", 1);
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	read_until(*state, "line 1\n");
}

static void assert_ends_well(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#if !defined(__SANITIZE_THREAD__) /* it has no threads in a child of a process with threads */
static void a_child_writes_its_own_lines_only(void **state)
{
	int ends[2];
	char text[64] = "";
	line_say("of the parent", 1);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		alarm(DEADLINE_S);
		dup2(ends[1], STDERR_FILENO);
		line_say("of the child", 1);
		_exit(msp_console_flush(DEADLINE_S * 1000) ? 0 : 1);
	}
	assert_ends_well(child);
	assert_int_equal(read(ends[0], text, sizeof(text) - 1), strlen("of the child 1\n"));
	assert_string_equal(text, "of the child 1\n");
	close(ends[0]);
	close(ends[1]);
	assert_string_equal(read_until(*state, "\n"), "of the parent 1\n");
}
#endif

/* What is unloaded takes its thread with it: exit and dlclose do the same. */
static void an_end_waits_for_nobody(void **state)
{
	(void)state;
	static char name[] = "console_test", argument[] = "say";
	char *const arguments[] = {name, argument, NULL};
	int64_t begun_ms = msp_monotonic_ms();
	pid_t child;
	assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
	assert_ends_well(child);
	assert_in_range(msp_monotonic_ms() - begun_ms, 0, 3000);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		alarm(DEADLINE_S);
		line_say("never read", 1);
		return 0;
	}
	const struct CMUnitTest tests[] = {
		TEST(who_writes_does_not_wait_for_who_reads),
		TEST(what_finds_no_room_is_counted),
		TEST(what_is_worth_nothing_later_is_not_kept),
		TEST(each_thread_has_its_order),
		TEST(the_descriptor_stays_blocking),
#if !defined(__SANITIZE_THREAD__)
		TEST(a_child_writes_its_own_lines_only),
#endif
		TEST(an_end_waits_for_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
