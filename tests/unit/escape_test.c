#include "check.h"

#include <msp/escape.h>

static const struct {
	const char *text, *shown;
} cases[] = {
    {"", ""},
    {"plain text, \"quoted\" \\n", "plain text, \"quoted\" \\n"},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"a\nb\rc\td", "a\\nb\\rc\\td"},
    {"\x1b[2J\x07", "\\u001b[2J\\u0007"},
    {"\x7f", "\\u007f"},
    {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0"},
    {"\xd8\x9b\xd8\x9c\xd8\x9d", "\xd8\x9b\\u061c\xd8\x9d"},
    {"\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90", "\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90"},
    {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
     "\xe2\x80\xa7\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf"},
    {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa"},
    {"\xff\x80", "\\xff\\x80"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
    {"\xc0\x8a", "\\xc0\\x8a"},
    {"a\xe2\x82", "a\\xe2\\x82"},
    {"\x9b", "\\x9b"},
};

static void what_may_harm_is_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char shown[64];
		assert_int_equal(msp_escape_text(msp_bytes_of_string(cases[i].text), shown, sizeof(shown)),
		                 strlen(cases[i].shown));
		assert_string_equal(shown, cases[i].shown);
		struct msp_bytes again = msp_bytes_of_string(cases[i].shown);
		assert_int_equal(msp_escape_plain_size(again), again.size);
	}
}

static void a_nul_is_escaped(void **state)
{
	(void)state;
	char shown[64];
	msp_escape_text(MSP_BYTES_LITERAL("a\0b"), shown, sizeof(shown));
	assert_string_equal(shown, "a\\u0000b");
}

static void what_does_not_go_in_is_left_out_whole(void **state)
{
	(void)state;
	static const char text[] = "x\n\xe2\x82\xac\x1b";
	static const char *const shown[] = {
	    "", "", "x", "x", "x\\n", "x\\n", "x\\n", "x\\n\xe2\x82\xac", "x\\n\xe2\x82\xac"};
	for (size_t size = 1; size < sizeof(shown) / sizeof(shown[0]); size++) {
		char cut[16];
		memset(cut, '#', sizeof(cut));
		msp_escape_text(msp_bytes_of_string(text), cut, size);
		assert_string_equal(cut, shown[size]);
		assert_int_equal(cut[size], '#');
	}
}

static void a_plain_beginning_ends_where_an_escape_begins(void **state)
{
	(void)state;
	assert_int_equal(msp_escape_plain_size(MSP_BYTES_LITERAL("ab\xc3\xa9\x1b")), 4);
	assert_int_equal(msp_escape_plain_size(MSP_BYTES_LITERAL("ab\xc3")), 2);
	assert_int_equal(msp_escape_plain_size(MSP_BYTES_LITERAL("\n")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_may_harm_is_escaped),
	    cmocka_unit_test(a_nul_is_escaped),
	    cmocka_unit_test(what_does_not_go_in_is_left_out_whole),
	    cmocka_unit_test(a_plain_beginning_ends_where_an_escape_begins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
