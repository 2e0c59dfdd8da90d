/* Decode, validate, predict and encode with JSON while the 1st, 2nd, … allocation fails: a clean error each time,
 * nothing decided, nothing leaked. */
#include "fake_model.h"
#include "results.h"
#include "torture.h"

#include <msp/pipeline.h>
#include <msp_codec_json.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ANSWERED (-1)

/* What is sent, and what must become of it whatever memory there is: no allocation that fails may look like bad input.
 */
static const struct {
	const char *text;
	int code; /* enum msp_failure_code, or ANSWERED */
} cases[] = {
    {"{\"n\": 1}", ANSWERED},
    {"{\"n\": 13}", MSP_FAILURE_MODEL_ERROR},
    {"{\"n\": 14}", MSP_FAILURE_MODEL_ERROR},
    {"{\"n\": 15}", MSP_FAILURE_INVALID_OUTPUT},
    {"{\"n\": 2000}", MSP_FAILURE_SCHEMA_VIOLATION},
    {"{\"n\": \"1\"}", MSP_FAILURE_SCHEMA_VIOLATION},
    {"{\"n\": ", MSP_FAILURE_MALFORMED},
    {"", MSP_FAILURE_MALFORMED},
    {"[1, [2, 3], \"four\"]", MSP_FAILURE_SCHEMA_VIOLATION},
    {"{\"n\": 2.0}", ANSWERED},
    {"{}", MSP_FAILURE_SCHEMA_VIOLATION},
    {"{\"n\": 3, \"colour\": \"blue\"}", MSP_FAILURE_SCHEMA_VIOLATION},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static const struct msp_header header = {{"trace", 5}, {"1", 1}};

static enum msp_status run(struct msp_pipeline *pipeline, const struct msp_pipeline_config *config)
{
	static const struct msp_results_context context = {.error = {.model = "fake/1.0", .group = "group"}};
	struct msp_message messages[CASES];
	struct msp_work work;
	for (size_t i = 0; i < CASES; i++)
		messages[i] = (struct msp_message){.value = msp_bytes_of_string(cases[i].text),
		                                   .headers = &header,
		                                   .header_count = 1,
		                                   .topic = "inputs",
		                                   .attempts = 1};
	msp_work_init(&work, config);
	enum msp_status status = msp_pipeline_run(pipeline, messages, CASES, &work, NULL);
	if (status == MSP_OK && !msp_results_new(&work, &context))
		status = MSP_E_NO_MEMORY;
	for (size_t i = 0; status == MSP_OK && i < CASES; i++)
		if ((work.items[i].failure ? (int)work.items[i].failure->code : ANSWERED) != cases[i].code)
			status = MSP_E_INTERNAL;
	msp_work_done(&work);
	return status;
}

static enum msp_status scenario(void *unused)
{
	(void)unused;
	static const struct msp_pipeline_config config = {
	    .input_codec = &msp_codec_json,
	    .output_codec = &msp_codec_json,
	    .max_depth = 8,
	    .max_message_bytes = 1000,
	    .delivery_limit = 3,
	    .max_memory = (size_t)1 << 20,
	};
	struct msp_model *model = NULL;
	struct msp_pipeline *pipeline = NULL;
	enum msp_status status = fake_model_plugin.open(NULL, NULL, &model, NULL);
	if (status != MSP_OK)
		return status;
	status = msp_pipeline_new(&config, model, &pipeline, NULL);
	if (status == MSP_OK)
		status = run(pipeline, &config);
	msp_pipeline_free(pipeline);
	fake_model_plugin.close(model);
	return status;
}

static void every_allocation_fails_in_turn(void **state)
{
	(void)state;
	assert_true(torture_run(scenario, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_in_turn)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
