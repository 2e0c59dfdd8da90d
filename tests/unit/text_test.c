#include "check.h"

#include "text.h"

#include <float.h>

static void cut_keeps_whole_characters(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t size, cut;
	} cases[] = {
	    {"", 0, 0},
	    {"abc", 2, 2},
	    {"a\xc3\xa9", 3, 3},
	    {"a\xc3\xa9", 2, 1},
	    {"\xe2\x82\xac", 3, 3},
	    {"\xe2\x82\xac", 2, 0},
	    {"\xe2\x82\xac", 1, 0},
	    {"a\xf0\x9f\x98\x80", 5, 5},
	    {"a\xf0\x9f\x98\x80", 4, 1},
	    {"a\xf0\x9f\x98\x80", 3, 1},
	    {"a\xf0\x9f\x98\x80", 2, 1},
	    {"\x80\x80", 2, 2}, /* no character at all: nothing to keep whole */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(msp_text_cut(cases[i].text, cases[i].size), cases[i].cut);
}

static void pointers(void **state)
{
	(void)state;
	char pointer[12] = "";
	size_t size = 0;
	assert_true(msp_text_pointer(pointer, sizeof(pointer), &size, "a~/", 3));
	assert_true(msp_text_pointer(pointer, sizeof(pointer), &size, "", 0));
	assert_string_equal(pointer, "/a~0~1/");
	/* What does not go in leaves it as it was; the NUL is one of twelve. */
	assert_false(msp_text_pointer(pointer, sizeof(pointer), &size, "bcd/", 4));
	assert_false(msp_text_pointer(pointer, sizeof(pointer), &size, "b\0", 2));
	assert_string_equal(pointer, "/a~0~1/");
	assert_int_equal(size, 7);
	assert_true(msp_text_pointer(pointer, sizeof(pointer), &size, "b/", 2));
	assert_string_equal(pointer, "/a~0~1//b~1");
	assert_false(msp_text_pointer(pointer, sizeof(pointer), &size, "", 0));
}

static void check_integer(int64_t integer, const char *expected)
{
	char text[MSP_TEXT_INTEGER_SIZE];
	assert_int_equal(msp_text_integer(text, integer), strlen(expected));
	assert_string_equal(text, expected);
}

static void integers(void **state)
{
	(void)state;
	check_integer(0, "0");
	check_integer(7, "7");
	check_integer(-10, "-10");
	check_integer(INT64_MAX, "9223372036854775807");
	check_integer(INT64_MIN, "-9223372036854775808");
}

static void check_number(double number, const char *expected)
{
	char text[MSP_TEXT_NUMBER_SIZE];
	assert_int_equal(msp_text_number(text, number), strlen(expected));
	assert_string_equal(text, expected);
}

static void numbers_in_their_shortest_form(void **state)
{
	(void)state;
	check_number(5.1, "5.1");
	check_number(0.1 + 0.2, "0.30000000000000004");
	check_number(1e300, "1e+300");
	check_number(-DBL_MAX, "-1.7976931348623157e+308");
	check_number(100, "100");
}

static void check_time(int64_t time_ms, const char *expected)
{
	char text[MSP_TEXT_TIME_LENGTH + 1];
	msp_text_time(text, time_ms);
	assert_string_equal(text, expected);
}

/* Expected values: date -u -d @SECONDS. */
static void times(void **state)
{
	(void)state;
	check_time(0, "1970-01-01T00:00:00.000Z");
	check_time(-1, "1969-12-31T23:59:59.999Z");
	check_time(951782399999, "2000-02-28T23:59:59.999Z");
	check_time(951782400000, "2000-02-29T00:00:00.000Z");
	check_time(951868800000, "2000-03-01T00:00:00.000Z");
	check_time(1709251199123, "2024-02-29T23:59:59.123Z");
	check_time(1709251200000, "2024-03-01T00:00:00.000Z");
	check_time(1798761599999, "2026-12-31T23:59:59.999Z");
	check_time(4107542400000, "2100-03-01T00:00:00.000Z");
	check_time(-2203891200000, "1900-03-01T00:00:00.000Z");
}

static void times_outside_four_digit_years_are_clamped(void **state)
{
	(void)state;
	check_time(INT64_MAX, "9999-12-31T23:59:59.999Z");
	check_time(INT64_MIN, "0000-03-01T00:00:00.000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cut_keeps_whole_characters),
	    cmocka_unit_test(pointers),
	    cmocka_unit_test(integers),
	    cmocka_unit_test(numbers_in_their_shortest_form),
	    cmocka_unit_test(times),
	    cmocka_unit_test(times_outside_four_digit_years_are_clamped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
