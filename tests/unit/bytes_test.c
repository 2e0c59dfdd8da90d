#include "check.h"

#include <stdlib.h>

static void absent_is_not_empty(void **state)
{
	(void)state;
	struct msp_bytes empty = MSP_BYTES_LITERAL("");
	assert_non_null(empty.data);
	assert_true(msp_bytes_equal(empty, msp_bytes_of_string("")));
	assert_true(msp_bytes_equal(MSP_BYTES_ABSENT, msp_bytes_of_string(NULL)));
	assert_false(msp_bytes_equal(MSP_BYTES_ABSENT, empty));
	assert_false(msp_bytes_equal(empty, MSP_BYTES_ABSENT));
}

static void equal_means_size_and_content(void **state)
{
	(void)state;
	assert_true(msp_bytes_equal(MSP_BYTES_LITERAL("a\0b"), MSP_BYTES_LITERAL("a\0b")));
	assert_false(msp_bytes_equal(MSP_BYTES_LITERAL("a\0b"), MSP_BYTES_LITERAL("a\0c")));
	assert_false(msp_bytes_equal(MSP_BYTES_LITERAL("a"), MSP_BYTES_LITERAL("ab")));
}

/* At every place relative to the words of eight bytes that the check reads. */
static void check_utf8(struct msp_bytes bytes, bool expected)
{
	for (size_t before = 0; before < 18; before++) {
		size_t size = before + bytes.size;
		char *memory = malloc(size + 1); /* its own block, so that sanitizers see a read too far */
		memset(memory, 'x', before);
		memcpy(memory + before, bytes.data, bytes.size);
		bool is_utf8 = msp_bytes_are_utf8(msp_bytes_of(memory, size));
		free(memory);
		if (is_utf8 != expected)
			fail_msg("\"%.*s\" after %zu bytes: %d", (int)bytes.size, (const char *)bytes.data, before, is_utf8);
	}
}

static void well_formed_utf8(void **state)
{
	(void)state;
	assert_true(msp_bytes_are_utf8(MSP_BYTES_ABSENT));
	static const char *const cases[] = {
	    "",
	    "plain",
	    "\x7f",
	    "\xc2\x80",         /* U+0080, the first of two bytes */
	    "\xdf\xbf",         /* U+07FF */
	    "\xe0\xa0\x80",     /* U+0800, the first of three */
	    "\xed\x9f\xbf",     /* U+D7FF, before the surrogates */
	    "\xee\x80\x80",     /* U+E000, after them */
	    "\xef\xbb\xbf",     /* U+FEFF, the byte-order mark */
	    "\xef\xbf\xbf",     /* U+FFFF */
	    "\xf0\x90\x80\x80", /* U+10000, the first of four */
	    "\xf3\xbf\xbf\xbf", /* U+FFFFF */
	    "\xf4\x8f\xbf\xbf", /* U+10FFFF, the last */
	    "\xc3\xa9 12345678 \xe2\x82\xac\xf0\x9f\x98\x80 end",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_utf8(msp_bytes_of_string(cases[i]), true);
	check_utf8(MSP_BYTES_LITERAL("a\0b"), true);
}

static void ill_formed_utf8(void **state)
{
	(void)state;
	static const char *const cases[] = {
	    "\x80",                     /* a continuation without a lead */
	    "\xbf",                     /* likewise */
	    "\xc0\x80",                 /* U+0000, overlong */
	    "\xc1\xbf",                 /* U+007F, overlong */
	    "\xe0\x80\x80",             /* U+0000, overlong */
	    "\xe0\x9f\xbf",             /* U+07FF, overlong */
	    "\xf0\x80\x80\x80",         /* U+0000, overlong */
	    "\xf0\x8f\xbf\xbf",         /* U+FFFF, overlong */
	    "\xed\xa0\x80",             /* U+D800, a surrogate */
	    "\xed\xbf\xbf",             /* U+DFFF, a surrogate */
	    "\xed\xa0\xbd\xed\xb8\x80", /* a pair of them (CESU-8) */
	    "\xf4\x90\x80\x80",         /* U+110000 */
	    "\xf5\x80\x80\x80",         /* no lead */
	    "\xf8\x88\x80\x80\x80",     /* five bytes */
	    "\xfe",                     /* never in UTF-8 */
	    "\xff",                     /* never in UTF-8 */
	    "\xc3",                     /* truncated */
	    "\xe2\x82",                 /* truncated */
	    "\xf0\x9f\x98",             /* truncated */
	    "\xf0\x9f",                 /* truncated */
	    "\xc3(",                    /* a lead without its continuation */
	    "\xe2(\xa1",                /* the second byte is none */
	    "\xe2\x82(",                /* the third is none */
	    "\xf0\x90\x8c(",            /* the fourth is none */
	    "\xe2\x82\xac\xc3",         /* truncated after something good */
	    "12345678\xff-12345678",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_utf8(msp_bytes_of_string(cases[i]), false);
}

/* Encodes by the definition of RFC 3629, for the comparison with all code points. */
static size_t encode(unsigned code_point, unsigned char *to)
{
	if (code_point < 0x80)
		return to[0] = (unsigned char)code_point, 1;
	size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
	for (size_t i = size - 1; i > 0; i--, code_point >>= 6)
		to[i] = (unsigned char)(0x80 | (code_point & 0x3F));
	to[0] = (unsigned char)(leads[size] | code_point);
	return size;
}

static void every_code_point(void **state)
{
	(void)state;
	for (unsigned code_point = 0; code_point < 0x140000; code_point++) {
		unsigned char bytes[4];
		size_t size = encode(code_point, bytes);
		bool exists = code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF);
		if (msp_bytes_are_utf8(msp_bytes_of(bytes, size)) != exists)
			fail_msg("U+%04X", code_point);
	}
}

static void buffer_grows_and_keeps_its_content(void **state)
{
	(void)state;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 100000);
	assert_null(buffer.data);
	assert_bytes_equal(msp_buffer_bytes(&buffer), "");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(msp_buffer_printf(&buffer, "%03d,", i), MSP_OK);
	assert_int_equal(buffer.size, 4000);
	assert_memory_equal(buffer.data, "000,001,", 8);
	assert_memory_equal(buffer.data + 3992, "998,999,", 8);
	msp_buffer_done(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.max_size, 100000);
}

static void buffer_appends_of_every_kind(void **state)
{
	(void)state;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 64);
	assert_int_equal(msp_buffer_append(&buffer, NULL, 0), MSP_OK);
	assert_int_equal(msp_buffer_append(&buffer, "abc", 2), MSP_OK);
	assert_int_equal(msp_buffer_append_string(&buffer, "cd"), MSP_OK);
	assert_int_equal(msp_buffer_append_char(&buffer, 'e'), MSP_OK);
	assert_int_equal(msp_buffer_printf(&buffer, "%s", ""), MSP_OK);
	assert_int_equal(msp_buffer_printf(&buffer, "%c%d", 'f', 7), MSP_OK);
	assert_bytes_equal(msp_buffer_bytes(&buffer), "abcdef7");
	msp_buffer_done(&buffer);
}

static void buffer_clear_keeps_the_memory(void **state)
{
	(void)state;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 64);
	assert_int_equal(msp_buffer_append_string(&buffer, "abc"), MSP_OK);
	const char *data = buffer.data;
	msp_buffer_clear(&buffer);
	assert_int_equal(msp_buffer_append_string(&buffer, "x"), MSP_OK);
	assert_ptr_equal(buffer.data, data);
	assert_bytes_equal(msp_buffer_bytes(&buffer), "x");
	msp_buffer_done(&buffer);
}

static void buffer_stops_at_its_maximum(void **state)
{
	(void)state;
	static const size_t maxima[] = {0, 1, 5, 255, 256, 257, 1000};
	for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
		struct msp_buffer buffer;
		msp_buffer_init(&buffer, maxima[i]);
		for (size_t size = 0; size < maxima[i]; size++)
			assert_int_equal(msp_buffer_append_char(&buffer, 'x'), MSP_OK);
		assert_int_equal(msp_buffer_append_char(&buffer, 'x'), MSP_E_LIMIT);
		assert_int_equal(msp_buffer_append(&buffer, "xy", 2), MSP_E_LIMIT);
		assert_int_equal(msp_buffer_printf(&buffer, "%d", 1), MSP_E_LIMIT);
		assert_int_equal(msp_buffer_reserve(&buffer, SIZE_MAX), MSP_E_LIMIT);
		assert_int_equal(buffer.size, maxima[i]);
		msp_buffer_done(&buffer);
	}
}

static void buffer_is_filled_by_one_print(void **state)
{
	(void)state;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 5);
	assert_int_equal(msp_buffer_printf(&buffer, "%s", "123456"), MSP_E_LIMIT);
	assert_int_equal(msp_buffer_printf(&buffer, "%s", "12345"), MSP_OK);
	assert_bytes_equal(msp_buffer_bytes(&buffer), "12345");
	msp_buffer_done(&buffer);
}

static void buffer_refuses_sizes_that_overflow(void **state)
{
	(void)state;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, SIZE_MAX);
	assert_int_equal(msp_buffer_append_char(&buffer, 'a'), MSP_OK);
	assert_int_equal(msp_buffer_reserve(&buffer, SIZE_MAX), MSP_E_LIMIT);
	assert_int_equal(msp_buffer_reserve(&buffer, SIZE_MAX - 1), MSP_E_NO_MEMORY);
	assert_bytes_equal(msp_buffer_bytes(&buffer), "a");
	msp_buffer_done(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(absent_is_not_empty),
	    cmocka_unit_test(equal_means_size_and_content),
	    cmocka_unit_test(well_formed_utf8),
	    cmocka_unit_test(ill_formed_utf8),
	    cmocka_unit_test(every_code_point),
	    cmocka_unit_test(buffer_grows_and_keeps_its_content),
	    cmocka_unit_test(buffer_appends_of_every_kind),
	    cmocka_unit_test(buffer_clear_keeps_the_memory),
	    cmocka_unit_test(buffer_stops_at_its_maximum),
	    cmocka_unit_test(buffer_is_filled_by_one_print),
	    cmocka_unit_test(buffer_refuses_sizes_that_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
