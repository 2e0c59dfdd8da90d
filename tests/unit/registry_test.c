#include <msp/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct msp_registry *registry = NULL;
	if (msp_registry_new("p", NULL, &registry, NULL) != MSP_OK)
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
static enum msp_status add(struct msp_registry *registry, const char *label, const char *name, const char *option,
                           struct msp_error *err)
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
	struct msp_registry_entry *entry = NULL;
	enum msp_status status = msp_registry_add(registry, label, &plugin, &options, &entry, err);
	assert_true((status == MSP_OK) == (entry != NULL));
	assert_null(plugin.handle);
	assert_null(options);
	return status;
}

static void tells_what_it_holds(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(msp_registry_count(registry), 0);
	assert_int_equal(add(registry, "one", "plain", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "two", "faulty", NULL, NULL), MSP_OK);
	assert_int_equal(msp_registry_count(registry), 2);
	struct msp_registry_entry *one = msp_registry_at(registry, 0), *two = msp_registry_at(registry, 1);
	assert_string_equal(one->label, "one");
	assert_string_equal(one->identity, "variant/1.0");
	assert_string_equal(one->topics.name[MSP_TOPIC_ERRORS], "p.variant.1.0.errors");
	assert_null(one->options);
	assert_string_equal(two->identity, "faulty/1.0");
	assert_non_null(two->options);
	assert_string_equal(two->info->name, "faulty");
}

static void finds_by_label_then_by_name(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(add(registry, "faulty", "plain", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "other", "faulty", NULL, NULL), MSP_OK);
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
	assert_int_equal(add(registry, "old", "plain", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "new", "plain_2", NULL, NULL), MSP_OK);
	assert_null(msp_registry_find(registry, "variant"));
	assert_ptr_equal(msp_registry_find(registry, "variant/1.0"), msp_registry_at(registry, 0));
	assert_ptr_equal(msp_registry_find(registry, "variant/2.0"), msp_registry_at(registry, 1));
}

static void entries_stay_where_they_are(void **state)
{
	struct msp_registry *registry = *state;
	static const char *const plugins[] = {"plain", "plain_2", "prefixed", "faulty", "info_from_load"};
	struct msp_registry_entry *first = NULL;
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
		assert_int_equal(add(registry, plugins[i], plugins[i], NULL, NULL), MSP_OK);
		first = first ? first : msp_registry_at(registry, 0);
	}
	assert_ptr_equal(msp_registry_find(registry, "plain"), first);
}

static void learns_what_a_model_is_when_it_is_loaded(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(add(registry, "late", "info_from_load", NULL, NULL), MSP_OK);
	struct msp_registry_entry *entry = msp_registry_at(registry, 0);
	assert_null(entry->info);
	assert_string_equal(entry->identity, "");
	assert_null(msp_registry_find(registry, "learnt"));
	assert_ptr_equal(msp_registry_find(registry, "late"), entry);
	assert_int_equal(msp_registry_load(registry, entry, NULL), MSP_OK);
	assert_int_equal(msp_registry_load(registry, entry, NULL), MSP_OK);
	assert_string_equal(entry->identity, "learnt/1.0");
	assert_string_equal(entry->topics.name[MSP_TOPIC_INPUTS], "p.learnt.1.0.inputs");
	assert_ptr_equal(msp_registry_find(registry, "learnt"), entry);
}

static void knows_a_constant_model_without_loading_it(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(add(registry, "broken", "load_refused", NULL, NULL), MSP_OK);
	struct msp_registry_entry *entry = msp_registry_at(registry, 0);
	assert_string_equal(entry->identity, "variant/1.0");
	struct msp_error err = {0};
	assert_int_equal(msp_registry_load(registry, entry, &err), MSP_E_NOT_FOUND);
	assert_non_null(strstr(err.text, "model 'broken'"));
	assert_false(entry->loaded);
}

static void opens_instances_of_what_is_loaded(void **state)
{
	struct msp_registry *registry = *state;
	assert_int_equal(add(registry, "one", "info_from_load", NULL, NULL), MSP_OK);
	struct msp_registry_entry *entry = msp_registry_at(registry, 0);
	assert_int_equal(msp_registry_load(registry, entry, NULL), MSP_OK);
	struct msp_model *models[2];
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(msp_registry_open(entry, &models[i], NULL), MSP_OK);
	assert_ptr_equal(models[0]->info, entry->info);
	assert_true(models[0] != models[1]);
	for (size_t i = 0; i < 2; i++)
		models[i]->plugin->close(models[i]);
}

static void refuses_a_label_twice(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "same", "plain", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "same", "faulty", NULL, &err), MSP_E_EXISTS);
	assert_non_null(strstr(err.text, "'same'"));
	assert_int_equal(msp_registry_count(registry), 1);
}

static void refuses_two_models_on_one_topic(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "one", "plain", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "two", "same_info", NULL, &err), MSP_E_EXISTS);
	assert_non_null(strstr(err.text, "'one'"));
	assert_non_null(strstr(err.text, "'two'"));
	assert_int_equal(add(registry, "three", "plain_2", NULL, NULL), MSP_OK);
	assert_int_equal(msp_registry_count(registry), 2);
}

static void refuses_late_what_collides(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "one", "info_from_load", NULL, NULL), MSP_OK);
	assert_int_equal(add(registry, "two", "info_from_load", NULL, NULL), MSP_OK);
	assert_int_equal(msp_registry_load(registry, msp_registry_at(registry, 0), NULL), MSP_OK);
	assert_int_equal(msp_registry_load(registry, msp_registry_at(registry, 1), &err), MSP_E_EXISTS);
	assert_non_null(strstr(err.text, "'one'"));
	assert_false(msp_registry_at(registry, 1)->loaded);
}

static void refuses_a_model_that_cannot_be(void **state)
{
	struct msp_registry *registry = *state;
	struct msp_error err = {0};
	assert_int_equal(add(registry, "bad", "no_name", NULL, &err), MSP_E_INVALID);
	assert_non_null(strstr(err.text, "model 'bad'"));
	assert_non_null(strstr(err.text, "no name"));
	assert_int_equal(msp_registry_count(registry), 0);
	struct msp_registry *unnamed;
	assert_int_equal(msp_registry_new("bad prefix", NULL, &unnamed, NULL), MSP_OK);
	assert_int_equal(add(unnamed, "worse", "plain", NULL, &err), MSP_E_INVALID);
	assert_non_null(strstr(err.text, "model 'worse'"));
	msp_registry_free(unnamed);
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
	    cmocka_unit_test_setup_teardown(learns_what_a_model_is_when_it_is_loaded, setup, teardown),
	    cmocka_unit_test_setup_teardown(knows_a_constant_model_without_loading_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(opens_instances_of_what_is_loaded, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_late_what_collides, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_model_that_cannot_be, setup, teardown),
	    cmocka_unit_test(free_of_nothing_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
