#include "check.h"

#include <msp/option.h>

#include <stdio.h>

struct settings {
	bool enabled;
	int64_t batch_max_ms;
	int64_t any_integer;
	int64_t at_least;
	int64_t at_most;
	double ratio;
	double any_number;
	const char *path;
	const char *password;
	int level;
};

static const char *const levels[] = {"off", "normal", "full", NULL};

enum { ENABLED, BATCH_MAX_MS, ANY_INTEGER, AT_LEAST, AT_MOST, RATIO, ANY_NUMBER, PATH, PASSWORD, LEVEL, COUNT };

static const struct msp_option options[] = {
    [ENABLED] = {.name = "enabled",
                 .type = MSP_OPTION_BOOLEAN,
                 .offset = offsetof(struct settings, enabled),
                 .default_text = "true"},
    [BATCH_MAX_MS] = {.name = "batch.max.ms",
                      .type = MSP_OPTION_INTEGER,
                      .offset = offsetof(struct settings, batch_max_ms),
                      .default_text = "1000",
                      .min = 1,
                      .max = 60000},
    [ANY_INTEGER] = {.name = "any.integer",
                     .type = MSP_OPTION_INTEGER,
                     .offset = offsetof(struct settings, any_integer),
                     .default_text = "-7"},
    [AT_LEAST] = {.name = "at.least",
                  .type = MSP_OPTION_INTEGER,
                  .offset = offsetof(struct settings, at_least),
                  .default_text = "1",
                  .min = 1,
                  .max = INT64_MAX},
    [AT_MOST] = {.name = "at.most",
                 .type = MSP_OPTION_INTEGER,
                 .offset = offsetof(struct settings, at_most),
                 .default_text = "0",
                 .min = INT64_MIN,
                 .max = 0},
    [RATIO] = {.name = "ratio",
               .type = MSP_OPTION_NUMBER,
               .offset = offsetof(struct settings, ratio),
               .default_text = "0.1",
               .min = 0,
               .max = 1},
    [ANY_NUMBER] = {.name = "any.number",
                    .type = MSP_OPTION_NUMBER,
                    .offset = offsetof(struct settings, any_number),
                    .default_text = "1e3"},
    [PATH] = {.name = "path", .type = MSP_OPTION_STRING, .offset = offsetof(struct settings, path)},
    [PASSWORD] = {.name = "password",
                  .type = MSP_OPTION_STRING,
                  .offset = offsetof(struct settings, password),
                  .secret = true},
    [LEVEL] = {.name = "level",
               .type = MSP_OPTION_CHOICE,
               .offset = offsetof(struct settings, level),
               .default_text = "normal",
               .choices = levels},
};

static const struct msp_option_table table = MSP_OPTION_TABLE(options, struct settings);

static int set_up(void **state)
{
	static struct settings settings;
	memset(&settings, 0xa5, sizeof(settings));
	*state = &settings;
	return msp_options_init(&table, &settings, NULL) == MSP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	msp_options_done(&table, *state);
	return 0;
}

static void defaults(void **state)
{
	const struct settings *settings = *state;
	assert_int_equal(table.count, COUNT);
	assert_true(settings->enabled);
	assert_int_equal(settings->batch_max_ms, 1000);
	assert_int_equal(settings->any_integer, -7);
	assert_true(settings->ratio == 0.1);
	assert_true(settings->any_number == 1000);
	assert_null(settings->path);
	assert_null(settings->password);
	assert_int_equal(settings->level, 1);
}

static void check_formatted(const struct settings *settings, int option, const char *expected)
{
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 1000);
	assert_int_equal(msp_option_format(&options[option], settings, &buffer), MSP_OK);
	assert_bytes_equal(msp_buffer_bytes(&buffer), expected);
	msp_buffer_done(&buffer);
}

/* Takes `text`, and shows it as `shown`. */
static void check_taken(struct settings *settings, int option, const char *text, const char *shown)
{
	struct msp_error err = {.text = ""};
	if (msp_option_set(&options[option], settings, text, &err) != MSP_OK)
		fail_msg("%s", err.text);
	check_formatted(settings, option, shown);
}

static void check_refused(struct settings *settings, int option, const char *text, const char *expected)
{
	struct settings before = *settings;
	struct msp_error err;
	assert_int_equal(msp_option_set(&options[option], settings, text, &err), MSP_E_INVALID);
	assert_string_equal(err.text, expected);
	assert_memory_equal(settings, &before, sizeof(before));
}

static void booleans(void **state)
{
	check_taken(*state, ENABLED, "false", "false");
	check_taken(*state, ENABLED, "true", "true");
	check_refused(*state, ENABLED, "TRUE", "enabled must be true or false, not \"TRUE\"");
	check_refused(*state, ENABLED, "1", "enabled must be true or false, not \"1\"");
	check_refused(*state, ENABLED, "yes", "enabled must be true or false, not \"yes\"");
	check_refused(*state, ENABLED, "", "enabled must be true or false, not \"\"");
	check_refused(*state, ENABLED, "true ", "enabled must be true or false, not \"true \"");
}

static void integers(void **state)
{
	check_taken(*state, BATCH_MAX_MS, "1", "1");
	check_taken(*state, BATCH_MAX_MS, "60000", "60000");
	check_taken(*state, BATCH_MAX_MS, "007", "7");
	static const char *const refused[] = {"",    " 1", "1 ",  "+1", "0x10", "1e3",   "1.0", "one",
	                                      "--1", "-",  "1-2", "0",  "-1",   "60001", "1\n", "9223372036854775808"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char expected[200];
		snprintf(expected, sizeof(expected), "batch.max.ms must be an integer from 1 to 60000, not \"%s\"", refused[i]);
		check_refused(*state, BATCH_MAX_MS, refused[i], expected);
	}
}

static void integers_without_and_with_one_bound(void **state)
{
	check_taken(*state, ANY_INTEGER, "9223372036854775807", "9223372036854775807");
	check_taken(*state, ANY_INTEGER, "-9223372036854775808", "-9223372036854775808");
	check_refused(*state, ANY_INTEGER, "9223372036854775808",
	              "any.integer must be an integer, not \"9223372036854775808\"");
	check_refused(*state, ANY_INTEGER, "-9223372036854775809",
	              "any.integer must be an integer, not \"-9223372036854775809\"");
	check_taken(*state, AT_LEAST, "9223372036854775807", "9223372036854775807");
	check_refused(*state, AT_LEAST, "0", "at.least must be an integer of at least 1, not \"0\"");
	check_taken(*state, AT_MOST, "-5", "-5");
	check_refused(*state, AT_MOST, "1", "at.most must be an integer of at most 0, not \"1\"");
}

static void numbers(void **state)
{
	check_taken(*state, RATIO, "0", "0");
	check_taken(*state, RATIO, "1", "1");
	check_taken(*state, RATIO, "0.30000000000000004", "0.30000000000000004");
	check_taken(*state, RATIO, "5e-1", "0.5");
	check_taken(*state, RATIO, ".5", "0.5");
	static const char *const refused[] = {"", " 1", "1 ", "0x1p-1", "nan", "inf", "1.0001", "-0.1", "e", "1e", "0,5"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char expected[200];
		snprintf(expected, sizeof(expected), "ratio must be a number from 0 to 1, not \"%s\"", refused[i]);
		check_refused(*state, RATIO, refused[i], expected);
	}
	check_taken(*state, ANY_NUMBER, "-1.5e300", "-1.5e+300");
	check_refused(*state, ANY_NUMBER, "1e999", "any.number must be a number, not \"1e999\"");
	check_refused(*state, ANY_NUMBER, "-infinity", "any.number must be a number, not \"-infinity\"");
}

static void strings(void **state)
{
	const struct settings *settings = *state;
	char text[] = "/tmp/a";
	check_formatted(settings, PATH, "");
	check_taken(*state, PATH, text, "/tmp/a");
	memset(text, 'x', 6);
	assert_string_equal(settings->path, "/tmp/a");
	check_taken(*state, PATH, "", "");
	assert_non_null(settings->path);
	check_taken(*state, PATH, "b", "b");
}

static void choices(void **state)
{
	const struct settings *settings = *state;
	check_taken(*state, LEVEL, "full", "full");
	assert_int_equal(settings->level, 2);
	check_taken(*state, LEVEL, "off", "off");
	check_refused(*state, LEVEL, "FULL", "level must be off, normal or full, not \"FULL\"");
	check_refused(*state, LEVEL, "", "level must be off, normal or full, not \"\"");
}

static void secrets_are_never_shown(void **state)
{
	check_formatted(*state, PASSWORD, "");
	check_taken(*state, PASSWORD, "hunter2", "********");
	static const char *const words[] = {"hunter3", NULL};
	const struct msp_option secret = {.name = "token",
	                                  .type = MSP_OPTION_CHOICE,
	                                  .offset = offsetof(struct settings, level),
	                                  .choices = words,
	                                  .secret = true};
	struct msp_error err;
	assert_int_equal(msp_option_set(&secret, *state, "guess", &err), MSP_E_INVALID);
	assert_null(strstr(err.text, "guess"));
	struct msp_option pin = options[BATCH_MAX_MS];
	pin.secret = true;
	assert_int_equal(msp_option_set(&pin, *state, "123456", &err), MSP_E_INVALID);
	assert_string_equal(err.text, "batch.max.ms must be an integer from 1 to 60000");
}

static void a_long_value_does_not_overflow_the_error(void **state)
{
	char longer[2 * MSP_ERROR_TEXT_SIZE];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	struct msp_error err;
	assert_int_equal(msp_option_set(&options[LEVEL], *state, longer, &err), MSP_E_INVALID);
	assert_int_equal(strlen(err.text), MSP_ERROR_TEXT_SIZE - 1);

	const char *many[40];
	for (size_t i = 0; i < 39; i++)
		many[i] = "a-choice-with-a-long-name";
	many[39] = NULL;
	struct msp_option option = options[LEVEL];
	option.choices = many;
	assert_int_equal(msp_option_set(&option, *state, "x", &err), MSP_E_INVALID);
	assert_int_equal(strlen(err.text), MSP_ERROR_TEXT_SIZE - 1);
}

static void options_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(msp_option_find(&table, "batch.max.ms"), &options[BATCH_MAX_MS]);
	assert_null(msp_option_find(&table, "batch.max"));
	assert_null(msp_option_find(&table, ""));
}

static void a_bad_default_leaves_nothing(void **state)
{
	(void)state;
	const struct msp_option bad[] = {
	    {.name = "path", .type = MSP_OPTION_STRING, .offset = offsetof(struct settings, path), .default_text = "x"},
	    {.name = "level",
	     .type = MSP_OPTION_CHOICE,
	     .offset = offsetof(struct settings, level),
	     .default_text = "none",
	     .choices = levels},
	};
	const struct msp_option_table bad_table = MSP_OPTION_TABLE(bad, struct settings);
	struct settings settings;
	struct msp_error err;
	assert_int_equal(msp_options_init(&bad_table, &settings, &err), MSP_E_INVALID);
	assert_null(settings.path);
	msp_options_done(&bad_table, &settings);
}

static void done_is_safe_on_zeros_and_twice(void **state)
{
	(void)state;
	struct settings settings;
	memset(&settings, 0, sizeof(settings));
	msp_options_done(&table, &settings);
	assert_int_equal(msp_options_init(&table, &settings, NULL), MSP_OK);
	assert_int_equal(msp_option_set(&options[PATH], &settings, "x", NULL), MSP_OK);
	msp_options_done(&table, &settings);
	assert_null(settings.path);
	msp_options_done(&table, &settings);
}

static void check_type_text(int option, const char *expected)
{
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 1000);
	assert_int_equal(msp_option_type_text(&options[option], &buffer), MSP_OK);
	assert_bytes_equal(msp_buffer_bytes(&buffer), expected);
	msp_buffer_done(&buffer);
}

static void type_texts(void **state)
{
	(void)state;
	check_type_text(ENABLED, "boolean");
	check_type_text(BATCH_MAX_MS, "integer");
	check_type_text(RATIO, "number");
	check_type_text(PATH, "string");
	check_type_text(LEVEL, "off | normal | full");

	struct msp_buffer small;
	msp_buffer_init(&small, 8);
	assert_int_equal(msp_option_type_text(&options[LEVEL], &small), MSP_E_LIMIT);
	assert_int_equal(small.size, 0);
	msp_buffer_done(&small);
}

static void edit_distances(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		int distance;
	} cases[] = {
	    {"", "", 0},
	    {"", "abc", 3},
	    {"abc", "", 3},
	    {"abc", "abc", 0},
	    {"abc", "abd", 1},
	    {"abc", "ab", 1},
	    {"abc", "xabc", 1},
	    {"abc", "acb", 1},
	    {"kitten", "sitting", 3},
	    {"ca", "abc", 3},
	    {"ab", "ba", 1},
	    {"workers", "wokrers", 1},
	    {"broker", "brker", 1},
	    {"codec", "topic.prefix", 10},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(msp_edit_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(msp_edit_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
	char longer[400];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(msp_edit_distance(longer, "a"), 255);
	assert_int_equal(msp_edit_distance("a", longer), 255);
	longer[255] = '\0';
	assert_int_equal(msp_edit_distance(longer, ""), 255);
	assert_int_equal(msp_edit_distance(longer, longer + 1), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(defaults),
	    TEST(booleans),
	    TEST(integers),
	    TEST(integers_without_and_with_one_bound),
	    TEST(numbers),
	    TEST(strings),
	    TEST(choices),
	    TEST(secrets_are_never_shown),
	    TEST(a_long_value_does_not_overflow_the_error),
	    cmocka_unit_test(options_are_found_by_name),
	    cmocka_unit_test(a_bad_default_leaves_nothing),
	    cmocka_unit_test(done_is_safe_on_zeros_and_twice),
	    cmocka_unit_test(type_texts),
	    cmocka_unit_test(edit_distances),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
