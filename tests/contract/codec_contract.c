#include "codec_contract.h"
#include "torture.h"
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_DEPTH 16

static const struct msp_codec_ops *ops;

/* A codec with what its calls need; done in teardown. */
struct fixture {
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
	struct msp_error err;
};

static int fixture_init(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	msp_arena_init(&fixture->arena, SIZE_MAX);
	msp_buffer_init(&fixture->buffer, SIZE_MAX);
	struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	assert_int_equal(ops->open(&config, &fixture->codec, &fixture->err), MSP_OK);
	*state = fixture;
	return 0;
}

static int fixture_done(void **state)
{
	struct fixture *fixture = *state;
	ops->free(fixture->codec);
	msp_buffer_done(&fixture->buffer);
	msp_arena_done(&fixture->arena);
	free(fixture);
	return 0;
}

static enum msp_status encode(struct fixture *fixture, const struct msp_value *value)
{
	memset(&fixture->err, 0, sizeof(fixture->err));
	msp_buffer_clear(&fixture->buffer);
	return ops->encode(fixture->codec, value, &fixture->buffer, NULL, &fixture->err);
}

/* Decodes a copy on the heap, exactly as large, which is gone afterwards. */
static enum msp_status decode(struct fixture *fixture, const void *data, size_t size, struct msp_value *ret_value)
{
	memset(&fixture->err, 0, sizeof(fixture->err));
	char *copy = malloc(size ? size : 1);
	assert_non_null(copy);
	memcpy(copy, data, size);
	enum msp_status status = ops->decode(fixture->codec, msp_bytes_of(copy, size), MSP_NO_HEADERS, &fixture->arena,
	                                     ret_value, &fixture->err);
	memset(copy, 0xEE, size);
	free(copy);
	return status;
}

static void assert_refused(const struct fixture *fixture, enum msp_status status, enum msp_status expected)
{
	assert_int_equal(status, expected);
	assert_int_equal(fixture->err.status, expected);
	assert_false(fixture->err.retriable);
	size_t size = strlen(fixture->err.text);
	assert_true(size > 0 && size < MSP_ERROR_TEXT_SIZE);
	assert_null(strpbrk(fixture->err.text, "\r\n"));
	assert_true(msp_bytes_are_utf8(msp_bytes_of(fixture->err.text, size)));
}

static void assert_round_trip(struct fixture *fixture, struct msp_value value)
{
	struct msp_value decoded;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	assert_int_equal(decode(fixture, fixture->buffer.data, fixture->buffer.size, &decoded), MSP_OK);
	assert_true(msp_value_equal(&value, &decoded));
	msp_arena_reset(&fixture->arena, 0);
}

/* {"text": "…", "list": [1, 2.5, null, true], "nested": {"empty": {}}} */
static struct msp_value sample(struct msp_arena *arena)
{
	struct msp_value object, list, nested, empty;
	assert_true(msp_value_object(arena, 3, &object));
	assert_true(msp_value_array(arena, 4, &list));
	assert_true(msp_value_object(arena, 1, &nested));
	assert_true(msp_value_object(arena, 0, &empty));
	list.as.items[0] = msp_value_integer(1);
	list.as.items[1] = msp_value_number(2.5);
	list.as.items[3] = msp_value_boolean(true);
	msp_value_set(&nested, 0, "empty", empty);
	msp_value_set(&object, 0, "text", msp_value_string("a string that is longer than any small buffer of a parser"));
	msp_value_set(&object, 1, "list", list);
	msp_value_set(&object, 2, "nested", nested);
	return object;
}

/* `depth` arrays, one in the other. */
static struct msp_value nested_arrays(struct msp_arena *arena, int depth)
{
	struct msp_value value;
	assert_true(msp_value_array(arena, 0, &value));
	while (--depth > 0) {
		struct msp_value outer;
		assert_true(msp_value_array(arena, 1, &outer));
		outer.as.items[0] = value;
		value = outer;
	}
	return value;
}

static void test_operations_are_complete(void **state)
{
	(void)state;
	assert_true(ops->name && ops->name[0]);
	assert_true(ops->content_type && strchr(ops->content_type, '/'));
	assert_true(ops->open && ops->decode && ops->encode && ops->free);
}

static void test_freeing_nothing_is_safe(void **state)
{
	(void)state;
	ops->free(NULL);
}

static void test_scalars_round_trip(void **state)
{
	struct fixture *fixture = *state;
	static const int64_t integers[] = {0, 1, -1, 127, -128, 128, 65536, 4294967296, INT64_MAX, INT64_MIN};
	assert_round_trip(fixture, msp_value_null());
	assert_round_trip(fixture, msp_value_boolean(false));
	assert_round_trip(fixture, msp_value_boolean(true));
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
		assert_round_trip(fixture, msp_value_integer(integers[i]));
}

/* A number comes back as a number, bit for bit, also when it has no fraction. */
static void assert_number_round_trip(struct fixture *fixture, double number)
{
	struct msp_value value = msp_value_number(number), decoded;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	assert_int_equal(decode(fixture, fixture->buffer.data, fixture->buffer.size, &decoded), MSP_OK);
	assert_int_equal(decoded.type, MSP_NUMBER);
	assert_memory_equal(&decoded.as.number, &number, sizeof(number));
}

static void test_numbers_round_trip(void **state)
{
	static const double numbers[] = {0.0,     5.0,     5.1,     0.1,  1e15,
	                                 1e16,    1e17,    1e22,    1e23, 1e-4,
	                                 1e-5,    1e-7,    1.0 / 3, M_PI, 9007199254740992.0,
	                                 DBL_MAX, DBL_MIN, 5e-324,  0.3,  1e300};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_number_round_trip(*state, numbers[i]);
		assert_number_round_trip(*state, -numbers[i]);
	}
}

/* Every bit pattern that a generator comes upon. */
static void test_random_numbers_round_trip(void **state)
{
	uint64_t bits = 88172645463325252;
	for (int i = 0; i < 20000; i++) {
		double number;
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&number, &bits, sizeof(number));
		if (isfinite(number))
			assert_number_round_trip(*state, number);
	}
}

static void test_strings_round_trip(void **state)
{
	static const char all_kinds[] = "\"\\/\b\f\n\r\t\x01\x1f\x7f \xC3\xA9 \xE2\x80\xA8 \xF0\x9F\x8C\xB8 '<>&";
	struct msp_value with_nul = {.type = MSP_STRING, .count = 3, .as.string = "a\0b"};
	assert_round_trip(*state, msp_value_string(""));
	assert_round_trip(*state, msp_value_string(all_kinds));
	assert_round_trip(*state, with_nul);
}

static void test_trees_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	assert_round_trip(fixture, sample(&arena));
	assert_round_trip(fixture, nested_arrays(&arena, 1));
	assert_round_trip(fixture, nested_arrays(&arena, MAX_DEPTH));
	msp_arena_done(&arena);
}

static void test_members_keep_their_order(void **state)
{
	struct fixture *fixture = *state;
	enum { COUNT = 100 };
	static char names[COUNT][8];
	struct msp_value object, decoded;
	assert_true(msp_value_object(&fixture->arena, COUNT, &object));
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "m%u", i * 37 % COUNT);
		msp_value_set(&object, i, names[i], msp_value_integer(i));
	}
	assert_int_equal(encode(fixture, &object), MSP_OK);
	assert_int_equal(decode(fixture, fixture->buffer.data, fixture->buffer.size, &decoded), MSP_OK);
	assert_int_equal(decoded.count, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_int_equal(decoded.as.members[i].name_size, strlen(names[i]));
		assert_memory_equal(decoded.as.members[i].name, names[i], strlen(names[i]));
		assert_int_equal(decoded.as.members[i].value.as.integer, i);
	}
}

static void test_binary_round_trips_or_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = {.type = MSP_BINARY, .count = 4, .as.binary = (const unsigned char *)"\0\xFF\x80z"};
	enum msp_status status = encode(fixture, &value);
	if (status == MSP_OK)
		assert_round_trip(fixture, value);
	else
		assert_refused(fixture, status, MSP_E_INVALID);
}

/* The buffer holds what it held before. */
static void assert_not_encoded(struct fixture *fixture, struct msp_value value, enum msp_status expected)
{
	struct msp_value array;
	assert_true(msp_value_array(&fixture->arena, 2, &array));
	array.as.items[1] = value;
	assert_int_equal(encode(fixture, &array.as.items[0]), MSP_OK);
	size_t size = fixture->buffer.size;
	enum msp_status status = ops->encode(fixture->codec, &array, &fixture->buffer, NULL, &fixture->err);
	assert_refused(fixture, status, expected);
	assert_int_equal(fixture->buffer.size, size);
}

static void test_unencodable_values_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value object;
	assert_true(msp_value_object(&fixture->arena, 1, &object));
	msp_value_set(&object, 0, "caf\xE9", msp_value_null());
	assert_not_encoded(fixture, msp_value_number(NAN), MSP_E_INVALID);
	assert_not_encoded(fixture, msp_value_number(INFINITY), MSP_E_INVALID);
	assert_not_encoded(fixture, msp_value_number(-INFINITY), MSP_E_INVALID);
	assert_not_encoded(fixture, msp_value_string("caf\xE9"), MSP_E_INVALID);
	assert_not_encoded(fixture, object, MSP_E_INVALID);
	assert_not_encoded(fixture, nested_arrays(&fixture->arena, MAX_DEPTH), MSP_E_LIMIT);
}

static void test_encode_appends(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = sample(&fixture->arena), decoded;
	assert_int_equal(msp_buffer_append_string(&fixture->buffer, "before"), MSP_OK);
	assert_int_equal(ops->encode(fixture->codec, &value, &fixture->buffer, NULL, NULL), MSP_OK);
	assert_memory_equal(fixture->buffer.data, "before", 6);
	assert_int_equal(decode(fixture, fixture->buffer.data + 6, fixture->buffer.size - 6, &decoded), MSP_OK);
	assert_true(msp_value_equal(&value, &decoded));
}

static void test_encode_respects_the_buffer_limit(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = sample(&fixture->arena);
	assert_int_equal(encode(fixture, &value), MSP_OK);
	for (size_t limit = 0; limit <= fixture->buffer.size; limit++) {
		struct msp_buffer buffer;
		msp_buffer_init(&buffer, limit);
		enum msp_status status = ops->encode(fixture->codec, &value, &buffer, NULL, &fixture->err);
		if (limit < fixture->buffer.size) {
			assert_refused(fixture, status, MSP_E_LIMIT);
			assert_int_equal(buffer.size, 0);
		} else {
			assert_int_equal(status, MSP_OK);
		}
		msp_buffer_done(&buffer);
	}
}

static void test_decode_respects_the_arena_limit(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = sample(&fixture->arena), decoded;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	struct msp_arena arena;
	msp_arena_init(&arena, 64);
	enum msp_status status = ops->decode(fixture->codec, msp_buffer_bytes(&fixture->buffer), MSP_NO_HEADERS, &arena,
	                                     &decoded, &fixture->err);
	msp_arena_done(&arena);
	assert_refused(fixture, status, MSP_E_LIMIT);
}

static void test_decode_respects_the_depth_limit(void **state)
{
	struct fixture *fixture = *state;
	struct msp_codec_config deeper = {.max_depth = MAX_DEPTH + 1};
	struct msp_codec *codec;
	struct msp_value value = nested_arrays(&fixture->arena, MAX_DEPTH + 1), decoded;
	assert_int_equal(ops->open(&deeper, &codec, NULL), MSP_OK);
	assert_int_equal(ops->encode(codec, &value, &fixture->buffer, NULL, NULL), MSP_OK);
	ops->free(codec);
	enum msp_status status = decode(fixture, fixture->buffer.data, fixture->buffer.size, &decoded);
	assert_refused(fixture, status, MSP_E_LIMIT);
}

static void test_incomplete_bytes_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = sample(&fixture->arena), decoded;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	for (size_t size = 0; size < fixture->buffer.size; size++)
		assert_refused(fixture, decode(fixture, fixture->buffer.data, size, &decoded), MSP_E_INVALID);
}

static void test_bytes_after_the_value_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = sample(&fixture->arena), decoded;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	assert_int_equal(ops->encode(fixture->codec, &value, &fixture->buffer, NULL, NULL), MSP_OK);
	enum msp_status status = decode(fixture, fixture->buffer.data, fixture->buffer.size, &decoded);
	assert_refused(fixture, status, MSP_E_INVALID);
	assert_int_equal(encode(fixture, &value), MSP_OK);
	assert_int_equal(msp_buffer_append_char(&fixture->buffer, '\0'), MSP_OK);
	assert_refused(fixture, decode(fixture, fixture->buffer.data, fixture->buffer.size, &decoded), MSP_E_INVALID);
}

/* Whatever stands in the place of any one byte, the codec refuses it with a reason or yields a value that it can write.
 */
static void test_damaged_bytes_are_survived(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value value = sample(&fixture->arena), decoded;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	struct msp_bytes bytes;
	assert_true(msp_arena_copy(&fixture->arena, msp_buffer_bytes(&fixture->buffer), &bytes));
	char *damaged = malloc(bytes.size);
	assert_non_null(damaged);
	for (size_t i = 0; i < bytes.size * 256; i++) {
		memcpy(damaged, bytes.data, bytes.size);
		damaged[i / 256] = (char)(i % 256);
		enum msp_status status = decode(fixture, damaged, bytes.size, &decoded);
		if (status == MSP_OK)
			assert_int_equal(encode(fixture, &decoded), MSP_OK);
		else
			assert_refused(fixture, status, status == MSP_E_LIMIT ? MSP_E_LIMIT : MSP_E_INVALID);
	}
	free(damaged);
}

static void test_a_codec_outlives_its_failures(void **state)
{
	struct fixture *fixture = *state;
	struct msp_value decoded;
	for (int i = 0; i < 3; i++) {
		assert_refused(fixture, decode(fixture, "\xC1", 1, &decoded), MSP_E_INVALID);
		assert_round_trip(fixture, msp_value_string("still there"));
	}
}

/* Open, decode, encode, free; everything that it takes is given back. */
static enum msp_status scenario(void *context)
{
	struct msp_bytes bytes = *(const struct msp_bytes *)context;
	struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	struct msp_codec *codec = NULL;
	struct msp_arena arena;
	struct msp_buffer buffer;
	struct msp_value value;
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, SIZE_MAX);
	enum msp_status status = ops->open(&config, &codec, NULL);
	if (status == MSP_OK)
		status = ops->decode(codec, bytes, MSP_NO_HEADERS, &arena, &value, NULL);
	if (status == MSP_OK)
		status = ops->encode(codec, &value, &buffer, NULL, NULL);
	if (status == MSP_OK)
		status = msp_bytes_equal(bytes, msp_buffer_bytes(&buffer)) ? MSP_OK : MSP_E_INTERNAL;
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
	ops->free(codec);
	return status;
}

static void test_every_allocation_may_fail(void **state)
{
	struct fixture *fixture = *state;
	/* Large enough that every buffer on the way has to grow. */
	struct msp_value value, sampled = sample(&fixture->arena);
	assert_true(msp_value_array(&fixture->arena, 2000, &value));
	for (uint32_t i = 0; i < value.count; i++)
		value.as.items[i] = sampled;
	assert_int_equal(encode(fixture, &value), MSP_OK);
	struct msp_bytes bytes = msp_buffer_bytes(&fixture->buffer);
	assert_true(torture_run(scenario, &bytes) > 0);
}

#define CODEC_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_init, fixture_done)

int codec_contract_run(const struct msp_codec_ops *codec_ops)
{
	ops = codec_ops;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_operations_are_complete),
	    cmocka_unit_test(test_freeing_nothing_is_safe),
	    CODEC_TEST(test_scalars_round_trip),
	    CODEC_TEST(test_numbers_round_trip),
	    CODEC_TEST(test_random_numbers_round_trip),
	    CODEC_TEST(test_strings_round_trip),
	    CODEC_TEST(test_trees_round_trip),
	    CODEC_TEST(test_members_keep_their_order),
	    CODEC_TEST(test_binary_round_trips_or_is_refused),
	    CODEC_TEST(test_unencodable_values_are_refused),
	    CODEC_TEST(test_encode_appends),
	    CODEC_TEST(test_encode_respects_the_buffer_limit),
	    CODEC_TEST(test_decode_respects_the_arena_limit),
	    CODEC_TEST(test_decode_respects_the_depth_limit),
	    CODEC_TEST(test_incomplete_bytes_are_refused),
	    CODEC_TEST(test_bytes_after_the_value_are_refused),
	    CODEC_TEST(test_damaged_bytes_are_survived),
	    CODEC_TEST(test_a_codec_outlives_its_failures),
	    CODEC_TEST(test_every_allocation_may_fail),
	};
	return cmocka_run_group_tests_name(codec_ops->name, tests, NULL, NULL);
}
