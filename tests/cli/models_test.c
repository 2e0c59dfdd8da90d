/* Which models a command opens and loads: those that it names, and only as far as it needs them. */
#include "invocation.h"

#include <stdlib.h>

#define BROKER "-b", "sqlite:msp.db"
#define PREFIX "model_stream_processor."

/* Beside the model that works: one that cannot be opened, one that cannot be loaded, and two that leave a trace when
 * they are loaded. The last one says only then what it is. */
#define CONFIGURATION                                                                                                  \
	"plugin.path: " TEST_MODELS "\n"                                                                                   \
	"models:\n"                                                                                                        \
	"  broken: {plugin: undefined_symbol}\n"                                                                           \
	"  refused: {plugin: load_refused}\n"                                                                              \
	"  traced:\n"                                                                                                      \
	"  late: {plugin: traced_learnt}\n"

static int enter(void **state)
{
	setenv("TEST_LOADED_MODELS", "loaded", 1);
	int status = enter_directory(state);
	write_file("msp.yaml", CONFIGURATION);
	return status;
}

/* Which models were loaded since the last call, in order. */
static void assert_loaded(const char *expected)
{
	struct result result = expect_shell(0, "touch loaded; cat loaded; rm loaded");
	assert_string_equal(result.out, expected);
	result_free(&result);
}

static void what_topics_are_called_needs_no_loading(void **state)
{
	static const char *const models[] = {"refused", "traced"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct result result = expect(0, "topics", "create", BROKER, "-m", models[i], NULL);
		result_free(&result);
		result = expect_with(0, "{}\n", "send", BROKER, "-m", models[i], NULL);
		result_free(&result);
		result = expect(0, "receive", BROKER, "-m", models[i], "inputs", "-e", NULL);
		assert_string_equal(result.out, "{}\n");
		result_free(&result);
		result = expect(0, "models", "describe", models[i], NULL);
		result_free(&result);
	}
	assert_loaded("");
	struct result result = expect(2, "predict", "-m", "refused", NULL);
	assert_contains(result.err, "msp.yaml:4:13: model 'refused': ");
	assert_contains(result.err, "the model file is not there");
	result_free(&result);
	result = expect_with(0, "{}\n", "predict", "-m", "traced", NULL);
	result_free(&result);
	assert_loaded("traced\n");
	result = expect(0, "run", BROKER, "traced", "-e", NULL);
	assert_contains(result.err, "1 output, 0 errors");
	result_free(&result);
	assert_loaded("traced\n");
}

static void a_model_that_learns_what_it_is_is_loaded_for_its_topics(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "late", NULL);
	assert_contains(result.out, "created " PREFIX "learnt.1.0.inputs (partitions 1)\n");
	result_free(&result);
	assert_loaded("learnt\n");
	result = expect(0, "topics", "describe", BROKER, "-t", PREFIX "learnt.1.0.inputs", NULL);
	result_free(&result);
	result = expect(0, "topics", "list", BROKER, NULL);
	result_free(&result);
	assert_loaded("");
}

static void all_configured_models_are_checked(void **state)
{
	(void)state;
	struct result result = expect(2, "config", "check", BROKER, NULL);
	assert_contains(result.err, "msp: msp.yaml:3:12: model \"broken\": cannot load plugin: ");
	assert_null(strchr(result.err, '\n')[1] ? result.err : NULL);
	result_free(&result);
	assert_loaded("learnt\n");
	write_file("msp.yaml", "plugin.path: " TEST_MODELS "\nmodels: {refused: {plugin: load_refused}, traced: , late: "
	                       "{plugin: traced_learnt}}\n");
	result = expect(0, "config", "check", BROKER, NULL);
	assert_contains(result.err, "3 models");
	result_free(&result);
	assert_loaded("learnt\n");
	result = expect(0, "config", "show", BROKER, NULL);
	assert_contains(result.out, "models.late.plugin: traced_learnt ");
	result_free(&result);
	result = expect(0, "config", "describe", BROKER, NULL);
	result_free(&result);
	assert_loaded("");
}

static void a_mistake_is_told_before_anything_is_loaded(void **state)
{
	(void)state;
	struct result result = expect(2, "run", BROKER, "traced", "-e", "-X", "models.late.workers=0", NULL);
	assert_contains(result.err, "models.late.workers must be an integer from 1");
	result_free(&result);
	result = expect(2, "run", BROKER, "traced", "-e", "-X", "models.traced.wrokers=1", NULL);
	assert_contains(result.err, "did you mean \"models.traced.workers\"?");
	result_free(&result);
	assert_loaded("");
}

static void names_are_labels_then_plugins_then_what_models_call_themselves(void **state)
{
	(void)state;
	struct result result = expect(0, "models", "list", "traced_learnt", "late", TEST_MODELS "/traced_learnt.so", NULL);
	assert_contains(result.out, "late\tlearnt/1.0\t");
	assert_null(strchr(result.out, '\n')[1] ? result.out : NULL);
	result_free(&result);
	assert_loaded("learnt\n");
	/* A plugin that is not configured is found before anybody is asked. */
	result = expect(0, "models", "list", "prefixed", NULL);
	assert_contains(result.out, "prefixed\ta_variant/1.0\t");
	result_free(&result);
	assert_loaded("");
	/* Else each is asked, and who cannot answer is named. */
	result = expect(2, "models", "list", "learnt", NULL);
	assert_contains(result.err, "model \"broken\": cannot load plugin: ");
	result_free(&result);
	assert_loaded("learnt\n");
	write_file("msp.yaml",
	           "plugin.path: " TEST_MODELS "\nmodels: {traced: , late: {plugin: traced_learnt, workers: 3}}\n");
	for (size_t i = 0; i < 2; i++) {
		result = expect(0, "models", "list", i ? "learnt/1.0" : "learnt", NULL);
		assert_contains(result.out, "late\tlearnt/1.0\t");
		assert_lacks(result.out, "traced\ttraced/1.0");
		result_free(&result);
		assert_loaded("learnt\n");
	}
	result = expect(2, "models", "list", "nobody", NULL);
	assert_contains(result.err, "model \"nobody\": no plugin 'nobody'");
	result_free(&result);
}

static void topics_that_collide_are_refused_where_both_are_served(void **state)
{
	(void)state;
	write_file("msp.yaml", "plugin.path: " TEST_MODELS "\nmodels: {one: {plugin: traced_learnt}, two: {plugin: "
	                       "traced_learnt}, three: {plugin: traced}, four: {plugin: traced}}\n");
	struct result result = expect(2, "run", BROKER, "-e", "three", "four", NULL);
	assert_contains(result.err, "models 'three' (traced/1.0) and 'four' (traced/1.0) would share their topics");
	result_free(&result);
	assert_loaded("");
	result = expect(2, "run", BROKER, "-e", "one", "two", NULL);
	assert_contains(result.err, "models 'one' (learnt/1.0) and 'two' (learnt/1.0) would share their topics");
	result_free(&result);
	assert_loaded("learnt\nlearnt\n");
	result = expect(0, "topics", "create", BROKER, "-m", "two", NULL);
	result_free(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_topics_are_called_needs_no_loading),
	    TEST(a_model_that_learns_what_it_is_is_loaded_for_its_topics),
	    TEST(all_configured_models_are_checked),
	    TEST(a_mistake_is_told_before_anything_is_loaded),
	    TEST(names_are_labels_then_plugins_then_what_models_call_themselves),
	    TEST(topics_that_collide_are_refused_where_both_are_served),
	};
	return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
