#include "check.h"

#include <msp/status.h>

static void set_fills_and_answers(void **state)
{
	(void)state;
	struct msp_error err;
	assert_int_equal(msp_error_set(&err, MSP_E_NOT_FOUND, "no topic \"%s\"", "a"), MSP_E_NOT_FOUND);
	assert_int_equal(err.status, MSP_E_NOT_FOUND);
	assert_false(err.retriable);
	assert_string_equal(err.text, "no topic \"a\"");
}

static void only_unavailable_is_retriable(void **state)
{
	(void)state;
	for (int status = MSP_E_INVALID; status <= (int)MSP_E_INTERNAL; status++) {
		struct msp_error err;
		msp_error_set(&err, (enum msp_status)status, "x");
		assert_int_equal(err.retriable, status == MSP_E_UNAVAILABLE);
	}
}

static void without_an_error_only_the_status_counts(void **state)
{
	(void)state;
	assert_int_equal(msp_error_set(NULL, MSP_E_LIMIT, "%d", 1), MSP_E_LIMIT);
	assert_int_equal(msp_error_prefix(NULL, MSP_E_DENIED, "%d", 1), MSP_E_DENIED);
}

static void prefix_stands_before_the_text(void **state)
{
	(void)state;
	struct msp_error err;
	msp_error_set(&err, MSP_E_UNAVAILABLE, "connection refused");
	assert_int_equal(msp_error_prefix(&err, MSP_E_INTERNAL, "broker %s", "b1"), MSP_E_UNAVAILABLE);
	assert_string_equal(err.text, "broker b1: connection refused");
	assert_true(err.retriable);
}

static void an_error_may_be_its_own_argument(void **state)
{
	(void)state;
	struct msp_error err;
	msp_error_set(&err, MSP_E_INVALID, "cause");
	msp_error_set(&err, MSP_E_CORRUPT, "file: %s", err.text);
	assert_string_equal(err.text, "file: cause");
	msp_error_prefix(&err, MSP_E_INTERNAL, "%s", err.text);
	assert_string_equal(err.text, "file: cause: file: cause");
}

static void long_texts_are_cut(void **state)
{
	(void)state;
	char longer[2 * MSP_ERROR_TEXT_SIZE];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	struct msp_error err;
	msp_error_set(&err, MSP_E_INVALID, "%s", longer);
	assert_int_equal(strlen(err.text), MSP_ERROR_TEXT_SIZE - 1);
	msp_error_prefix(&err, MSP_E_INVALID, "%s", "ab");
	assert_int_equal(strlen(err.text), MSP_ERROR_TEXT_SIZE - 1);
	assert_memory_equal(err.text, "ab: xxx", 7);
}

static void a_cut_leaves_whole_characters(void **state)
{
	(void)state;
	char longer[2 * MSP_ERROR_TEXT_SIZE] = "";
	for (size_t i = 0; i + 3 < sizeof(longer); i += 3)
		memcpy(longer + i, "\xe2\x82\xac", 4);
	for (int before = 0; before < 3; before++) {
		struct msp_error err;
		msp_error_set(&err, MSP_E_INVALID, "%.*s%s", before, "ab", longer);
		assert_true(msp_bytes_are_utf8(msp_bytes_of_string(err.text)));
		assert_in_range(strlen(err.text), MSP_ERROR_TEXT_SIZE - 3, MSP_ERROR_TEXT_SIZE - 1);
	}
}

static void every_status_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = MSP_OK; i <= (int)MSP_E_INTERNAL; i++) {
		for (int j = MSP_OK; j < i; j++)
			assert_string_not_equal(msp_status_name((enum msp_status)i), msp_status_name((enum msp_status)j));
	}
	assert_string_equal(msp_status_name(MSP_E_UNAVAILABLE), "unavailable");
	assert_string_equal(msp_status_name((enum msp_status)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set_fills_and_answers),
	    cmocka_unit_test(only_unavailable_is_retriable),
	    cmocka_unit_test(without_an_error_only_the_status_counts),
	    cmocka_unit_test(prefix_stands_before_the_text),
	    cmocka_unit_test(an_error_may_be_its_own_argument),
	    cmocka_unit_test(long_texts_are_cut),
	    cmocka_unit_test(a_cut_leaves_whole_characters),
	    cmocka_unit_test(every_status_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
