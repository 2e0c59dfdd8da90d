/* Every rule of a format with its verdict: the tables in tests/data/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>

#define MAX_DEPTH 64
#define MAX_LINE  4096

struct row {
	char line[MAX_LINE];
	const char *rule, *input, *verdict;
};

/* How the tables spell bytes. */
struct spelling {
	size_t (*read)(const char *text, char *ret_bytes);
	void (*write)(struct msp_bytes bytes, char *ret_text);
};

static int digit_value(char digit)
{
	return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* Two digits. */
static char byte_read(const char *text)
{
	return (char)(digit_value(text[0]) << 4 | digit_value(text[1]));
}

static size_t hexadecimal_read(const char *text, char *ret_bytes)
{
	size_t size = 0;
	for (; text[0] && text[1]; text += 2)
		ret_bytes[size++] = byte_read(text);
	return size;
}

static void hexadecimal_write(struct msp_bytes bytes, char *ret_text)
{
	*ret_text = '\0';
	for (size_t i = 0; i < bytes.size; i++)
		ret_text += sprintf(ret_text, "%02x", ((const unsigned char *)bytes.data)[i]);
}

/* \\ and \xNN, the rest as it is. */
static size_t escapes_read(const char *text, char *ret_bytes)
{
	size_t size = 0;
	while (*text) {
		bool byte = text[0] == '\\' && text[1] == 'x';
		size_t step = byte ? 4 : text[0] == '\\' ? 2 : 1;
		if (byte)
			ret_bytes[size++] = byte_read(text + 2);
		else
			ret_bytes[size++] = text[step - 1];
		text += step;
	}
	return size;
}

static void escapes_write(struct msp_bytes bytes, char *ret_text)
{
	*ret_text = '\0';
	for (size_t i = 0; i < bytes.size; i++) {
		unsigned char byte = ((const unsigned char *)bytes.data)[i];
		if (byte == '\\')
			ret_text += sprintf(ret_text, "\\\\");
		else if (byte < 0x20 || byte > 0x7E)
			ret_text += sprintf(ret_text, "\\x%02x", byte);
		else
			ret_text += sprintf(ret_text, "%c", byte);
	}
}

static const struct spelling hexadecimal = {hexadecimal_read, hexadecimal_write};
static const struct spelling escapes = {escapes_read, escapes_write};

/* False at the end. */
static bool row_read(FILE *file, struct row *row)
{
	do {
		if (!fgets(row->line, sizeof(row->line), file))
			return false;
	} while (row->line[0] == '#');
	row->line[strcspn(row->line, "\n")] = '\0';
	char *input = strchr(row->line, '\t');
	assert_non_null(input);
	char *verdict = strchr(input + 1, '\t');
	assert_non_null(verdict);
	*input = *verdict = '\0';
	row->rule = row->line;
	row->input = input + 1;
	row->verdict = verdict + 1;
	return true;
}

/* "= <what is written>" or "! <status>: <text>". */
static void verdict_find(struct msp_codec *codec, const struct row *row, const struct spelling *spelling,
                         char verdict[2 * MAX_LINE])
{
	char bytes[MAX_LINE];
	struct msp_arena arena;
	struct msp_buffer buffer;
	struct msp_value value;
	struct msp_error err;
	size_t size = spelling->read(row->input, bytes);
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, MAX_LINE / 4);
	enum msp_status status = msp_codec_decode(codec, msp_bytes_of(bytes, size), MSP_NO_HEADERS, &arena, &value, &err);
	if (status != MSP_OK) {
		snprintf(verdict, MAX_LINE, "! %s: %s", msp_status_name(status), err.text);
	} else {
		assert_int_equal(msp_codec_encode(codec, &value, &buffer, NULL, NULL), MSP_OK);
		memcpy(verdict, "= ", 3);
		spelling->write(msp_buffer_bytes(&buffer), verdict + 2);
	}
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
}

static bool row_holds(struct msp_codec *codec, const struct row *row, const struct spelling *spelling)
{
	char verdict[2 * MAX_LINE];
	verdict_find(codec, row, spelling, verdict);
	bool accepted = row->verdict[0] == '=';
	bool holds =
	    accepted ? strcmp(verdict, row->verdict) == 0 : strncmp(verdict, row->verdict, strlen(row->verdict)) == 0;
	if (!holds)
		print_error("%s: %s\n  is %s\n  not %s\n", row->rule, row->input, verdict, row->verdict);
	return holds;
}

static void table_test(const struct msp_codec_ops *ops, const char *path, const struct spelling *spelling)
{
	const struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	struct msp_codec *codec;
	struct row row;
	int rows = 0, broken = 0;
	assert_int_equal(ops->open(&config, &codec, NULL), MSP_OK);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (row_read(file, &row)) {
		rows++;
		broken += !row_holds(codec, &row, spelling);
	}
	fclose(file);
	ops->free(codec);
	assert_true(rows > 80);
	assert_int_equal(broken, 0);
}

static void test_json(void **state)
{
	(void)state;
	table_test(&msp_codec_json, TEST_DATA "/conformance/json.tsv", &escapes);
}

static void test_msgpack(void **state)
{
	(void)state;
	table_test(&msp_codec_msgpack, TEST_DATA "/conformance/msgpack.tsv", &hexadecimal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_json), cmocka_unit_test(test_msgpack)};
	return cmocka_run_group_tests_name("conformance", tests, NULL, NULL);
}
