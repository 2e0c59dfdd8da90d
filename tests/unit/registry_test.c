#include <msp/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct msp_registry *registry = NULL;
	if (msp_registry_new(&registry, NULL) != MSP_OK)
		return -1;
	*state = registry;
	return 0;
}

static int teardown(void **state)
{
	msp_registry_free(*state);
	return 0;
}

/* Loads the plugin `name`, with its default options except one, and adds it. */
static enum msp_status add(struct msp_registry *registry, const char *label, const char *name, const char *prefix,
                           const char *option, struct msp_error *err)
{
	struct msp_plugin plugin;
	assert_int_equal(msp_plugin_load(name, TEST_MODELS, &plugin, NULL), MSP_OK);
	const struct msp_option_table *table = plugin.symbol->options;
	void *options = NULL;
	if (table) {
		options = malloc(table->struct_size);
		assert_non_null(options);
		assert_int_equal(msp_options_init(table, options, NULL), MSP_OK);
	}
	if (option)
		assert_int_equal(msp_option_set(msp_option_find(table, option), options, "true", NULL), MSP_OK);
	enum msp_status status = msp_registry_add(registry, label, &plugin, &options, prefix, false, err);
	assert_null(plugin.handle);
	assert_null(options);
	return status;
}

static void tells_what_it_holds(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(msp_registry_count(registry), 0);
	assert_int_equal(add(registry, "one", "plain", "p", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "two", "faulty", "p", NULL, NULL), MSP_OK);
	assert_int_equal(msp_registry_count(registry), 2);
	struct msp_registry_entry *one = msp_registry_at(registry, 0), *two = msp_registry_at(registry, 1);
	assert_string_equal(one->label, "one");
	assert_string_equal(one->identity, "variant/1.0");
	assert_string_equal(one->topics.name[MSP_TOPIC_ERRORS], "p.variant.1.0.errors");
	assert_null(one->options);
	assert_string_equal(two->identity, "faulty/1.0");
	assert_non_null(two->options);
	assert_string_equal(two->model->info->name, "faulty");
}

static void finds_by_label_then_by_name(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(add(registry, "faulty", "plain", "p", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "other", "faulty", "p", NULL, NULL), MSP_OK);
	assert_ptr_equal(msp_registry_find(registry, "faulty"), msp_registry_at(registry, 0));
	assert_ptr_equal(msp_registry_find(registry, "faulty/1.0"), msp_registry_at(registry, 1));
	assert_ptr_equal(msp_registry_find(registry, "other"), msp_registry_at(registry, 1));
	assert_ptr_equal(msp_registry_find(registry, "variant"), msp_registry_at(registry, 0));
	assert_null(msp_registry_find(registry, "variant/2.0"));
	assert_null(msp_registry_find(registry, ""));
}

static void bare_name_of_two_versions_finds_neither(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(add(registry, "old", "plain", "p", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "new", "plain_2", "p", NULL, NULL), MSP_OK);
	assert_null(msp_registry_find(registry, "variant"));
	assert_ptr_equal(msp_registry_find(registry, "variant/1.0"), msp_registry_at(registry, 0));
	assert_ptr_equal(msp_registry_find(registry, "variant/2.0"), msp_registry_at(registry, 1));
}

static void entries_stay_where_they_are(void **state)
{
	struct msp_registry *registry = *state;
	static const char *const prefixes[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"};
	struct msp_registry_entry *first = NULL;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		assert_int_equal(add(registry, prefixes[i], "plain", prefixes[i], NULL, NULL), MSP_OK);
		first = first ? first : msp_registry_at(registry, 0);
	}
	assert_ptr_equal(msp_registry_find(registry, "p0"), first);
}

static void refuses_a_label_twice(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "same", "plain", "p", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "same", "faulty", "p", NULL, &err), MSP_E_EXISTS);
	assert_non_null(strstr(err.text, "'same'"));
	assert_int_equal(msp_registry_count(registry), 1);
}

static void refuses_two_models_on_one_topic(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "one", "plain", "p.a", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "two", "plain", "p.a", NULL, &err), MSP_E_EXISTS);
	assert_non_null(strstr(err.text, "'one'"));
	assert_non_null(strstr(err.text, "'two'"));
	/* p.a_variant.1.0 and p.a.variant.1.0 are one to Kafka. */
	assert_int_equal(add(registry, "three", "prefixed", "p", NULL, &err), MSP_E_EXISTS);
	assert_non_null(strstr(err.text, "'three'"));
	assert_int_equal(add(registry, "four", "plain", "q", NULL, NULL), MSP_OK);
	assert_int_equal(msp_registry_count(registry), 2);
}

static void refuses_a_model_that_does_not_open(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "bad", "faulty", "p", "open.fails", &err), MSP_E_INVALID);
	assert_non_null(strstr(err.text, "model 'bad'"));
	assert_non_null(strstr(err.text, "as configured"));
	assert_int_equal(add(registry, "worse", "plain", "bad prefix", NULL, &err), MSP_E_INVALID);
	assert_non_null(strstr(err.text, "model 'worse'"));
	assert_int_equal(msp_registry_count(registry), 0);
}

static void free_of_nothing_is_safe(void **state)
{
	(void)state;
	msp_registry_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(tells_what_it_holds, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_by_label_then_by_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(bare_name_of_two_versions_finds_neither, setup, teardown),
	    cmocka_unit_test_setup_teardown(entries_stay_where_they_are, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_label_twice, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_two_models_on_one_topic, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_model_that_does_not_open, setup, teardown),
	    cmocka_unit_test(free_of_nothing_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
