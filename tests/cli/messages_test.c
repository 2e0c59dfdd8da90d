/* msp send and msp receive, on the embedded broker. */
#include "invocation.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#define BROKER "-b", "sqlite:msp.db"
#define TOPIC  BROKER, "-t", "t"

static int enter_with_topic(void **state)
{
	if (enter_directory(state))
		return -1;
	struct result result = msp("topics", "create", TOPIC, "-p", "2", NULL);
	int status = result.status;
	result_free(&result);
	return status;
}

static void send_lines(const char *lines)
{
	struct result result = expect_with(0, lines, "send", TOPIC, "-p", "0", NULL);
	assert_string_equal(result.out, "");
	assert_string_equal(result.err, "");
	result_free(&result);
}

/* What `receive -e` with these flags writes. */
#define assert_received(expected, ...) check_received((expected), expect(0, "receive", TOPIC, "-e", __VA_ARGS__))
static void check_received(const char *expected, struct result result)
{
	assert_string_equal(result.out, expected);
	assert_string_equal(result.err, "");
	result_free(&result);
}

static void lines_come_back(void **state)
{
	(void)state;
	send_lines("one\n\nthree\r\nfour");
	assert_received("one\n\nthree\r\nfour\n", NULL);
	assert_received("one--three\r-four-", "-D", "-", NULL);
	assert_received("onethree\rfour", "-D", "", NULL);
	assert_received("one|0,|0,three\r|0,four|0,", "-f", "%s|%p,", NULL);
}

static void keys_headers_and_nulls_travel(void **state)
{
	(void)state;
	struct result result =
	    expect_with(0, "k1:v1\n:v2\nv3\n", "send", TOPIC, "-K", ":", "-H", "a=1", "-H", "b", "-H", "a=", NULL);
	result_free(&result);
	result = expect_with(0, "v4\n\n", "send", TOPIC, "-k", "fixed", "-Z", NULL);
	result_free(&result);
	result = expect(0, "receive", TOPIC, "-e", "-Z", "-f", "%k,%K,%s,%S,%h;", NULL);
	assert_contains(result.out, "k1,2,v1,2,a=1,b=NULL,a=;");
	assert_contains(result.out, ",0,v2,2,a=1");
	assert_contains(result.out, "NULL,-1,v3,2,a=1");
	assert_contains(result.out, "fixed,5,v4,2,;");
	assert_contains(result.out, "fixed,5,NULL,-1,;");
	result_free(&result);
}

static void formats_know_kcats_tokens(void **state)
{
	(void)state;
	send_lines("x\n");
	struct result result = expect(0, "receive", TOPIC, "-e", "-f", "%R%%\\x41\\t%t %p %o\\n", NULL);
	assert_int_equal(result.out_size, 4 + 3 + 6);
	assert_memory_equal(result.out, "\0\0\0\1%A\tt 0 0\n", result.out_size);
	result_free(&result);
	result = expect(2, "receive", TOPIC, "-e", "-f", "%q", NULL);
	assert_contains(result.err, "-f has no token %q");
	result_free(&result);
	result = expect(2, "receive", TOPIC, "-e", "-f", "\\q", NULL);
	assert_contains(result.err, "unknown escape");
	result_free(&result);
}

static void starts_are_where_they_are_said(void **state)
{
	(void)state;
	send_lines("0\n1\n2\n3\n");
	assert_received("0\n1\n2\n3\n", "-o", "beginning", NULL);
	assert_received("", "-o", "end", NULL);
	assert_received("2\n3\n", "-o", "2", "-p", "0", NULL);
	assert_received("3\n", "-o", "-1", "-p", "0", NULL);
	assert_received("0\n1\n2\n3\n", "-o", "s@1000", NULL);
	assert_received("", "-o", "e@1000", NULL);
	assert_received("", "-p", "1", NULL);
	assert_received("0\n1\n", "-c", "2", NULL);
	struct result result = expect(2, "receive", TOPIC, "-o", "middle", NULL);
	assert_contains(result.err, "-o takes beginning, end, N, -N, s@MS or e@MS, not \"middle\"");
	result_free(&result);
}

static void envelopes_keep_everything(void **state)
{
	static char *const arguments[] = {(char *)(uintptr_t) "msp", (char *)(uintptr_t) "send",
	                                  (char *)(uintptr_t) "-b",  (char *)(uintptr_t) "sqlite:msp.db",
	                                  (char *)(uintptr_t) "-t",  (char *)(uintptr_t) "t",
	                                  (char *)(uintptr_t) "-K",  (char *)(uintptr_t) ":",
	                                  (char *)(uintptr_t) "-Z",  (char *)(uintptr_t) "-H",
	                                  (char *)(uintptr_t) "h",   NULL};
	(void)state;
	struct result result =
	    msp_with_bytes(MSP_BYTES_LITERAL("k\xff:\xfe\0\n:\nno key\n\"\\\x01\xc3\xa9:\xf0\x9f\x98\x80\n"), arguments);
	assert_int_equal(result.status, 0);
	result_free(&result);
	result = expect_with(0, "{\"key\": \"\", \"payload\": \"\"}\n", "send", TOPIC, "-J", NULL);
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-t", "copy", "-p", "2", NULL);
	result_free(&result);
	struct result first = expect(0, "receive", TOPIC, "-e", "-J", NULL);
	result = expect_with(0, first.out, "send", BROKER, "-t", "copy", "-J", NULL);
	result_free(&result);
	struct result second = expect(0, "receive", BROKER, "-t", "copy", "-e", "-J", NULL);
	assert_contains(first.out, "\"key\": {\"base64\": \"a/8=\"}");
	assert_contains(first.out, "\"payload\": {\"base64\": \"/gA=\"}");
	assert_contains(first.out, "\"key\": null, \"headers\": [\"h\", null], \"payload\": null}");
	assert_contains(first.out, "\"key\": \"\", \"headers\": [], \"payload\": \"\"}");
	assert_contains(first.out, "\"key\": null, \"headers\": [\"h\", null], \"payload\": \"no key\"}");
	/* The same but for the topic's name. */
	char *line = first.out, *other = second.out;
	while (*line) {
		char *end = strchr(line, '\n'), *other_end = strchr(other, '\n');
		assert_non_null(end);
		assert_non_null(other_end);
		*end = *other_end = 0;
		assert_string_equal(strstr(line, "\"partition\""), strstr(other, "\"partition\""));
		line = end + 1;
		other = other_end + 1;
	}
	result_free(&first);
	result_free(&second);
}

/* More lines than go into one batch, which come in one read. */
static void many_envelopes_keep_their_content(void **state)
{
	enum { LINES = 2500, LINE_SIZE = 256 };
	(void)state;
	char *envelopes = malloc((size_t)LINES * LINE_SIZE), *expected = malloc((size_t)LINES * LINE_SIZE);
	assert_true(envelopes && expected);
	char *in = envelopes, *out = expected;
	for (int i = 0; i < LINES; i++) {
		in += sprintf(in, "{\"key\": \"k%d\", \"payload\": \"%0150d\"}\n", i, i);
		out += sprintf(out, "k%d:%0150d\n", i, i);
	}
	struct result result = expect_with(0, envelopes, "send", TOPIC, "-J", "-p", "0", NULL);
	result_free(&result);
	assert_received(expected, "-K", ":", NULL);
	free(envelopes);
	free(expected);
}

static void wrong_envelopes_are_named(void **state)
{
	static const char *const cases[][2] = {
	    {"nonsense", "line 1: "},
	    {"[]", "an object with at least \"payload\""},
	    {"{\"key\": \"k\"}", "an object with at least \"payload\""},
	    {"{\"payload\": 1}", "\"payload\" must be a string, null or {\"base64\": "},
	    {"{\"payload\": {\"base64\": \"a\"}}", "\"payload\" is not valid base64"},
	    {"{\"payload\": {\"base64\": \"YR==\"}}", "\"payload\" is not valid base64"},
	    {"{\"payload\": \"x\", \"payloda\": 1}", "no member of that name: payloda"},
	    {"{\"payload\": \"x\", \"headers\": [\"a\"]}", "a list of names and values in turn"},
	    {"{\"payload\": \"x\", \"headers\": [null, \"a\"]}", "the name of a header cannot be null"},
	    {"{\"payload\": \"x\", \"ts\": \"now\"}", "\"ts\" must be an integer"},
	    {"{\"payload\": \"x\", \"partition\": -2}", "\"partition\" must be an integer from -1 to "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = expect_with(1, cases[i][0], "send", TOPIC, "-J", NULL);
		assert_contains(result.err, "msp: line 1: ");
		assert_contains(result.err, cases[i][1]);
		result_free(&result);
	}
	struct result result =
	    expect_with(0, "{\"payload\": \"x\", \"headers\": {\"a\": \"1\"}, \"tstype\": \"create\", \"ts\": 5}", "send",
	                TOPIC, "-J", NULL);
	result_free(&result);
	assert_received("x,a=1,5", "-f", "%s,%h,%T", NULL);
}

static void files_are_messages_or_lines(void **state)
{
	(void)state;
	write_file("one", "a\nb\n");
	write_file("two", "c\nd");
	struct result result = expect(0, "send", TOPIC, "-p", "0", "one", "two", NULL);
	result_free(&result);
	result = expect(0, "send", TOPIC, "-p", "0", "-l", "-c", "3", "one", "two", NULL);
	result_free(&result);
	result = expect(2, "send", TOPIC, "-p", "0", "absent", NULL);
	assert_contains(result.err, "msp: absent: No such file or directory");
	result_free(&result);
	assert_received("a\nb\n,c\nd,a,b,c,", "-D", ",", NULL);
}

static void what_was_not_acknowledged_is_named(void **state)
{
	(void)state;
	struct result result =
	    expect_with(1, "short\n0123456789\nlast\n", "send", TOPIC, "-p", "0", "-X", "message.max.bytes=9", NULL);
	assert_contains(result.err, "msp: line 2: longer than message.max.bytes, 9\n");
	result_free(&result);
	assert_received("short\nlast\n", NULL);
	result = expect_with(1, "{\"payload\": \"x\"}\n", "send", TOPIC, "-J", "-X", "message.max.bytes=1", NULL);
	assert_contains(result.err, "msp: line 1: an envelope longer than 8 times message.max.bytes, 8\n");
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-t", "small", "-X", "message.max.bytes=5", NULL);
	result_free(&result);
	result = expect_with(1, "1\n0123456789\n2\n", "send", BROKER, "-t", "small", NULL);
	assert_contains(result.err, "msp: line 2: ");
	result_free(&result);
	result = expect(0, "receive", BROKER, "-t", "small", "-e", NULL);
	assert_string_equal(result.out, "1\n2\n");
	result_free(&result);
	result = expect_with(1, "x\ny\n", "send", BROKER, "-t", "absent", NULL);
	assert_contains(result.err, "\"msp topics create -b sqlite:msp.db -t absent\" creates it.\n");
	assert_contains(result.err, "msp: lines 1 to 2: not acknowledged by the broker\n");
	assert_lacks(result.err, "not sent");
	result_free(&result);
	enum { LINES = 2500 };
	char *lines = malloc(2 * LINES + 1);
	assert_non_null(lines);
	for (size_t i = 0; i < LINES; i++)
		memcpy(lines + 2 * i, "x\n", 3);
	result = expect_with(1, lines, "send", BROKER, "-t", "absent", NULL);
	assert_contains(result.err, "msp: lines 1 to 1000: not acknowledged by the broker\n"
	                            "msp: lines 1001 and later were not sent\n");
	result_free(&result);
	free(lines);
	write_file("one", "x\n");
	result = expect(1, "send", BROKER, "-t", "absent", "one", "two", NULL);
	assert_contains(result.err, "msp: two: not sent\n");
	result_free(&result);
	result = expect_with(2, "x\n", "send", TOPIC, "-p", "2", NULL);
	assert_contains(result.err, "t has no partition 2");
	result_free(&result);
}

/* From now on nobody else can write. */
static sqlite3 *broker_lock(void)
{
	sqlite3 *other;
	assert_int_equal(sqlite3_open("msp.db", &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

static void broker_unlock(sqlite3 *other)
{
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
}

static void a_broker_that_cannot_is_given_up_after_the_timeout(void **state)
{
	(void)state;
	sqlite3 *other = broker_lock();
	struct result result = expect_with(3, "x\ny\n", "send", TOPIC, "--timeout", "0.3", NULL);
	assert_contains(result.err, "msp: broker sqlite:msp.db not reachable within 0.3 s: ");
	assert_contains(result.err, "msp: lines 1 to 2: not acknowledged by the broker\n");
	result_free(&result);
	result = expect(3, "topics", "create", BROKER, "-t", "a", "-t", "b", "--timeout", "0.3", NULL);
	assert_contains(result.err, "not reachable within 0.3 s");
	result_free(&result);
	broker_unlock(other);
	assert_received("", NULL);
}

static void a_group_settles_what_it_has_written(void **state)
{
	(void)state;
	send_lines("0\n1\n2\n");
	assert_received("0\n1\n", "-g", "readers", "-c", "2", NULL);
	assert_received("2\n", "-g", "readers", NULL);
	assert_received("", "-g", "readers", NULL);
	assert_received("0\n1\n2\n", "-g", "others", NULL);
}

/* More than a pipe holds. */
enum { MANY_LINES = 900, MANY_LINE_SIZE = 1000 };

/* Sends them and returns them; freed by the caller. */
static char *send_many_lines(void)
{
	char *lines = malloc((size_t)MANY_LINES * MANY_LINE_SIZE + 1);
	assert_non_null(lines);
	for (size_t i = 0; i < MANY_LINES; i++)
		snprintf(lines + i * MANY_LINE_SIZE, MANY_LINE_SIZE + 1, "%0*zu\n", MANY_LINE_SIZE - 1, i);
	send_lines(lines);
	return lines;
}

/* Stopped while stdout is full, in the middle of a batch. */
static void a_group_that_is_stopped_settles_nothing_unwritten(void **state)
{
	(void)state;
	char *lines = send_many_lines();
	struct process *process = process_start("receive", TOPIC, "-g", "readers", NULL);
	process_await(process, process->out, "0\n");
	process_signal(process, SIGTERM);
	process_read_all(process, process->out);
	struct result rest = expect(0, "receive", TOPIC, "-g", "readers", "-e", NULL);
	assert_int_equal(process->size + rest.out_size, MANY_LINES * MANY_LINE_SIZE);
	assert_memory_equal(process->text, lines, process->size);
	assert_string_equal(rest.out, lines + process->size);
	result_free(&rest);
	assert_int_equal(process_end(process), 0);
	free(lines);
}

/* Stopped while stdout is full, and then nothing can be settled. */
static void a_group_that_is_stopped_says_what_it_could_not_settle(void **state)
{
	(void)state;
	char *lines = send_many_lines();
	struct process *process = process_start("receive", TOPIC, "-g", "readers", "--timeout", "600", NULL);
	process_await(process, process->out, "0\n");
	sqlite3 *other = broker_lock();
	process_signal(process, SIGTERM);
	process_read_all(process, process->out);
	process_await(process, process->err, " messages were written but not settled; they may come again: ");
	assert_int_equal(process_end(process), 0);
	broker_unlock(other);
	struct result again = expect(0, "receive", TOPIC, "-g", "readers", "-e", NULL);
	assert_string_equal(again.out, lines);
	result_free(&again);
	free(lines);
}

static void a_model_names_its_topics(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "echo", NULL);
	result_free(&result);
	result = expect_with(0, "{}\n", "send", BROKER, "-m", "echo", NULL);
	result_free(&result);
	result = expect(0, "receive", BROKER, "-m", "echo", "inputs", "-e", NULL);
	assert_string_equal(result.out, "{}\n");
	result_free(&result);
	result = expect(2, "receive", BROKER, "-m", "echo", "outptus", NULL);
	assert_contains(result.err, "did you mean outputs?");
	result_free(&result);
	result = expect(1, "receive", BROKER, "-m", "iris", "inputs", "-e", NULL);
	assert_contains(result.err, "\"msp topics create -b sqlite:msp.db -m iris\" creates the topics.");
	result_free(&result);
	result = expect(1, "receive", BROKER, "-m", "iris", "inputs", "-e", "-p", "0", NULL);
	assert_contains(result.err, "\"msp topics create -b sqlite:msp.db -m iris\" creates the topics.");
	result_free(&result);
	result = expect(1, "receive", BROKER, "-m", "echo", "inputs", "-e", "-p", "9", NULL);
	assert_contains(result.err, ".inputs has no partition 9\n");
	assert_lacks(result.err, "creates");
	result_free(&result);
}

static void receive_ends_quietly_when_asked(void **state)
{
	(void)state;
	send_lines("one\n");
	struct process *as_group = process_start("receive", TOPIC, "-g", "g", NULL);
	process_await(as_group, as_group->out, "one\n");
	process_signal(as_group, SIGINT);
	assert_int_equal(process_end(as_group), 0);
	struct process *orphan = process_start("receive", TOPIC, NULL);
	process_await(orphan, orphan->out, "one\n");
	close(orphan->out);
	orphan->out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	send_lines("two\n");
	assert_int_equal(process_end(orphan), 0);
}

int main(void)
{
#define MESSAGE_TEST(test) cmocka_unit_test_setup_teardown(test, enter_with_topic, leave_directory)
	const struct CMUnitTest tests[] = {
	    MESSAGE_TEST(lines_come_back),
	    MESSAGE_TEST(keys_headers_and_nulls_travel),
	    MESSAGE_TEST(formats_know_kcats_tokens),
	    MESSAGE_TEST(starts_are_where_they_are_said),
	    MESSAGE_TEST(envelopes_keep_everything),
	    MESSAGE_TEST(many_envelopes_keep_their_content),
	    MESSAGE_TEST(wrong_envelopes_are_named),
	    MESSAGE_TEST(files_are_messages_or_lines),
	    MESSAGE_TEST(what_was_not_acknowledged_is_named),
	    MESSAGE_TEST(a_broker_that_cannot_is_given_up_after_the_timeout),
	    MESSAGE_TEST(a_group_settles_what_it_has_written),
	    MESSAGE_TEST(a_group_that_is_stopped_settles_nothing_unwritten),
	    MESSAGE_TEST(a_group_that_is_stopped_says_what_it_could_not_settle),
	    MESSAGE_TEST(a_model_names_its_topics),
	    MESSAGE_TEST(receive_ends_quietly_when_asked),
	};
	return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
