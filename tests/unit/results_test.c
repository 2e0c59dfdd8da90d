#include "results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEADER(name, value)                                                                                            \
	{                                                                                                                  \
		{name, sizeof(name) - 1},                                                                                      \
		{                                                                                                              \
			value, sizeof(value) - 1                                                                                   \
		}                                                                                                              \
	}

static const struct msp_results_context plain = {.error = {.model = "fake/1.0", .group = "group"}};
static const struct msp_results_context with_headers = {
    .error = {.model = "fake/1.0", .group = "group"},
    .output_headers = {HEADER("msp-model", "fake/1.0"), HEADER("content-type", "application/json")},
    .output_header_count = 2,
};

/* One input and what becomes of it. */
struct fixture {
	struct msp_message message;
	struct msp_item item;
	struct msp_work work;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	static const struct msp_pipeline_config config = {.max_memory = 4096};
	fixture = (struct fixture){.message = {.key = MSP_BYTES_LITERAL("key"),
	                                       .value = MSP_BYTES_LITERAL("input"),
	                                       .timestamp_ms = 7,
	                                       .topic = "inputs",
	                                       .partition = 2,
	                                       .offset = 5}};
	msp_work_init(&fixture.work, &config);
	assert_int_equal(msp_buffer_append_string(&fixture.work.encoded, "output"), MSP_OK);
	fixture.item = (struct msp_item){.message = &fixture.message, .encoded_size = 6};
	fixture.work.items = &fixture.item;
	fixture.work.count = 1;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	msp_work_done(&fixture->work);
	return 0;
}

/* "name=value,…" */
static const char *headers_text(const struct msp_message *message)
{
	static char text[512];
	size_t size = 0;
	text[0] = '\0';
	for (size_t i = 0; i < message->header_count; i++) {
		const struct msp_header *header = &message->headers[i];
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s=%.*s,", (int)header->name.size,
		                         (const char *)header->name.data, (int)header->value.size,
		                         (const char *)header->value.data);
		assert_true(size < sizeof(text));
	}
	return text;
}

static void an_output_keeps_key_time_and_partition(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
	assert_non_null(outgoing);
	assert_int_equal(outgoing->route, MSP_ROUTE_OUTPUTS);
	assert_int_equal(outgoing->state, MSP_OUTGOING_PENDING);
	assert_true(msp_bytes_equal(outgoing->message.key, MSP_BYTES_LITERAL("key")));
	assert_true(msp_bytes_equal(outgoing->message.value, MSP_BYTES_LITERAL("output")));
	assert_int_equal(outgoing->message.timestamp_ms, 7);
	assert_int_equal(outgoing->message.partition, 2);
	assert_int_equal(outgoing->message.header_count, 0);
}

static void headers_of_outputs(void **state)
{
	static const struct msp_header error[] = {HEADER("msp-error-code", "malformed"), HEADER("msp-error-x", "y")};
	static const struct msp_header mixed[] = {HEADER("a", "1"), HEADER("msp-error-code", "malformed"), HEADER("a", "2"),
	                                          HEADER("msp-errors", "kept")};
	static const struct msp_header ours[] = {HEADER("content-type", "text/csv"), HEADER("a", "1"),
	                                         HEADER("msp-model", "other/2.0")};
	static const struct {
		const struct msp_header *headers;
		size_t count;
		const char *plain, *with_headers;
	} cases[] = {
	    {NULL, 0, "", "msp-model=fake/1.0,content-type=application/json,"},
	    {error, 2, "", "msp-model=fake/1.0,content-type=application/json,"},
	    {mixed, 1, "a=1,", "a=1,msp-model=fake/1.0,content-type=application/json,"},
	    {mixed, 4, "a=1,a=2,msp-errors=kept,",
	     "a=1,a=2,msp-errors=kept,msp-model=fake/1.0,content-type=application/json,"},
	    {ours, 3, "content-type=text/csv,a=1,msp-model=other/2.0,",
	     "a=1,msp-model=fake/1.0,content-type=application/json,"},
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture->message.headers = cases[i].headers;
		fixture->message.header_count = cases[i].count;
		const struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
		assert_non_null(outgoing);
		assert_string_equal(headers_text(&outgoing->message), cases[i].plain);
		outgoing = msp_results_new(&fixture->work, &with_headers);
		assert_non_null(outgoing);
		assert_string_equal(headers_text(&outgoing->message), cases[i].with_headers);
	}
}

static void headers_of_the_codec_come_last(void **state)
{
	static const struct msp_header own[] = {HEADER("schema", "old"), HEADER("a", "1")};
	static const struct msp_header said[] = {HEADER("schema", "7")};
	static const struct msp_headers headers = {said, 1};
	struct fixture *fixture = *state;
	fixture->work.items[0].headers = &headers;
	const struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
	assert_non_null(outgoing);
	assert_string_equal(headers_text(&outgoing->message), "schema=7,");
	fixture->message.headers = own;
	fixture->message.header_count = 2;
	outgoing = msp_results_new(&fixture->work, &plain);
	assert_non_null(outgoing);
	assert_string_equal(headers_text(&outgoing->message), "a=1,schema=7,");
	outgoing = msp_results_new(&fixture->work, &with_headers);
	assert_non_null(outgoing);
	assert_string_equal(headers_text(&outgoing->message),
	                    "a=1,msp-model=fake/1.0,content-type=application/json,schema=7,");
}

static void what_is_refused_is_replaced_until_nothing_is_left(void **state)
{
	static const struct msp_header own[] = {HEADER("a", "1"), HEADER("a", "2")};
	struct fixture *fixture = *state;
	struct msp_error err;
	fixture->message.headers = own;
	fixture->message.header_count = 2;
	struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
	assert_non_null(outgoing);
	outgoing->state = MSP_OUTGOING_REJECTED;
	outgoing->reason = "too large";
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_OK);
	assert_int_equal(outgoing->route, MSP_ROUTE_ERRORS);
	assert_int_equal(outgoing->state, MSP_OUTGOING_PENDING);
	assert_int_equal(fixture->item.failure->code, MSP_FAILURE_OUTPUT_REJECTED);
	assert_true(msp_bytes_equal(outgoing->message.value, MSP_BYTES_LITERAL("input")));
	outgoing->state = MSP_OUTGOING_REJECTED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_OK);
	assert_null(outgoing->message.value.data);
	assert_non_null(strstr(headers_text(&outgoing->message), "a=1,a=2,"));
	assert_non_null(strstr(headers_text(&outgoing->message), "msp-value-omitted=5,"));
	outgoing->state = MSP_OUTGOING_REJECTED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_OK);
	assert_null(strstr(headers_text(&outgoing->message), "a=1,"));
	assert_non_null(strstr(headers_text(&outgoing->message), "msp-value-omitted=5,msp-headers-omitted=2,"));
	assert_true(msp_bytes_equal(outgoing->message.key, MSP_BYTES_LITERAL("key")));
	outgoing->state = MSP_OUTGOING_REJECTED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_OK);
	assert_null(outgoing->message.key.data);
	assert_non_null(strstr(headers_text(&outgoing->message), "msp-headers-omitted=2,msp-key-omitted=3,"));
	outgoing->state = MSP_OUTGOING_REJECTED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_OK);
	assert_true(outgoing->message.timestamp_ms == MSP_TIMESTAMP_NONE);
	assert_non_null(strstr(headers_text(&outgoing->message), "msp-key-omitted=3,msp-timestamp-omitted=7,"));
	outgoing->state = MSP_OUTGOING_REJECTED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_E_LIMIT);
	assert_non_null(strstr(err.text, "inputs partition 2 offset 5"));
	assert_non_null(strstr(err.text, "too large"));
	fixture->message.id = "12-3";
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, &err), MSP_E_LIMIT);
	assert_non_null(strstr(err.text, "inputs id 12-3"));
}

/* What the broker says it refuses goes first, and alone. */
static void a_refused_timestamp_costs_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
	assert_non_null(outgoing);
	for (int i = 0; i < 2; i++) {
		outgoing->state = MSP_OUTGOING_REJECTED;
		outgoing->timestamp_refused = true;
		outgoing->reason = "the topic refuses its timestamp";
		assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, NULL), MSP_OK);
		assert_int_equal(fixture->item.failure->code, MSP_FAILURE_OUTPUT_REJECTED);
		assert_true(msp_bytes_equal(outgoing->message.value, MSP_BYTES_LITERAL("input")));
		assert_true((outgoing->message.timestamp_ms == MSP_TIMESTAMP_NONE) == (i == 1));
	}
	outgoing->state = MSP_OUTGOING_REJECTED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, NULL), MSP_OK);
	assert_null(outgoing->message.value.data);
	assert_non_null(strstr(headers_text(&outgoing->message), "msp-value-omitted=5,msp-timestamp-omitted=7,"));
}

/* Whether a broker that refuses the parts in `refused` takes this record. */
static bool is_taken(const struct msp_message *record, unsigned refused)
{
	return !(refused & MSP_OMIT_VALUE && record->value.data) && !(refused & MSP_OMIT_KEY && record->key.data) &&
	       !(refused & MSP_OMIT_TIMESTAMP && record->timestamp_ms != MSP_TIMESTAMP_NONE) &&
	       !(refused & MSP_OMIT_HEADERS && strstr(headers_text(record), "own="));
}

/* Nothing in an input can make its error record unpublishable, whichever of its parts a broker refuses. */
static void whatever_a_broker_refuses_there_is_a_record_that_it_takes(void **state)
{
	static const struct msp_header own[] = {HEADER("own", "1")};
	struct fixture *fixture = *state;
	fixture->message.headers = own;
	fixture->message.header_count = 1;
	for (unsigned refused = 0; refused < 32; refused++) {
		fixture->item.failure = NULL;
		fixture->item.omissions = MSP_OMIT_NOTHING;
		struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
		assert_non_null(outgoing);
		int tries = 0;
		for (; !is_taken(&outgoing->message, refused & 15); tries++) {
			outgoing->state = MSP_OUTGOING_REJECTED;
			outgoing->timestamp_refused = refused & 16 && refused & MSP_OMIT_TIMESTAMP;
			assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, NULL), MSP_OK);
		}
		assert_in_range(tries, 0, 5);
	}
}

static void what_was_settled_elsewhere_stays_so(void **state)
{
	struct fixture *fixture = *state;
	struct msp_outgoing *outgoing = msp_results_new(&fixture->work, &plain);
	assert_non_null(outgoing);
	outgoing->state = MSP_OUTGOING_ALREADY_SETTLED;
	assert_int_equal(msp_results_replace_rejected(&fixture->work, &plain, outgoing, NULL), MSP_OK);
	assert_int_equal(outgoing->state, MSP_OUTGOING_ALREADY_SETTLED);
	assert_int_equal(outgoing->route, MSP_ROUTE_OUTPUTS);
	assert_null(fixture->item.failure);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_output_keeps_key_time_and_partition), TEST(headers_of_outputs),
	    TEST(headers_of_the_codec_come_last),         TEST(what_is_refused_is_replaced_until_nothing_is_left),
	    TEST(a_refused_timestamp_costs_nothing_else), TEST(whatever_a_broker_refuses_there_is_a_record_that_it_takes),
	    TEST(what_was_settled_elsewhere_stays_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
