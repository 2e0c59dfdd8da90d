/* Text of strangers at a terminal: every place where it comes from, every way out. A new way out is a new row. */
#include "invocation.h"

#include <msp/escape.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#define BROKER           "-b", "sqlite:msp.db"
#define SKIPPED_BY_CTEST 77

/* Clears the screen, begins a line of ours, goes on as a C1 control, turns the direction of text, is not UTF-8. */
#define HOSTILE                                                                                                        \
	"\x1b[2J\nmsp: forged\x7f\xc2\x9b"                                                                                 \
	"31m\xe2\x80\xae\xe2\x80\xa8\xff"
/* The same as JSON, which has no byte that is not UTF-8. */
#define IN_JSON "\\u001b[2J\\nmsp: forged\\u007f\\u009b31m\\u202e\\u2028"
#define ESCAPED "\\u001b[2J\\nmsp: forged\\u007f\\u009b31m\\u202e\\u2028"
#define RAW_UTF8                                                                                                       \
	"\x1b[2J\nmsp: forged\x7f\xc2\x9b"                                                                                 \
	"31m\xe2\x80\xae\xe2\x80\xa8"

/* Nothing but lines of plain text; a terminal makes \r\n of \n. */
static void assert_harmless(const char *text)
{
	assert_lacks(text, "\nmsp: forged");
	for (struct msp_bytes rest = msp_bytes_of_string(text); rest.size > 0;) {
		char escape[MSP_ESCAPE_SIZE];
		size_t taken = msp_escape_next(rest, escape);
		bool ends_line = !strcmp(escape, "\\n") || !strcmp(escape, "\\r");
		if (escape[0] && !ends_line)
			fail_msg("%s stands as it is in: %s", escape, text);
		rest = msp_bytes_of((const char *)rest.data + taken, rest.size - taken);
	}
}

/* ---- places: what is said on stderr ---- */

static struct process *in_a_flag(void)
{
	return process_start_on_terminal("run", "--no" HOSTILE, NULL);
}

static struct process *in_a_command(void)
{
	return process_start_on_terminal("x" HOSTILE, NULL);
}

static struct process *in_the_name_of_a_file(void)
{
	return process_start_on_terminal("predict", "-m", "echo", "no" HOSTILE, NULL);
}

static struct process *in_the_name_of_a_plugin(void)
{
	return process_start_on_terminal("predict", "-m", "no" HOSTILE, NULL);
}

static struct process *in_the_path_of_a_plugin(void)
{
	return process_start_on_terminal("predict", "-m", "/no/" HOSTILE ".so", NULL);
}

static struct process *in_the_error_of_a_plugin(void)
{
	write_file("msp.yaml", "models:\n  bad:\n    plugin: " FAULTY "\n    open.error: \"" IN_JSON "\"\n");
	return process_start_on_terminal("predict", "-m", "bad", NULL);
}

static struct process *in_a_key(void)
{
	return process_start_on_terminal("config", "check", "-X", "k" HOSTILE "=1", NULL);
}

static struct process *in_a_key_of_a_file(void)
{
	write_file("msp.yaml", "\"k" IN_JSON "\": 1\n");
	return process_start_on_terminal("config", "check", NULL);
}

static struct process *in_a_value(void)
{
	return process_start_on_terminal("config", "check", "-X", "log.level=" HOSTILE, NULL);
}

static struct process *in_the_name_of_a_variable(void)
{
	return process_start_on_terminal("config", "check", "-X", "broker=${v" HOSTILE "}", NULL);
}

static struct process *in_the_name_of_an_environment(void)
{
	return process_start_on_terminal("config", "check", "--env", HOSTILE, NULL);
}

static struct process *in_the_name_of_a_topic(void)
{
	return process_start_on_terminal("receive", BROKER, "-t", "t" HOSTILE, "-e", NULL);
}

static struct process *in_a_broker(void)
{
	return process_start_on_terminal("topics", "list", "-b", "no" HOSTILE "://x", NULL);
}

static struct process *in_the_path_of_a_broker(void)
{
	return process_start_on_terminal("topics", "list", "-b", "sqlite:/no/" HOSTILE, NULL);
}

static struct process *in_the_path_of_the_ready_file(void)
{
	return process_start_on_terminal("run", BROKER, "--ready-file", "/no/" HOSTILE, "echo", NULL);
}

static struct process *in_the_end_of_a_worker(void)
{
	write_file("msp.yaml", "models:\n  bad:\n    plugin: " FAULTY "\n    open.error: \"" IN_JSON "\"\n");
	return process_start_on_terminal("run", BROKER, "-m", "bad", NULL);
}

static struct process *predict_file(const char *model, const char *json)
{
	write_file("message", json);
	return process_start_on_terminal("predict", "-m", model, "message", NULL);
}

static struct process *in_the_path_of_a_member(void)
{
	return predict_file("iris",
	                    "{\"sepal_length\": 1, \"sepal_width\": 1, \"petal_length\": 1, \"petal_width\": 1, \"" IN_JSON
	                    "\": 1}");
}

static struct process *in_the_error_of_a_model(void)
{
	return predict_file(FAULTY, "{\"error\": \"" IN_JSON "\"}");
}

static struct process *in_what_is_no_json(void)
{
	return predict_file("echo", "{" HOSTILE);
}

static struct process *in_a_prediction(void)
{
	return predict_file("echo", "{\"a\": \"" IN_JSON "\"}");
}

/* ---- places: what a broker has ---- */

static struct process *in_the_name_of_a_foreign_topic(void)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open("msp.db", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE topics SET name = '" RAW_UTF8 "' WHERE name = 't'", NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_close(db);
	return process_start_on_terminal("topics", "list", BROKER, NULL);
}

static struct process *in_a_message(void)
{
	return process_start_on_terminal("receive", BROKER, "-t", "t", "-e", "-f", "%k %s %h %t\\n", NULL);
}

static struct process *in_a_value_alone(void)
{
	return process_start_on_terminal("receive", BROKER, "-t", "t", "-e", NULL);
}

static struct process *in_an_envelope(void)
{
	return process_start_on_terminal("receive", BROKER, "-t", "t", "-e", "-J", NULL);
}

static struct process *in_what_cannot_be_converted(void)
{
	return process_start_on_terminal("receive", BROKER, "-t", "t", "-e", "--from", "json", "--to", "json", NULL);
}

static const struct {
	const char *name;
	struct process *(*start)(void);
	bool says_less; /* that it is wrong, but not what it is */
} places[] = {
#define PLACE(place)                                                                                                   \
	{                                                                                                                  \
#place, place, false                                                                                           \
	}
#define PLACE_LESS(place)                                                                                              \
	{                                                                                                                  \
#place, place, true                                                                                            \
	}
    PLACE(in_a_flag),
    PLACE(in_a_command),
    PLACE(in_the_name_of_a_file),
    PLACE(in_the_name_of_a_plugin),
    PLACE(in_the_path_of_a_plugin),
    PLACE(in_the_error_of_a_plugin),
    PLACE(in_a_key),
    PLACE(in_a_key_of_a_file),
    PLACE(in_a_value),
    PLACE(in_the_name_of_a_variable),
    PLACE_LESS(in_the_name_of_an_environment),
    PLACE(in_the_name_of_a_topic),
    PLACE_LESS(in_a_broker),
    PLACE(in_the_path_of_a_broker),
    PLACE(in_the_path_of_the_ready_file),
    PLACE(in_the_end_of_a_worker),
    PLACE(in_the_path_of_a_member),
    PLACE(in_the_error_of_a_model),
    PLACE_LESS(in_what_is_no_json),
    PLACE(in_a_prediction),
    PLACE(in_a_message),
    PLACE(in_a_value_alone),
    PLACE(in_an_envelope),
    PLACE(in_what_cannot_be_converted),
    PLACE(in_the_name_of_a_foreign_topic), /* last: it renames the topic */
};

static int prepare(void **state)
{
	if (enter_directory(state) != 0)
		return -1;
	struct result result = expect(0, "topics", "create", BROKER, "-t", "t", NULL);
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-m", FAULTY, NULL);
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-m", "echo", NULL);
	result_free(&result);
	result = expect_with(0,
	                     "{\"key\": \"" IN_JSON "\", \"headers\": [\"" IN_JSON "\", \"" IN_JSON
	                     "\"], \"payload\": \"" IN_JSON "\"}\n",
	                     "send", BROKER, "-t", "t", "-J", NULL);
	result_free(&result);
	return 0;
}

static void no_place_paints_a_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct process *process = places[i].start();
		process_read_all(process, process->out);
		if (!places[i].says_less && !strstr(process->text, "forged"))
			fail_msg("%s: nothing of it is shown: %s", places[i].name, process->text);
		assert_harmless(process->text);
		process_end(process);
		unlink("msp.yaml");
	}
}

static void a_terminal_shows_what_a_message_has(void **state)
{
	(void)state;
	struct process *process = in_a_message();
	process_await(process, process->out, ESCAPED " " ESCAPED " " ESCAPED "=" ESCAPED " t\r\n");
	assert_int_equal(process_end(process), 0);
}

static void raw_is_raw(void **state)
{
	(void)state;
	struct process *process = process_start_on_terminal("receive", BROKER, "-t", "t", "-e", "-D", "", "--raw", NULL);
	process_await(process, process->out,
	              "\x1b[2J\r\nmsp: forged\x7f\xc2\x9b"
	              "31m\xe2\x80\xae\xe2\x80\xa8");
	assert_int_equal(process_end(process), 0);
}

static void a_pipe_gets_every_byte(void **state)
{
	(void)state;
	struct result result = expect(0, "receive", BROKER, "-t", "t", "-e", "-f", "%k|%s|%h\\n", NULL);
	assert_string_equal(result.out, RAW_UTF8 "|" RAW_UTF8 "|" RAW_UTF8 "=" RAW_UTF8 "\n");
	result_free(&result);
}

static void an_envelope_is_the_same_everywhere(void **state)
{
	(void)state;
	struct result result = expect(0, "receive", BROKER, "-t", "t", "-e", "-J", NULL);
	assert_harmless(result.out);
	assert_contains(result.out, "\"payload\": \"\\u001b[2J\\nmsp: forged\\u007f\\u009b31m\\u202e\\u2028\"");
	struct result again = expect(0, "topics", "create", BROKER, "-t", "again", NULL);
	result_free(&again);
	again = expect_with(0, result.out, "send", BROKER, "-t", "again", "-J", NULL);
	result_free(&again);
	again = expect(0, "receive", BROKER, "-t", "again", "-e", "-D", "", NULL);
	assert_string_equal(again.out, RAW_UTF8);
	result_free(&again);
	result_free(&result);
}

int main(void)
{
#define TEXT_TEST(test) cmocka_unit_test_setup_teardown(test, prepare, leave_directory)
	const struct CMUnitTest tests[] = {
	    TEXT_TEST(no_place_paints_a_terminal), TEXT_TEST(a_terminal_shows_what_a_message_has), TEXT_TEST(raw_is_raw),
	    TEXT_TEST(a_pipe_gets_every_byte),     TEXT_TEST(an_envelope_is_the_same_everywhere),
	};
	if (!terminal_can_be_had())
		return SKIPPED_BY_CTEST;
	return cmocka_run_group_tests_name("hostile text", tests, NULL, NULL);
}
