#include "fake_codec.h"
#include "fake_model.h"

#include <msp/pipeline.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A pipeline with the fake codec and model, and what a run over texts gave. */
struct fixture {
	struct msp_pipeline_config config;
	struct msp_model *model;
	struct msp_pipeline *pipeline;
	struct msp_work work;
	struct msp_message messages[512];
	char texts[512][16];
	struct msp_error err;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	memset(&fixture, 0, sizeof(fixture));
	fixture.config = (struct msp_pipeline_config){
	    .input_codec = &fake_codec,
	    .output_codec = &fake_codec,
	    .max_depth = 8,
	    .max_message_bytes = 12,
	    .delivery_limit = 3,
	    .max_memory = (size_t)1 << 20,
	};
	fake_model_tally_reset();
	assert_int_equal(fake_model_plugin.open(NULL, NULL, &fixture.model, NULL), MSP_OK);
	assert_int_equal(msp_pipeline_new(&fixture.config, fixture.model, &fixture.pipeline, NULL), MSP_OK);
	msp_work_init(&fixture.work, &fixture.config);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	msp_work_done(&fixture->work);
	msp_pipeline_free(fixture->pipeline);
	fixture->model->plugin->close(fixture->model);
	assert_int_equal(fake_model_tally.open, 0);
	return 0;
}

static struct msp_message message_of(const char *text)
{
	return (struct msp_message){.value = msp_bytes_of_string(text), .attempts = 1};
}

static enum msp_status run(struct fixture *fixture, size_t count)
{
	return msp_pipeline_run(fixture->pipeline, fixture->messages, count, &fixture->work, &fixture->err);
}

static void assert_output(const struct fixture *fixture, size_t index, const char *expected)
{
	const struct msp_item *item = &fixture->work.items[index];
	if (item->failure)
		fail_msg("item %zu failed: %s", index, item->failure->message);
	struct msp_bytes output = msp_work_output(&fixture->work, item);
	assert_int_equal(output.size, strlen(expected));
	assert_memory_equal(output.data, expected, output.size);
}

static void assert_failure(const struct fixture *fixture, size_t index, enum msp_failure_code code)
{
	const struct msp_failure *failure = fixture->work.items[index].failure;
	if (!failure)
		fail_msg("item %zu did not fail", index);
	assert_string_equal(msp_failure_code_name(failure->code), msp_failure_code_name(code));
}

static void defects_are_errors(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < 3; i++)
		fixture->messages[i] = message_of("1");
	fixture->messages[0].defect = MSP_DEFECT_EXPIRED;
	fixture->messages[0].value = MSP_BYTES_ABSENT;
	fixture->messages[1].defect = MSP_DEFECT_FOREIGN;
	assert_int_equal(run(fixture, 3), MSP_OK);
	assert_failure(fixture, 0, MSP_FAILURE_EXPIRED);
	assert_failure(fixture, 1, MSP_FAILURE_MALFORMED);
	assert_output(fixture, 2, "1");
}

static void each_stage_refuses_what_is_its_own(void **state)
{
	struct fixture *fixture = *state;
	static const char *const texts[] = {"1",   "nonsense", "deep", "2000",          "14", "15",
	                                    "666", NULL,       "2",    "1234567890123", "3",  ""};
	for (size_t i = 0; i < 12; i++)
		fixture->messages[i] = message_of(texts[i]);
	fixture->messages[10].attempts = 4;
	assert_int_equal(run(fixture, 12), MSP_OK);
	assert_output(fixture, 0, "1");
	assert_failure(fixture, 1, MSP_FAILURE_MALFORMED);
	assert_string_equal(fixture->work.items[1].failure->message, "no integer");
	assert_failure(fixture, 2, MSP_FAILURE_MALFORMED);
	assert_failure(fixture, 3, MSP_FAILURE_SCHEMA_VIOLATION);
	assert_string_equal(fixture->work.items[3].failure->path, "/n");
	assert_failure(fixture, 4, MSP_FAILURE_MODEL_ERROR);
	assert_string_equal(fixture->work.items[4].failure->message, "unlucky");
	assert_failure(fixture, 5, MSP_FAILURE_INVALID_OUTPUT);
	assert_string_equal(fixture->work.items[5].failure->path, "/n");
	assert_failure(fixture, 6, MSP_FAILURE_UNENCODABLE);
	assert_failure(fixture, 7, MSP_FAILURE_MISSING_VALUE);
	assert_output(fixture, 8, "2");
	assert_failure(fixture, 9, MSP_FAILURE_TOO_LARGE);
	assert_string_equal(fixture->work.items[9].failure->message,
	                    "the message of 13 bytes is larger than message.max.bytes, 12");
	assert_failure(fixture, 10, MSP_FAILURE_DELIVERY_LIMIT);
	assert_string_equal(fixture->work.items[10].failure->message,
	                    "the message was delivered 4 times, more often than delivery.limit, 3");
	assert_failure(fixture, 11, MSP_FAILURE_MALFORMED);
	assert_int_equal(fake_model_tally.calls, 1);
}

static void fill(struct fixture *fixture, size_t count, int n)
{
	for (size_t i = 0; i < count; i++) {
		snprintf(fixture->texts[i], sizeof(fixture->texts[i]), "%d", n < 0 ? (int)i + 100 : n);
		fixture->messages[i] = message_of(fixture->texts[i]);
	}
}

static void a_failing_call_is_halved_until_the_culprit_stands_alone(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 64, -1);
	fixture->messages[37] = message_of("13");
	assert_int_equal(run(fixture, 64), MSP_OK);
	for (size_t i = 0; i < 64; i++) {
		char expected[24];
		snprintf(expected, sizeof(expected), "%zu", i + 100);
		if (i != 37)
			assert_output(fixture, i, expected);
	}
	assert_failure(fixture, 37, MSP_FAILURE_MODEL_ERROR);
	assert_string_equal(fixture->work.items[37].failure->message, "the model stumbled");
	/* One call for all and two for each of the six halvings. */
	assert_int_equal(fake_model_tally.calls, 13);
}

static void a_model_that_always_fails_fails_every_item(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 32, FAKE_N_FAILS_THE_CALL);
	assert_int_equal(run(fixture, 32), MSP_OK);
	for (size_t i = 0; i < 32; i++)
		assert_failure(fixture, i, MSP_FAILURE_MODEL_ERROR);
}

static void a_model_says_why_with_code_and_path(void **state)
{
	struct fixture *fixture = *state;
	static const char *const texts[] = {"23", "24", "25", "14", "1"};
	static const enum msp_failure_code codes[] = {MSP_FAILURE_SCHEMA_VIOLATION, MSP_FAILURE_MODEL_CRASHED,
	                                              MSP_FAILURE_MODEL_TIMEOUT, MSP_FAILURE_MODEL_ERROR};
	for (size_t i = 0; i < 5; i++)
		fixture->messages[i] = message_of(texts[i]);
	assert_int_equal(run(fixture, 5), MSP_OK);
	for (size_t i = 0; i < 4; i++) {
		assert_failure(fixture, i, codes[i]);
		assert_string_equal(fixture->work.items[i].failure->message, "unlucky");
	}
	assert_string_equal(fixture->work.items[0].failure->path, "/n");
	assert_null(fixture->work.items[1].failure->path);
	assert_output(fixture, 4, "1");
}

/* Blames nobody: one call, not one for each half. */
static void a_model_that_cannot_now_decides_nothing(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 64, -1);
	fixture->messages[37] = message_of("21");
	fake_model_tally.is_away = true;
	assert_int_equal(run(fixture, 64), MSP_E_UNAVAILABLE);
	assert_true(fixture->err.retriable);
	assert_string_equal(fixture->err.text, "the fake model is away");
	assert_int_equal(fixture->work.blocked, MSP_STAGE_PREDICT);
	assert_int_equal(fake_model_tally.calls, 1);
	fake_model_tally.is_away = false;
	assert_int_equal(run(fixture, 64), MSP_OK);
	assert_output(fixture, 37, "21");
}

static void a_codec_that_cannot_now_decides_nothing(void **state)
{
	struct fixture *fixture = *state;
	atomic_bool *const needs[] = {&fake_codec_needs.prepare, &fake_codec_needs.decode, &fake_codec_needs.encode};
	static const enum msp_stage stages[] = {MSP_STAGE_DECODE, MSP_STAGE_DECODE, MSP_STAGE_ENCODE};
	fixture->messages[0] = message_of("777");
	fixture->messages[1] = message_of("778");
	fixture->messages[2] = message_of("nonsense");
	for (size_t i = 0; i < 3; i++) {
		*needs[i] = true;
		assert_int_equal(run(fixture, 3), MSP_E_UNAVAILABLE);
		assert_true(fixture->err.retriable);
		assert_int_equal(fixture->work.blocked, stages[i]);
		*needs[i] = false;
	}
	assert_int_equal(run(fixture, 3), MSP_OK);
	assert_output(fixture, 0, "777");
	assert_output(fixture, 1, "778");
	assert_failure(fixture, 2, MSP_FAILURE_MALFORMED);
}

static void a_codec_says_headers_with_its_output(void **state)
{
	struct fixture *fixture = *state;
	fixture->messages[0] = message_of("779");
	fixture->messages[1] = message_of("1");
	assert_int_equal(run(fixture, 2), MSP_OK);
	assert_int_equal(fixture->work.items[0].headers->count, 1);
	assert_memory_equal(fixture->work.items[0].headers->items[0].name.data, "fake", 4);
	assert_null(fixture->work.items[1].headers);
}

static void a_batch_without_a_valid_input_is_not_predicted(void **state)
{
	struct fixture *fixture = *state;
	fixture->messages[0] = message_of("x");
	assert_int_equal(run(fixture, 1), MSP_OK);
	assert_int_equal(fake_model_tally.calls, 0);
}

static void no_memory_decides_nothing_and_can_be_tried_again(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 4, -1);
	fixture->messages[2] = message_of("16");
	fake_model_tally.memory_is_short = true;
	assert_int_equal(run(fixture, 4), MSP_E_NO_MEMORY);
	fake_model_tally.memory_is_short = false;
	assert_int_equal(run(fixture, 4), MSP_OK);
	assert_output(fixture, 2, "16");
}

static void an_input_that_has_no_memory_alone_fails_at_last(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 8, -1);
	fixture->messages[2] = message_of("19");
	assert_int_equal(run(fixture, 8), MSP_E_NO_MEMORY);
	fixture->work.last_try = true;
	assert_int_equal(run(fixture, 8), MSP_OK);
	for (size_t i = 0; i < 8; i++) {
		if (i == 2)
			assert_failure(fixture, i, MSP_FAILURE_MODEL_ERROR);
		else
			assert_null(fixture->work.items[i].failure);
	}
}

static void limit_memory(struct fixture *fixture, size_t max_memory)
{
	msp_work_done(&fixture->work);
	fixture->config.max_memory = max_memory;
	msp_work_init(&fixture->work, &fixture->config);
}

static void a_batch_that_outgrows_its_memory_is_computed_in_parts(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 8, -1);
	fixture->messages[3] = message_of("17");
	fixture->messages[4] = message_of("17");
	fixture->messages[5] = message_of("y");
	limit_memory(fixture, ((size_t)1 << 20) + 400000);
	assert_int_equal(run(fixture, 8), MSP_OK);
	assert_output(fixture, 0, "100");
	assert_output(fixture, 3, "17");
	assert_output(fixture, 4, "17");
	assert_failure(fixture, 5, MSP_FAILURE_MALFORMED);
	assert_output(fixture, 7, "107");
}

static void an_item_that_others_left_no_room_is_computed_again(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 8, 20);
	limit_memory(fixture, ((size_t)1 << 20) + 400000);
	assert_int_equal(run(fixture, 8), MSP_OK);
	for (size_t i = 0; i < 8; i++)
		assert_output(fixture, i, "20");
}

static void one_message_that_needs_too_much_memory_goes_alone(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 8, -1);
	fixture->messages[6] = message_of("17");
	limit_memory(fixture, (size_t)1 << 19);
	assert_int_equal(run(fixture, 8), MSP_OK);
	for (size_t i = 0; i < 8; i++) {
		if (i == 6)
			assert_failure(fixture, i, MSP_FAILURE_TOO_LARGE);
		else
			assert_null(fixture->work.items[i].failure);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_stage_refuses_what_is_its_own),
	    TEST(defects_are_errors),
	    TEST(a_failing_call_is_halved_until_the_culprit_stands_alone),
	    TEST(a_model_that_always_fails_fails_every_item),
	    TEST(a_model_says_why_with_code_and_path),
	    TEST(a_model_that_cannot_now_decides_nothing),
	    TEST(a_codec_that_cannot_now_decides_nothing),
	    TEST(a_codec_says_headers_with_its_output),
	    TEST(a_batch_without_a_valid_input_is_not_predicted),
	    TEST(no_memory_decides_nothing_and_can_be_tried_again),
	    TEST(an_input_that_has_no_memory_alone_fails_at_last),
	    TEST(a_batch_that_outgrows_its_memory_is_computed_in_parts),
	    TEST(an_item_that_others_left_no_room_is_computed_again),
	    TEST(one_message_that_needs_too_much_memory_goes_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
