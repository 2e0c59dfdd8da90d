/* What MessagePack in particular promises; what every codec promises is in codec_contract.c. */
#include <dirent.h>
#include <msp_codec_msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define MAX_DEPTH 64
#define MAX_FILE  ((size_t)1 << 26)

struct fixture {
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer input, expected, output;
	struct msp_error err;
};

static struct msp_codec *codec_open(int max_depth)
{
	struct msp_codec_config config = {.max_depth = max_depth};
	struct msp_codec *codec;
	assert_int_equal(msp_codec_msgpack.open(&config, &codec, NULL), MSP_OK);
	return codec;
}

static int fixture_init(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	fixture->codec = codec_open(MAX_DEPTH);
	msp_arena_init(&fixture->arena, SIZE_MAX);
	msp_buffer_init(&fixture->input, MAX_FILE);
	msp_buffer_init(&fixture->expected, MAX_FILE);
	msp_buffer_init(&fixture->output, MAX_FILE);
	*state = fixture;
	return 0;
}

static int fixture_done(void **state)
{
	struct fixture *fixture = *state;
	msp_codec_msgpack.free(fixture->codec);
	msp_buffer_done(&fixture->output);
	msp_buffer_done(&fixture->expected);
	msp_buffer_done(&fixture->input);
	msp_arena_done(&fixture->arena);
	free(fixture);
	return 0;
}

/* Decodes what is in input. */
static enum msp_status decode(struct fixture *fixture, struct msp_value *ret_value)
{
	fixture->err.text[0] = '\0';
	msp_arena_reset(&fixture->arena, 0);
	return msp_codec_msgpack.decode(fixture->codec, msp_buffer_bytes(&fixture->input), MSP_NO_HEADERS, &fixture->arena,
	                                ret_value, &fixture->err);
}

static void encode(struct fixture *fixture, struct msp_value value)
{
	msp_buffer_clear(&fixture->output);
	assert_int_equal(msp_codec_msgpack.encode(fixture->codec, &value, &fixture->output, NULL, &fixture->err), MSP_OK);
}

static void input_append(struct fixture *fixture, const void *data, size_t size)
{
	assert_int_equal(msp_buffer_append(&fixture->input, data, size), MSP_OK);
}

/* The folders of cases */

static void file_read(const char *path, struct msp_buffer *buffer)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s", path);
	enum { CASE_SIZE = 1 << 16 };
	msp_buffer_clear(buffer);
	assert_int_equal(msp_buffer_reserve(buffer, CASE_SIZE), MSP_OK);
	buffer->size = fread(buffer->data, 1, CASE_SIZE, file);
	assert_false(ferror(file));
	fclose(file);
}

/* Reads <folder>/<name>.msgpack into input and <folder>/<name>.expected, without its last line end, into expected. */
static void case_read(struct fixture *fixture, const char *folder, const char *name)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s.msgpack", folder, name);
	file_read(path, &fixture->input);
	snprintf(path, sizeof(path), "%s/%s.expected", folder, name);
	file_read(path, &fixture->expected);
	assert_true(fixture->expected.size > 0 && fixture->expected.data[fixture->expected.size - 1] == '\n');
	fixture->expected.size--;
}

static bool outputs_are_equal(const struct fixture *fixture, const char *name)
{
	bool equal = msp_bytes_equal(msp_buffer_bytes(&fixture->output), msp_buffer_bytes(&fixture->expected));
	if (!equal)
		print_error("%s: got %.*s\n", name, (int)fixture->output.size, fixture->output.data);
	return equal;
}

/* Puts the output in hexadecimal in the place of the input, and that in the place of the output. */
static void output_to_hexadecimal(struct fixture *fixture)
{
	msp_buffer_clear(&fixture->input);
	for (size_t i = 0; i < fixture->output.size; i++)
		assert_int_equal(msp_buffer_printf(&fixture->input, "%02x", (unsigned char)fixture->output.data[i]), MSP_OK);
	struct msp_buffer output = fixture->output;
	fixture->output = fixture->input;
	fixture->input = output;
}

/* Expected is the shortest encoding of the same value, in hexadecimal. */
static bool valid_case_passes(struct fixture *fixture, const char *name)
{
	struct msp_value value;
	case_read(fixture, TEST_DATA "/msgpack/valid", name);
	if (decode(fixture, &value) != MSP_OK) {
		print_error("%s: %s\n", name, fixture->err.text);
		return false;
	}
	encode(fixture, value);
	output_to_hexadecimal(fixture);
	return outputs_are_equal(fixture, name);
}

/* Expected is "<status>: <text>". */
static bool invalid_case_passes(struct fixture *fixture, const char *name)
{
	struct msp_value value;
	case_read(fixture, TEST_DATA "/msgpack/invalid", name);
	enum msp_status status = decode(fixture, &value);
	msp_buffer_clear(&fixture->output);
	assert_int_equal(msp_buffer_printf(&fixture->output, "%s: %s", msp_status_name(status), fixture->err.text), MSP_OK);
	return outputs_are_equal(fixture, name);
}

static void folder_test(struct fixture *fixture, const char *folder,
                        bool (*case_passes)(struct fixture *fixture, const char *name))
{
	int count = 0, failed = 0;
	DIR *directory = opendir(folder);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char *extension = strstr(entry->d_name, ".msgpack");
		if (!extension)
			continue;
		*extension = '\0';
		count++;
		failed += !case_passes(fixture, entry->d_name);
	}
	closedir(directory);
	assert_true(count > 20);
	assert_int_equal(failed, 0);
}

static void test_valid_cases(void **state)
{
	folder_test(*state, TEST_DATA "/msgpack/valid", valid_case_passes);
}

static void test_invalid_cases(void **state)
{
	folder_test(*state, TEST_DATA "/msgpack/invalid", invalid_case_passes);
}

/* Large values */

static void assert_text_round_trip(struct fixture *fixture, enum msp_type type, uint32_t size, size_t head_size)
{
	char *text = malloc(size);
	assert_non_null(text);
	memset(text, 'x', size);
	struct msp_value value = {.type = type, .count = size, .as.string = text}, again;
	encode(fixture, value);
	assert_int_equal(fixture->output.size, head_size + size);
	msp_buffer_clear(&fixture->input);
	input_append(fixture, fixture->output.data, fixture->output.size);
	assert_int_equal(decode(fixture, &again), MSP_OK);
	assert_true(msp_value_equal(&value, &again));
	free(text);
}

static void test_sizes_take_the_shortest_head(void **state)
{
	assert_text_round_trip(*state, MSP_STRING, 31, 1);
	assert_text_round_trip(*state, MSP_STRING, 32, 2);
	assert_text_round_trip(*state, MSP_STRING, 255, 2);
	assert_text_round_trip(*state, MSP_STRING, 256, 3);
	assert_text_round_trip(*state, MSP_STRING, 65535, 3);
	assert_text_round_trip(*state, MSP_STRING, 65536, 5);
	assert_text_round_trip(*state, MSP_BINARY, 1, 2);
	assert_text_round_trip(*state, MSP_BINARY, 256, 3);
	assert_text_round_trip(*state, MSP_BINARY, 65535, 3);
	assert_text_round_trip(*state, MSP_BINARY, 65536, 5);
}

static void test_counts_take_the_shortest_head(void **state)
{
	struct fixture *fixture = *state;
	static const uint32_t counts[] = {15, 16, 65535, 65536};
	static const size_t head_sizes[] = {1, 3, 3, 5};
	struct msp_value array, again;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_true(msp_value_array(&fixture->arena, counts[i], &array));
		encode(fixture, array);
		assert_int_equal(fixture->output.size, head_sizes[i] + counts[i]);
		msp_buffer_clear(&fixture->input);
		input_append(fixture, fixture->output.data, fixture->output.size);
		assert_int_equal(decode(fixture, &again), MSP_OK);
		assert_int_equal(again.count, counts[i]);
	}
}

/* Hostile bytes */

#define MEGABYTE ((size_t)1 << 20)

/* Seconds of CPU for what is in input. */
static double decode_seconds(struct fixture *fixture, enum msp_status expected)
{
	struct msp_value value;
	clock_t start = clock();
	assert_int_equal(decode(fixture, &value), expected);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void test_memory_is_linear_in_the_bytes(void **state)
{
	struct fixture *fixture = *state;
	/* Claims of 268 million items, in one another, and the greediest message that is in order. */
	msp_buffer_clear(&fixture->input);
	for (int i = 0; i < 31; i++)
		input_append(fixture, "\xDD\x10\x00\x00\x00", 5);
	decode_seconds(fixture, MSP_E_INVALID);
	assert_true(msp_arena_used(&fixture->arena) <= MEGABYTE);

	msp_buffer_clear(&fixture->input);
	input_append(fixture, "\xDD\x00\x10\x00\x00", 5);
	for (size_t i = 0; i < MEGABYTE; i++)
		input_append(fixture, "\x90", 1);
	decode_seconds(fixture, MSP_OK);
	assert_true(msp_arena_used(&fixture->arena) <= 17 * MEGABYTE);
}

/* A map of `count` names that differ in their last bytes only; the last is the same as the first. */
static void names_fill(struct fixture *fixture, uint32_t count)
{
	const unsigned char head[] = {0xDF, 0, (unsigned char)(count >> 16), (unsigned char)(count >> 8),
	                              (unsigned char)count};
	msp_buffer_clear(&fixture->input);
	input_append(fixture, head, sizeof(head));
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(msp_buffer_printf(&fixture->input, "\xAF________%07u\xC0", i % (count - 1) * 7919 % 10000000),
		                 MSP_OK);
}

static void test_many_names_are_not_quadratic(void **state)
{
	struct fixture *fixture = *state;
	names_fill(fixture, 200000);
	assert_true(decode_seconds(fixture, MSP_E_INVALID) < 2);
	assert_non_null(strstr(fixture->err.text, "the same member name twice"));
}

static void test_many_small_maps_are_not_slow(void **state)
{
	struct fixture *fixture = *state;
	msp_buffer_clear(&fixture->input);
	input_append(fixture, "\xDD\x00\x04\x00\x00", 5);
	for (uint32_t i = 0; i < 1 << 18; i++)
		input_append(fixture, "\x82\xA1\x61\xC0\xA1\x62\xC0", 7);
	assert_true(decode_seconds(fixture, MSP_OK) < 1);
}

static void test_no_depth_is_too_deep_to_refuse(void **state)
{
	struct fixture *fixture = *state;
	struct msp_codec *usual = fixture->codec;
	struct msp_value value;
	fixture->codec = codec_open(1000000);
	msp_buffer_clear(&fixture->input);
	for (int i = 0; i < 1023; i++)
		input_append(fixture, "\x91", 1);
	input_append(fixture, "\x90", 1);
	enum msp_status deepest = decode(fixture, &value);
	if (deepest == MSP_OK)
		encode(fixture, value);
	for (int i = 0; i < 100000; i++)
		input_append(fixture, "\x91", 1);
	memset(fixture->input.data, 0x91, fixture->input.size);
	enum msp_status deeper = decode(fixture, &value);
	msp_codec_msgpack.free(fixture->codec);
	fixture->codec = usual;
	assert_int_equal(deepest, MSP_OK);
	assert_int_equal(deeper, MSP_E_LIMIT);
}

/* After a message that needed too much memory, a deep one is still called deep. */
static void test_a_limit_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value;
	msp_arena_init(&fixture->arena, 8192);
	msp_buffer_clear(&fixture->input);
	input_append(fixture, "\xDC\x04\x00", 3);
	for (int i = 0; i < 1024; i++)
		input_append(fixture, "\xC0", 1);
	struct msp_bytes large = msp_buffer_bytes(&fixture->input);
	assert_int_equal(
	    msp_codec_msgpack.decode(fixture->codec, large, MSP_NO_HEADERS, &fixture->arena, &value, &fixture->err),
	    MSP_E_LIMIT);
	assert_non_null(strstr(fixture->err.text, "1027 bytes of MessagePack need more memory than is allowed"));
	memset(fixture->input.data, 0x91, fixture->input.size);
	assert_int_equal(
	    msp_codec_msgpack.decode(fixture->codec, large, MSP_NO_HEADERS, &fixture->arena, &value, &fixture->err),
	    MSP_E_LIMIT);
	assert_non_null(strstr(fixture->err.text, "nested deeper than 64 levels"));
}

#define MSGPACK_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_init, fixture_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    MSGPACK_TEST(test_valid_cases),
	    MSGPACK_TEST(test_invalid_cases),
	    MSGPACK_TEST(test_sizes_take_the_shortest_head),
	    MSGPACK_TEST(test_counts_take_the_shortest_head),
	    MSGPACK_TEST(test_memory_is_linear_in_the_bytes),
	    MSGPACK_TEST(test_many_names_are_not_quadratic),
	    MSGPACK_TEST(test_many_small_maps_are_not_slow),
	    MSGPACK_TEST(test_no_depth_is_too_deep_to_refuse),
	    MSGPACK_TEST(test_a_limit_is_named),
	};
	return cmocka_run_group_tests_name("msgpack_codec", tests, NULL, NULL);
}
