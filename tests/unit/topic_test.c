#include "check.h"

#include <msp/topic.h>

static void names_of_a_model(void **state)
{
	(void)state;
	const struct msp_model_info info = {.name = "iris_model", .major = 0, .minor = 1};
	struct msp_topics topics;
	assert_int_equal(msp_topics_init(&topics, MSP_TOPIC_PREFIX_DEFAULT, &info, NULL, NULL), MSP_OK);
	assert_string_equal(topics.name[MSP_TOPIC_INPUTS], "model_stream_processor.iris_model.0.1.inputs");
	assert_string_equal(topics.name[MSP_TOPIC_OUTPUTS], "model_stream_processor.iris_model.0.1.outputs");
	assert_string_equal(topics.name[MSP_TOPIC_ERRORS], "model_stream_processor.iris_model.0.1.errors");
	assert_string_equal(topics.group, "model_stream_processor.iris_model.0.1");
}

static void two_characters_wrap_the_common_part(void **state)
{
	(void)state;
	const struct msp_model_info info = {.name = "m", .major = 12, .minor = 34};
	struct msp_topics topics;
	assert_int_equal(msp_topics_init(&topics, "a.b-c_d", &info, "{}", NULL), MSP_OK);
	assert_string_equal(topics.name[MSP_TOPIC_INPUTS], "{a.b-c_d.m.12.34}.inputs");
	assert_string_equal(topics.name[MSP_TOPIC_ERRORS], "{a.b-c_d.m.12.34}.errors");
	assert_string_equal(topics.group, "a.b-c_d.m.12.34");
}

static void check_refused(const char *prefix, const char *name, int major, int minor, const char *word)
{
	const struct msp_model_info info = {.name = name, .major = major, .minor = minor};
	struct msp_topics topics;
	struct msp_error err;
	assert_int_equal(msp_topics_init(&topics, prefix, &info, NULL, &err), MSP_E_INVALID);
	if (!strstr(err.text, word))
		fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static void bad_parts_are_refused(void **state)
{
	(void)state;
	check_refused("p", "", 0, 1, "model name");
	check_refused("p", NULL, 0, 1, "model name");
	check_refused("p", "a.b", 0, 1, "a.b");
	check_refused("p", "a b", 0, 1, "a b");
	check_refused("p", "\xc3\xa9", 0, 1, "model name");
	check_refused("p", "a{", 0, 1, "a{");
	check_refused("p", "m", -1, 0, "version -1.0");
	check_refused("p", "m", 0, -1, "version 0.-1");
	check_refused("", "m", 0, 1, "prefix");
	check_refused(".", "m", 0, 1, "prefix");
	check_refused("..", "m", 0, 1, "prefix");
	check_refused("a/b", "m", 0, 1, "a/b");
	check_refused("{a}", "m", 0, 1, "{a}");
}

static void the_longest_name(void **state)
{
	(void)state;
	char name[MSP_TOPIC_MAX + 1];
	memset(name, 'n', sizeof(name));
	struct msp_topics topics;
	/* "p." + name + ".0.1.outputs", the longest of the three */
	size_t longest = MSP_TOPIC_MAX - strlen("p.") - strlen(".0.1.outputs");
	const struct msp_model_info info = {.name = name, .major = 0, .minor = 1};
	name[longest] = '\0';
	assert_int_equal(msp_topics_init(&topics, "p", &info, NULL, NULL), MSP_OK);
	assert_int_equal(strlen(topics.name[MSP_TOPIC_OUTPUTS]), MSP_TOPIC_MAX);
	struct msp_error err;
	assert_int_equal(msp_topics_init(&topics, "p", &info, "{}", &err), MSP_E_INVALID);
	assert_non_null(strstr(err.text, "250 bytes for the inputs"));
	name[longest] = 'n';
	name[longest + 1] = '\0';
	assert_int_equal(msp_topics_init(&topics, "p", &info, NULL, &err), MSP_E_INVALID);
	assert_non_null(strstr(err.text, "250 bytes for the outputs"));
}

static void collisions(void **state)
{
	(void)state;
	assert_true(msp_topic_collides("a.b", "a_b"));
	assert_true(msp_topic_collides("a_b", "a.b"));
	assert_true(msp_topic_collides("a.b", "a.b"));
	assert_true(msp_topic_collides("", ""));
	assert_false(msp_topic_collides("a.b", "a-b"));
	assert_false(msp_topic_collides("a.b", "a.bc"));
	assert_false(msp_topic_collides("a.bc", "a.b"));
	assert_false(msp_topic_collides("a.b", "A.b"));
}

static void topic_names_are_checked(void **state)
{
	(void)state;
	char longest[MSP_TOPIC_MAX + 2];
	memset(longest, 'a', sizeof(longest));
	longest[MSP_TOPIC_MAX] = '\0';
	assert_int_equal(msp_topic_check("a", NULL), MSP_OK);
	assert_int_equal(msp_topic_check("...", NULL), MSP_OK);
	assert_int_equal(msp_topic_check("{A.z_0-9}.inputs", NULL), MSP_OK);
	assert_int_equal(msp_topic_check(longest, NULL), MSP_OK);
	longest[MSP_TOPIC_MAX] = 'a';
	longest[MSP_TOPIC_MAX + 1] = '\0';
	const char *const refused[] = {"", ".", "..", "a b", "a/b", "a\n", "\xc3\xa9", "a:b", longest};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct msp_error err;
		assert_int_equal(msp_topic_check(refused[i], &err), MSP_E_INVALID);
		assert_non_null(strstr(err.text, "topic name"));
	}
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(msp_topic_kind_name(MSP_TOPIC_INPUTS), "inputs");
	assert_string_equal(msp_topic_kind_name(MSP_TOPIC_OUTPUTS), "outputs");
	assert_string_equal(msp_topic_kind_name(MSP_TOPIC_ERRORS), "errors");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_a_model),
	    cmocka_unit_test(two_characters_wrap_the_common_part),
	    cmocka_unit_test(bad_parts_are_refused),
	    cmocka_unit_test(the_longest_name),
	    cmocka_unit_test(collisions),
	    cmocka_unit_test(topic_names_are_checked),
	    cmocka_unit_test(kinds_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
