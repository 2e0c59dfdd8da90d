#include "check.h"

#include <msp/log.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

/* What msp_log writes while stderr is one end of a socket that keeps the boundaries of writes. */
struct capture {
	int saved_stderr;
	int read_end;
	char line[8192];
};

static int set_up(void **state)
{
	static struct capture capture;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	capture.saved_stderr = dup(STDERR_FILENO);
	capture.read_end = ends[0];
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	msp_log_set_level(MSP_LOG_INFO);
	*state = &capture;
	return 0;
}

static int tear_down(void **state)
{
	struct capture *capture = *state;
	dup2(capture->saved_stderr, STDERR_FILENO);
	close(capture->saved_stderr);
	close(capture->read_end);
	return 0;
}

/* The next write as a string, or NULL when there was none. */
static const char *next_write(struct capture *capture)
{
	ssize_t size = recv(capture->read_end, capture->line, sizeof(capture->line) - 1, 0);
	if (size < 0)
		return NULL;
	capture->line[size] = '\0';
	return capture->line;
}

/* The one line that was written, without its time. */
static const char *next_line(struct capture *capture)
{
	const char *line = next_write(capture);
	assert_non_null(line);
	assert_memory_equal(line, "time=2", 6);
	const char *rest = strchr(line, ' ');
	assert_non_null(rest);
	assert_int_equal(rest - line, strlen("time=2026-01-31T12:00:00.123Z"));
	return rest + 1;
}

static void a_line_is_one_write(void **state)
{
	msp_log(MSP_LOG_INFO, "worker ready", "model", "iris_model/0.1", "worker", MSP_LOG_NUMBER(0), NULL);
	assert_string_equal(next_line(*state), "level=info msg=\"worker ready\" model=iris_model/0.1 worker=0\n");
	assert_null(next_write(*state));
}

static void levels(void **state)
{
	msp_log(MSP_LOG_ERROR, "a", NULL);
	assert_string_equal(next_line(*state), "level=error msg=a\n");
	msp_log(MSP_LOG_WARN, "a", NULL);
	assert_string_equal(next_line(*state), "level=warn msg=a\n");
	msp_log(MSP_LOG_DEBUG, "a", NULL);
	assert_null(next_write(*state));
	assert_false(msp_log_enabled(MSP_LOG_DEBUG));
	msp_log_set_level(MSP_LOG_DEBUG);
	assert_true(msp_log_enabled(MSP_LOG_DEBUG));
	msp_log(MSP_LOG_DEBUG, "a", NULL);
	assert_string_equal(next_line(*state), "level=debug msg=a\n");
	msp_log_set_level(MSP_LOG_ERROR);
	msp_log(MSP_LOG_WARN, "a", NULL);
	assert_null(next_write(*state));
}

static void values_are_quoted_where_needed(void **state)
{
	static const struct {
		const char *value, *shown;
	} cases[] = {
	    {"plain", "plain"},
	    {"a/b:c,d;[e]{f}|\x7e", "a/b:c,d;[e]{f}|~"},
	    {"", "\"\""},
	    {"a b", "\"a b\""},
	    {"a=b", "\"a=b\""},
	    {"a\"b", "\"a\\\"b\""},
	    {"a\\b", "\"a\\\\b\""},
	    {"a\nb\rc\td", "\"a\\nb\\rc\\td\""},
	    {"\x1b[31mred", "\"\\u001b[31mred\""},
	    {"\x01\x7f", "\"\\u0001\\u007f\""},
	    {"\xc2\x85\xc2\x9b\xc2\xa0", "\"\\u0085\\u009b\xc2\xa0\""},
	    {"caf\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80", "\"caf\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80\""},
	    {"a\xff\xc3", "\"a\\xff\\xc3\""},
	    {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
	    {"\xe2\x80\xae", "\"\\u202e\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		msp_log(MSP_LOG_INFO, "m", "k", cases[i].value, NULL);
		const char *line = next_line(*state);
		assert_memory_equal(line, "level=info msg=m k=", 19);
		assert_int_equal(strlen(line), 19 + strlen(cases[i].shown) + 1);
		assert_memory_equal(line + 19, cases[i].shown, strlen(cases[i].shown));
	}
}

static void a_value_that_is_null_leaves_its_pair_out(void **state)
{
	const char *nothing = NULL;
	msp_log(MSP_LOG_INFO, "m", "a", nothing, "b", "1", "c", nothing, NULL);
	assert_string_equal(next_line(*state), "level=info msg=m b=1\n");
}

static void a_long_value_is_cut_and_its_line_is_whole(void **state)
{
	static const char *const fillings[] = {"x", "x y", "\n", "\xe2\x82\xac", "\x01"};
	for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
		char value[10000];
		size_t size = strlen(fillings[i]), length = 0;
		for (; length + size < sizeof(value); length += size)
			memcpy(value + length, fillings[i], size);
		value[length] = '\0';
		msp_log(MSP_LOG_INFO, "m", "before", "1", "k", value, "after", "1", NULL);
		const char *line = next_line(*state);
		assert_memory_equal(line, "level=info msg=m before=1 k=", 28);
		assert_in_range(strlen(line), 4000, 4096);
		assert_true(msp_bytes_are_utf8(msp_bytes_of_string(line)));
		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_int_equal(line[strlen(line) - 2], '"');
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		assert_null(next_write(*state));
	}
}

/* A value may end anywhere near the end of the line: nothing is written past it, no quote is left open. */
static void every_length_near_the_end(void **state)
{
	for (size_t length = 3900; length < 4200; length++) {
		char value[4300];
		memset(value, 'x', length);
		value[length] = '\0';
		msp_log(MSP_LOG_INFO, "m", "k", value, "next", "a b", "last", "1", NULL);
		const char *line = next_line(*state);
		size_t quotes = 0;
		for (const char *at = line; *at; at++)
			quotes += *at == '"';
		assert_int_equal(quotes % 2, 0);
		assert_int_equal(line[strlen(line) - 1], '\n');
	}
}

static void errno_is_kept(void **state)
{
	(void)state;
	errno = EDOM;
	msp_log(MSP_LOG_INFO, "m", NULL);
	assert_int_equal(errno, EDOM);
	/* Nobody reads any more. */
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int before = dup(STDERR_FILENO);
	dup2(full, STDERR_FILENO);
	errno = EDOM;
	msp_log(MSP_LOG_INFO, "m", NULL);
	assert_int_equal(errno, EDOM);
	dup2(before, STDERR_FILENO);
	close(before);
	close(full);
}

static void numbers(void **state)
{
	msp_log(MSP_LOG_INFO, "m", "least", MSP_LOG_NUMBER(LLONG_MIN), "most", MSP_LOG_NUMBER(LLONG_MAX), NULL);
	assert_string_equal(next_line(*state), "level=info msg=m least=-9223372036854775808 most=9223372036854775807\n");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_line_is_one_write),
	    TEST(levels),
	    TEST(values_are_quoted_where_needed),
	    TEST(a_value_that_is_null_leaves_its_pair_out),
	    TEST(a_long_value_is_cut_and_its_line_is_whole),
	    TEST(every_length_near_the_end),
	    TEST(errno_is_kept),
	    TEST(numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
