#include "check.h"

#include <msp/clock.h>
#include <msp/failure.h>

#include <time.h>

static const struct msp_error_context context = {.model = "iris_model/0.1", .group = "p.iris_model.0.1"};
static const struct msp_failure malformed = {MSP_FAILURE_MALFORMED, "not JSON", NULL};
static const struct msp_failure violation = {MSP_FAILURE_SCHEMA_VIOLATION, "\"a\" is required", "/a"};

static int set_up(void **state)
{
	static struct msp_arena arena;
	msp_arena_init(&arena, 1 << 20);
	*state = &arena;
	return 0;
}

static int tear_down(void **state)
{
	msp_arena_done(*state);
	return 0;
}

static struct msp_message input_at_offset(void)
{
	return (struct msp_message){.key = MSP_BYTES_LITERAL("k\0\xff"),
	                            .value = MSP_BYTES_LITERAL("{\"b\":1}"),
	                            .timestamp_ms = 1234,
	                            .topic = "p.inputs",
	                            .partition = 3,
	                            .offset = 42};
}

/* The value of the header; fails unless there is exactly one of that name. */
static struct msp_bytes header(const struct msp_message *record, const char *name)
{
	const struct msp_header *found = NULL;
	for (size_t i = 0; i < record->header_count; i++) {
		if (!msp_bytes_equal(record->headers[i].name, msp_bytes_of_string(name)))
			continue;
		if (found)
			fail_msg("two headers %s", name);
		found = &record->headers[i];
	}
	if (!found)
		fail_msg("no header %s", name);
	return found->value;
}

static bool has_header(const struct msp_message *record, const char *name)
{
	for (size_t i = 0; i < record->header_count; i++) {
		if (msp_bytes_equal(record->headers[i].name, msp_bytes_of_string(name)))
			return true;
	}
	return false;
}

static void the_input_is_untouched(void **state)
{
	struct msp_message input = input_at_offset(), record;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_NOTHING, &record));
	assert_ptr_equal(record.value.data, input.value.data);
	assert_int_equal(record.value.size, input.value.size);
	assert_ptr_equal(record.key.data, input.key.data);
	assert_int_equal(record.key.size, 3);
	assert_int_equal(record.timestamp_ms, 1234);
	assert_int_equal(record.partition, 3);
}

static void headers_of_a_failure(void **state)
{
	struct msp_message input = input_at_offset(), record;
	input.attempts = 2;
	assert_true(msp_error_record(*state, &context, &input, &violation, MSP_OMIT_NOTHING, &record));
	assert_int_equal(record.header_count, 11);
	assert_bytes_equal(header(&record, "msp-error-stage"), "validate");
	assert_bytes_equal(header(&record, "msp-error-code"), "schema_violation");
	assert_bytes_equal(header(&record, "msp-error-message"), "\"a\" is required");
	assert_bytes_equal(header(&record, "msp-error-path"), "/a");
	assert_bytes_equal(header(&record, "msp-model"), "iris_model/0.1");
	assert_bytes_equal(header(&record, "msp-source-topic"), "p.inputs");
	assert_bytes_equal(header(&record, "msp-source-partition"), "3");
	assert_bytes_equal(header(&record, "msp-source-offset"), "42");
	assert_bytes_equal(header(&record, "msp-consumer-group"), "p.iris_model.0.1");
	assert_bytes_equal(header(&record, "msp-attempts"), "2");
	assert_non_null(header(&record, "msp-failed-at").data);
}

static void headers_that_do_not_apply_are_left_out(void **state)
{
	struct msp_message input = input_at_offset(), record;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_NOTHING, &record));
	assert_int_equal(record.header_count, 9);
	assert_false(has_header(&record, "msp-error-path"));
	assert_false(has_header(&record, "msp-attempts"));
	assert_false(has_header(&record, "msp-source-id"));
	assert_false(has_header(&record, "msp-value-omitted"));
}

static void the_whole_value_has_an_empty_path(void **state)
{
	struct msp_message input = input_at_offset(), record;
	const struct msp_failure whole = {MSP_FAILURE_SCHEMA_VIOLATION, "the value must be an object", ""};
	assert_true(msp_error_record(*state, &context, &input, &whole, MSP_OMIT_NOTHING, &record));
	assert_bytes_equal(header(&record, "msp-error-path"), "");
}

static void a_position_that_is_an_id(void **state)
{
	struct msp_message input = input_at_offset(), record;
	input.partition = MSP_PARTITION_ANY;
	input.offset = MSP_OFFSET_NONE;
	input.id = "1526919030474-55";
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_NOTHING, &record));
	assert_bytes_equal(header(&record, "msp-source-id"), "1526919030474-55");
	assert_false(has_header(&record, "msp-source-partition"));
	assert_false(has_header(&record, "msp-source-offset"));
}

static void failed_at_is_now(void **state)
{
	struct msp_message input = input_at_offset(), record;
	int64_t before_ms = msp_wall_ms();
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_NOTHING, &record));
	int64_t after_ms = msp_wall_ms();

	struct msp_bytes value = header(&record, "msp-failed-at");
	assert_int_equal(value.size, strlen("2026-01-31T12:00:00.123Z"));
	char text[32];
	memcpy(text, value.data, value.size);
	text[value.size] = '\0';
	struct tm parts = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	assert_non_null(rest);
	assert_int_equal(rest[0], '.');
	assert_string_equal(rest + 4, "Z");
	int64_t ms = (int64_t)timegm(&parts) * 1000 + (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
	assert_true(before_ms <= ms && ms <= after_ms);
}

static void headers_of_the_input_come_first_and_in_order(void **state)
{
	const struct msp_header headers[] = {
	    {MSP_BYTES_LITERAL("trace"), MSP_BYTES_LITERAL("1")},
	    {MSP_BYTES_LITERAL(""), MSP_BYTES_ABSENT},
	    {MSP_BYTES_LITERAL("trace"), MSP_BYTES_LITERAL("2")},
	    {MSP_BYTES_LITERAL("\xff\0"), MSP_BYTES_LITERAL("\0")},
	    {MSP_BYTES_LITERAL("msp-"), MSP_BYTES_LITERAL("3")},
	    {MSP_BYTES_LITERAL("msp-errors"), MSP_BYTES_LITERAL("4")},
	    {MSP_BYTES_LITERAL("Msp-Model"), MSP_BYTES_LITERAL("5")},
	};
	const size_t count = sizeof(headers) / sizeof(headers[0]);
	struct msp_message input = input_at_offset(), record;
	input.headers = headers;
	input.header_count = count;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_NOTHING, &record));
	assert_int_equal(record.header_count, count + 9);
	for (size_t i = 0; i < count; i++) {
		assert_true(msp_bytes_equal(record.headers[i].name, headers[i].name));
		assert_true(msp_bytes_equal(record.headers[i].value, headers[i].value));
	}
	assert_bytes_equal(record.headers[count].name, "msp-error-stage");
}

static void an_error_record_that_fails_again_has_one_failure(void **state)
{
	const struct msp_header trace = {MSP_BYTES_LITERAL("trace"), MSP_BYTES_LITERAL("1")};
	struct msp_message input = input_at_offset(), first, second;
	input.headers = &trace;
	input.header_count = 1;
	input.attempts = 1;
	input.partition = MSP_PARTITION_ANY;
	input.offset = MSP_OFFSET_NONE;
	input.id = "1-1";
	assert_true(msp_error_record(*state, &context, &input, &violation, MSP_OMIT_VALUE, &first));
	assert_bytes_equal(header(&first, "msp-value-omitted"), "7");

	first.topic = "p.inputs";
	first.partition = 0;
	first.offset = 99;
	first.id = NULL;
	first.attempts = 0;
	const struct msp_failure missing = {MSP_FAILURE_MISSING_VALUE, "the message has no value", NULL};
	assert_true(msp_error_record(*state, &context, &first, &missing, MSP_OMIT_NOTHING, &second));
	assert_int_equal(second.header_count, 1 + 9);
	assert_bytes_equal(second.headers[0].name, "trace");
	assert_bytes_equal(header(&second, "msp-error-code"), "missing_value");
	assert_bytes_equal(header(&second, "msp-source-offset"), "99");
	assert_false(has_header(&second, "msp-error-path"));
	assert_false(has_header(&second, "msp-source-id"));
	assert_false(has_header(&second, "msp-attempts"));
	assert_false(has_header(&second, "msp-value-omitted"));
}

static void an_omitted_value_leaves_its_size(void **state)
{
	struct msp_message input = input_at_offset(), record;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE, &record));
	assert_null(record.value.data);
	assert_bytes_equal(header(&record, "msp-value-omitted"), "7");
	assert_ptr_equal(record.key.data, input.key.data);

	input.value = MSP_BYTES_LITERAL("");
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE, &record));
	assert_null(record.value.data);
	assert_bytes_equal(header(&record, "msp-value-omitted"), "0");

	input.value = MSP_BYTES_ABSENT;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE, &record));
	assert_false(has_header(&record, "msp-value-omitted"));
}

static void omitted_headers_leave_their_number(void **state)
{
	const struct msp_header headers[] = {{MSP_BYTES_LITERAL("trace"), MSP_BYTES_LITERAL("1")},
	                                     {MSP_BYTES_LITERAL("msp-model"), MSP_BYTES_LITERAL("of an earlier failure")},
	                                     {MSP_BYTES_LITERAL("msp-headers-omitted"), MSP_BYTES_LITERAL("9")},
	                                     {MSP_BYTES_LITERAL("trace"), MSP_BYTES_LITERAL("2")}};
	struct msp_message input = input_at_offset(), record;
	input.headers = headers;
	input.header_count = 4;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE | MSP_OMIT_HEADERS, &record));
	assert_int_equal(record.header_count, 9 + 2);
	assert_bytes_equal(header(&record, "msp-headers-omitted"), "2");
	assert_bytes_equal(header(&record, "msp-value-omitted"), "7");
	assert_bytes_equal(header(&record, "msp-model"), "iris_model/0.1");
	assert_false(has_header(&record, "trace"));
	assert_ptr_equal(record.key.data, input.key.data);

	input.header_count = 0;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE | MSP_OMIT_HEADERS, &record));
	assert_false(has_header(&record, "msp-headers-omitted"));
}

static void an_omitted_key_leaves_its_size(void **state)
{
	struct msp_message input = input_at_offset(), record;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE | MSP_OMIT_KEY, &record));
	assert_null(record.key.data);
	assert_bytes_equal(header(&record, "msp-key-omitted"), "3");
	assert_bytes_equal(header(&record, "msp-value-omitted"), "7");

	input.key = MSP_BYTES_ABSENT;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_VALUE | MSP_OMIT_KEY, &record));
	assert_false(has_header(&record, "msp-key-omitted"));
}

static void an_omitted_timestamp_is_said(void **state)
{
	struct msp_message input = input_at_offset(), record;
	input.timestamp_ms = 1700000000123;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_TIMESTAMP, &record));
	assert_true(record.timestamp_ms == MSP_TIMESTAMP_NONE);
	assert_bytes_equal(header(&record, "msp-timestamp-omitted"), "1700000000123");
	assert_ptr_equal(record.value.data, input.value.data);

	input.timestamp_ms = MSP_TIMESTAMP_NONE;
	assert_true(msp_error_record(*state, &context, &input, &malformed, MSP_OMIT_TIMESTAMP, &record));
	assert_false(has_header(&record, "msp-timestamp-omitted"));
}

static void all_headers_at_their_longest(void **state)
{
	struct msp_message input = input_at_offset(), record;
	input.partition = INT32_MAX;
	input.offset = INT64_MAX;
	input.attempts = INT32_MAX;
	assert_true(msp_error_record(*state, &context, &input, &violation, MSP_OMIT_VALUE, &record));
	assert_int_equal(record.header_count, 12);
	assert_bytes_equal(header(&record, "msp-source-partition"), "2147483647");
	assert_bytes_equal(header(&record, "msp-source-offset"), "9223372036854775807");
	assert_bytes_equal(header(&record, "msp-attempts"), "2147483647");
}

static void no_memory_is_answered(void **state)
{
	(void)state;
	struct msp_arena small;
	msp_arena_init(&small, 64);
	struct msp_message input = input_at_offset(), record;
	assert_false(msp_error_record(&small, &context, &input, &malformed, MSP_OMIT_NOTHING, &record));
	assert_null(msp_failure_new(&small, MSP_FAILURE_MALFORMED, "a sentence", "/a"));
	msp_arena_done(&small);
}

static void a_new_failure_owns_its_texts(void **state)
{
	char message[] = "why", path[] = "/a/b";
	const struct msp_failure *failure = msp_failure_new(*state, MSP_FAILURE_MODEL_ERROR, message, path);
	const struct msp_failure *without_path = msp_failure_new(*state, MSP_FAILURE_EXPIRED, message, NULL);
	memset(message, 'x', 3);
	memset(path, 'x', 4);
	assert_int_equal(failure->code, MSP_FAILURE_MODEL_ERROR);
	assert_string_equal(failure->message, "why");
	assert_string_equal(failure->path, "/a/b");
	assert_string_equal(without_path->message, "why");
	assert_null(without_path->path);
}

static void every_code_has_its_stage_and_name(void **state)
{
	(void)state;
	static const struct {
		const char *stage, *code;
	} names[MSP_FAILURE_CODES] = {
	    {"receive", "missing_value"}, {"receive", "too_large"},      {"receive", "delivery_limit"},
	    {"receive", "expired"},       {"decode", "malformed"},       {"validate", "schema_violation"},
	    {"predict", "model_error"},   {"predict", "invalid_output"}, {"predict", "model_crashed"},
	    {"predict", "model_timeout"}, {"encode", "unencodable"},     {"publish", "output_rejected"},
	};
	for (int code = 0; code < MSP_FAILURE_CODES; code++) {
		assert_string_equal(msp_failure_code_name((enum msp_failure_code)code), names[code].code);
		assert_string_equal(msp_stage_name(msp_failure_stage((enum msp_failure_code)code)), names[code].stage);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_input_is_untouched),
	    TEST(headers_of_a_failure),
	    TEST(headers_that_do_not_apply_are_left_out),
	    TEST(the_whole_value_has_an_empty_path),
	    TEST(a_position_that_is_an_id),
	    TEST(failed_at_is_now),
	    TEST(headers_of_the_input_come_first_and_in_order),
	    TEST(an_error_record_that_fails_again_has_one_failure),
	    TEST(an_omitted_value_leaves_its_size),
	    TEST(omitted_headers_leave_their_number),
	    TEST(an_omitted_key_leaves_its_size),
	    TEST(an_omitted_timestamp_is_said),
	    TEST(all_headers_at_their_longest),
	    TEST(no_memory_is_answered),
	    TEST(a_new_failure_owns_its_texts),
	    TEST(every_code_has_its_stage_and_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
