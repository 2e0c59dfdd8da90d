/* model_contract PLUGIN: what every model must do, whatever it computes. Its inputs are made from its input schema. */
#include "../support/schema_example.h"

#include <msp/plugin.h>
#include <msp/topic.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BATCH       64
#define ARENA_BYTES ((size_t)16 << 20)
#define THREADS     4
#define ROUNDS      50

static const char *plugin_path;

/* An open model with a batch of inputs. */
struct fixture {
	struct msp_plugin plugin;
	void *options;
	struct msp_model_shared *shared;
	const struct msp_model_info *info;
	struct msp_model *model;
	struct msp_arena arena; /* of the inputs */
	struct msp_value values[BATCH];
	const struct msp_value *inputs[BATCH];
};

/* The answers to one batch. */
struct answers {
	struct msp_arena arena;
	struct msp_prediction predictions[BATCH];
};

static void fixture_fill(struct fixture *fixture)
{
	const struct msp_schema *schema = fixture->model->info->input;
	struct msp_violation violation;
	for (unsigned i = 0; i < BATCH; i++) {
		assert_true(schema_example(schema, i, &fixture->arena, &fixture->values[i]));
		if (!msp_schema_validate(schema, &fixture->values[i], &violation))
			fail_msg("no example for the input schema: %s: %s", violation.path, violation.text);
		fixture->inputs[i] = &fixture->values[i];
	}
}

static enum msp_status instance_open(const struct fixture *fixture, struct msp_model **ret_model, struct msp_error *err)
{
	return msp_plugin_open(&fixture->plugin, fixture->shared, fixture->options, fixture->info, ret_model, err);
}

static int fixture_new(void **state)
{
	struct msp_error err = {0};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	msp_arena_init(&fixture->arena, ARENA_BYTES);
	if (msp_plugin_load(plugin_path, NULL, &fixture->plugin, &err) != MSP_OK)
		fail_msg("%s", err.text);
	const struct msp_option_table *table = fixture->plugin.symbol->options;
	if (table) {
		fixture->options = malloc(table->struct_size);
		assert_non_null(fixture->options);
		if (msp_options_init(table, fixture->options, &err) != MSP_OK)
			fail_msg("defaults of the options: %s", err.text);
	}
	if (msp_plugin_load_model(&fixture->plugin, fixture->options, &fixture->shared, &fixture->info, &err) != MSP_OK ||
	    instance_open(fixture, &fixture->model, &err) != MSP_OK)
		fail_msg("%s", err.text);
	fixture_fill(fixture);
	*state = fixture;
	return 0;
}

static int fixture_free(void **state)
{
	struct fixture *fixture = *state;
	fixture->plugin.symbol->close(fixture->model);
	if (fixture->shared)
		fixture->plugin.symbol->unload(fixture->shared);
	if (fixture->options)
		msp_options_done(fixture->plugin.symbol->options, fixture->options);
	free(fixture->options);
	msp_plugin_unload(&fixture->plugin);
	msp_arena_done(&fixture->arena);
	free(fixture);
	return 0;
}

static struct answers *answers_new(size_t max_bytes)
{
	struct answers *answers = calloc(1, sizeof(*answers));
	assert_non_null(answers);
	msp_arena_init(&answers->arena, max_bytes);
	return answers;
}

static void answers_free(struct answers *answers)
{
	msp_arena_done(&answers->arena);
	free(answers);
}

static enum msp_status predict(struct msp_model *model, struct answers *answers, const struct msp_value *const *inputs,
                               size_t count, struct msp_error *err)
{
	memset(answers->predictions, 0, sizeof(answers->predictions));
	return model->plugin->predict(model, &answers->arena, inputs, answers->predictions, count, err);
}

/* The answers to the whole batch; the caller frees them. */
static struct answers *predict_all(const struct fixture *fixture, struct msp_model *model)
{
	struct msp_error err = {0};
	struct answers *answers = answers_new(ARENA_BYTES);
	if (predict(model, answers, fixture->inputs, BATCH, &err) != MSP_OK)
		fail_msg("predict: %s", err.text);
	return answers;
}

static bool prediction_equal(const struct msp_prediction *a, const struct msp_prediction *b)
{
	if (a->error_text || b->error_text)
		return a->error_text && b->error_text && strcmp(a->error_text, b->error_text) == 0;
	return msp_value_equal(&a->value, &b->value);
}

static void says_what_it_is(void **state)
{
	const struct fixture *fixture = *state;
	const struct msp_model_info *info = fixture->model->info;
	struct msp_topics topics;
	assert_int_equal(msp_topics_init(&topics, MSP_TOPIC_PREFIX_DEFAULT, info, NULL, NULL), MSP_OK);
	struct msp_arena arena;
	msp_arena_init(&arena, ARENA_BYTES);
	struct msp_value description;
	assert_int_equal(msp_schema_describe(info->input, &arena, &description), MSP_OK);
	assert_int_equal(msp_schema_describe(info->output, &arena, &description), MSP_OK);
	msp_arena_done(&arena);
}

static void options_are_described(void **state)
{
	const struct fixture *fixture = *state;
	const struct msp_option_table *table = fixture->plugin.symbol->options;
	for (size_t i = 0; table && i < table->count; i++) {
		assert_non_null(table->options[i].name);
		assert_non_null(table->options[i].help);
		assert_ptr_equal(msp_option_find(table, table->options[i].name), &table->options[i]);
	}
}

static void every_input_has_one_valid_answer(void **state)
{
	const struct fixture *fixture = *state;
	struct answers *answers = predict_all(fixture, fixture->model);
	struct msp_violation violation;
	size_t answered = 0;
	for (size_t i = 0; i < BATCH; i++) {
		struct msp_prediction *prediction = &answers->predictions[i];
		if (prediction->error_text) {
			assert_true(prediction->error_text[0] != '\0');
			assert_int_equal(prediction->value.type, MSP_NULL);
			continue;
		}
		answered++;
		if (!msp_schema_validate(fixture->model->info->output, &prediction->value, &violation))
			fail_msg("answer %zu breaks the output schema: %s: %s", i, violation.path, violation.text);
	}
	if (answered == 0)
		print_message("note: every example was answered with an error text, first: %s\n",
		              answers->predictions[0].error_text);
	answers_free(answers);
}

/* Core halves a batch that fails: that must not change what the others are answered. */
static void company_does_not_change_an_answer(void **state)
{
	const struct fixture *fixture = *state;
	struct answers *together = predict_all(fixture, fixture->model);
	for (size_t i = 0; i < BATCH; i++) {
		struct answers *alone = answers_new(ARENA_BYTES);
		assert_int_equal(predict(fixture->model, alone, &fixture->inputs[i], 1, NULL), MSP_OK);
		assert_true(prediction_equal(&alone->predictions[0], &together->predictions[i]));
		answers_free(alone);
	}
	answers_free(together);
}

static void inputs_are_left_alone(void **state)
{
	const struct fixture *fixture = *state;
	struct msp_arena arena;
	msp_arena_init(&arena, ARENA_BYTES);
	struct msp_value before[BATCH];
	for (size_t i = 0; i < BATCH; i++)
		assert_true(msp_value_copy(&arena, fixture->inputs[i], &before[i]));
	answers_free(predict_all(fixture, fixture->model));
	for (size_t i = 0; i < BATCH; i++)
		assert_true(msp_value_equal(&before[i], fixture->inputs[i]));
	msp_arena_done(&arena);
}

/* Whatever the arena has room for: a clean refusal or the right answers, and the next call is as good as any. */
static void little_memory_is_survived(void **state)
{
	const struct fixture *fixture = *state;
	struct answers *expected = predict_all(fixture, fixture->model);
	for (size_t max_bytes = 0; max_bytes <= 65536; max_bytes = max_bytes ? max_bytes * 2 : 1) {
		struct answers *answers = answers_new(max_bytes);
		struct msp_error err = {0};
		enum msp_status status = predict(fixture->model, answers, fixture->inputs, BATCH, &err);
		assert_true(status == MSP_OK || status == MSP_E_LIMIT || status == MSP_E_NO_MEMORY);
		assert_int_equal(err.status, status);
		msp_arena_reset(&answers->arena, 0);
		assert_int_equal(predict(fixture->model, answers, fixture->inputs, BATCH, NULL), status);
		for (size_t i = 0; status == MSP_OK && i < BATCH; i++)
			assert_true(prediction_equal(&answers->predictions[i], &expected->predictions[i]));
		answers_free(answers);
	}
	struct answers *after = predict_all(fixture, fixture->model);
	for (size_t i = 0; i < BATCH; i++)
		assert_true(prediction_equal(&after->predictions[i], &expected->predictions[i]));
	answers_free(after);
	answers_free(expected);
}

static void instances_come_and_go(void **state)
{
	const struct fixture *fixture = *state;
	struct answers *expected = predict_all(fixture, fixture->model);
	for (int round = 0; round < ROUNDS; round++) {
		struct msp_model *model = NULL;
		assert_int_equal(instance_open(fixture, &model, NULL), MSP_OK);
		assert_true(model != fixture->model);
		struct answers *answers = predict_all(fixture, model);
		assert_true(prediction_equal(&answers->predictions[0], &expected->predictions[0]));
		model->plugin->close(model);
		answers_free(answers);
	}
	answers_free(expected);
}

/* One worker: its own instance in its own thread. */
struct worker {
	pthread_t thread;
	const struct fixture *fixture;
	const struct answers *expected;
	struct msp_model *model;
	struct answers *answers;
	int wrong;
};

static void *worker_main(void *context)
{
	struct worker *worker = context;
	for (int round = 0; round < ROUNDS; round++) {
		msp_arena_reset(&worker->answers->arena, ARENA_BYTES);
		worker->wrong += predict(worker->model, worker->answers, worker->fixture->inputs, BATCH, NULL) != MSP_OK;
		for (size_t i = 0; i < BATCH; i++)
			worker->wrong += !prediction_equal(&worker->answers->predictions[i], &worker->expected->predictions[i]);
	}
	worker->model->plugin->close(worker->model);
	return NULL;
}

static void instances_run_in_parallel(void **state)
{
	const struct fixture *fixture = *state;
	struct answers *expected = predict_all(fixture, fixture->model);
	struct worker workers[THREADS];
	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.fixture = fixture, .expected = expected, .answers = answers_new(ARENA_BYTES)};
		assert_int_equal(instance_open(fixture, &workers[i].model, NULL), MSP_OK);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].wrong, 0);
		answers_free(workers[i].answers);
	}
	answers_free(expected);
}

static void exports_one_symbol(void **state)
{
	(void)state;
	char command[4200], line[256];
	assert_null(strchr(plugin_path, '\''));
	snprintf(command, sizeof(command), "nm --dynamic --defined-only --format=just-symbols '%s'", plugin_path);
	FILE *symbols = popen(command, "r"); /* NOLINT(cert-env33-c): the path is quoted */
	assert_non_null(symbols);
	size_t count = 0;
	while (fgets(line, sizeof(line), symbols)) {
		if (strncmp(line, "__", 2) == 0)
			continue; /* the compiler's own: sanitizers leave some in every object */
		assert_string_equal(line, MSP_MODEL_SYMBOL "\n");
		count++;
	}
	assert_int_equal(pclose(symbols), 0);
	assert_int_equal(count, 1);
}

int main(int argc, char **argv)
{
	if (argc != 2 || argv[1][0] != '/') {
		fprintf(stderr, "usage: model_contract /absolute/path/of/plugin.so\n");
		return 2;
	}
	plugin_path = argv[1];
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exports_one_symbol),
	    cmocka_unit_test_setup_teardown(says_what_it_is, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(options_are_described, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(every_input_has_one_valid_answer, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(company_does_not_change_an_answer, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(inputs_are_left_alone, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(little_memory_is_survived, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(instances_come_and_go, fixture_new, fixture_free),
	    cmocka_unit_test_setup_teardown(instances_run_in_parallel, fixture_new, fixture_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
