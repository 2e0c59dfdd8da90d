/* The iris plugin answers as scikit-learn does: tests/data/iris/expected.csv, made by models/iris/expected.py. */
#include <msp/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FEATURES 4

static const char *const names[FEATURES] = {"sepal_length", "sepal_width", "petal_length", "petal_width"};

/* The rest of `line` behind the four numbers. */
static const char *parse_flower(const char *line, struct msp_arena *arena, struct msp_value *ret_flower)
{
	assert_true(msp_value_object(arena, FEATURES, ret_flower));
	for (uint32_t i = 0; i < FEATURES; i++) {
		char *end;
		msp_value_set(ret_flower, i, names[i], msp_value_number(strtod(line, &end)));
		assert_true(end != line && *end == ',');
		line = end + 1;
	}
	return line;
}

/* True when the model's answer is `species`, with a line on stdout when it is not. */
static bool answer_is(struct msp_model *model, struct msp_arena *arena, struct msp_value *flower, const char *species)
{
	struct msp_violation violation;
	assert_true(msp_schema_validate(model->info->input, flower, &violation));
	const struct msp_value *input = flower;
	struct msp_prediction prediction = {0};
	assert_int_equal(model->plugin->predict(model, arena, &input, &prediction, 1, NULL), MSP_OK);
	assert_null(prediction.error_text);
	const struct msp_value *answer = msp_value_member(&prediction.value, "species");
	assert_non_null(answer);
	if (msp_bytes_equal(msp_bytes_of(answer->as.string, answer->count), msp_bytes_of_string(species)))
		return true;
	const struct msp_member *members = flower->as.members;
	print_message("%.17g,%.17g,%.17g,%.17g: %.*s instead of %s\n", members[0].value.as.number,
	              members[1].value.as.number, members[2].value.as.number, members[3].value.as.number,
	              (int)answer->count, answer->as.string, species);
	return false;
}

static void answers_as_scikit_learn(void **state)
{
	(void)state;
	struct msp_plugin plugin;
	struct msp_model *model;
	assert_int_equal(msp_plugin_load(IRIS_PLUGIN, NULL, &plugin, NULL), MSP_OK);
	assert_int_equal(msp_plugin_open(&plugin, NULL, NULL, plugin.symbol->info, &model, NULL), MSP_OK);
	FILE *csv = fopen(IRIS_EXPECTED, "r");
	assert_non_null(csv);
	struct msp_arena arena;
	msp_arena_init(&arena, 65536);
	char line[256];
	size_t rows = 0, wrong = 0;
	assert_non_null(fgets(line, sizeof(line), csv));
	while (fgets(line, sizeof(line), csv)) {
		line[strcspn(line, "\n")] = '\0';
		struct msp_value flower;
		const char *species = parse_flower(line, &arena, &flower);
		wrong += !answer_is(model, &arena, &flower, species);
		rows++;
		msp_arena_reset(&arena, 65536);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(rows, 150 + 8 * 7 * 8 * 8 + 3000 + 5 * 5 * 5 * 5);
	msp_arena_done(&arena);
	fclose(csv);
	model->plugin->close(model);
	msp_plugin_unload(&plugin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(answers_as_scikit_learn)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
