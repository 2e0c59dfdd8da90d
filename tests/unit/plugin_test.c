/* Real plugins, most of them broken in one way each: tests/support/models. */
#include <msp/plugin.h>

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static enum msp_status load(const char *name, struct msp_plugin *ret_plugin, struct msp_error *err)
{
	return msp_plugin_load(name, TEST_MODELS, ret_plugin, err);
}

/* Loading fails with this status, and the text has both parts. */
static void check_refused(const char *name, enum msp_status status, const char *part, const char *other_part)
{
	struct msp_plugin plugin = {0};
	struct msp_error err = {0};
	assert_int_equal(load(name, &plugin, &err), status);
	assert_int_equal(err.status, status);
	assert_non_null(strstr(err.text, part));
	assert_non_null(strstr(err.text, other_part));
	assert_null(plugin.handle);
	assert_null(plugin.path);
}

/* Loads the model and opens an instance of it; what failed says why in `err`. */
static enum msp_status load_and_open(const struct msp_plugin *plugin, struct msp_model_shared **ret_shared,
                                     struct msp_model **ret_model, struct msp_error *err)
{
	const struct msp_model_info *info;
	enum msp_status status = msp_plugin_load_model(plugin, NULL, ret_shared, &info, err);
	return status == MSP_OK ? msp_plugin_open(plugin, *ret_shared, NULL, info, ret_model, err) : status;
}

static void release(const struct msp_plugin *plugin, struct msp_model_shared *shared, struct msp_model *model)
{
	if (model)
		plugin->symbol->close(model);
	if (shared)
		plugin->symbol->unload(shared);
}

/* The plugin is one; its model cannot be loaded or opened. */
static void check_open_refused(const char *name, enum msp_status status, const char *part)
{
	struct msp_plugin plugin;
	struct msp_error err = {0};
	assert_int_equal(load(name, &plugin, &err), MSP_OK);
	struct msp_model_shared *shared = NULL;
	struct msp_model *model = NULL;
	assert_int_equal(load_and_open(&plugin, &shared, &model, &err), status);
	assert_null(model);
	assert_non_null(strstr(err.text, part));
	assert_non_null(strstr(err.text, name));
	release(&plugin, shared, NULL);
	msp_plugin_unload(&plugin);
}

static void by_name(void **state)
{
	(void)state;
	struct msp_plugin plugin;
	assert_int_equal(load("plain", &plugin, NULL), MSP_OK);
	assert_string_equal(plugin.path, TEST_MODELS "/plain.so");
	assert_int_equal(plugin.symbol->abi, MSP_MODEL_ABI);
	assert_string_equal(plugin.symbol->info->name, "variant");
	msp_plugin_unload(&plugin);
	assert_null(plugin.handle);
	msp_plugin_unload(&plugin);
}

static void by_absolute_path(void **state)
{
	(void)state;
	struct msp_plugin plugin;
	assert_int_equal(msp_plugin_load(TEST_MODELS "/plain.so", NULL, &plugin, NULL), MSP_OK);
	assert_string_equal(plugin.path, TEST_MODELS "/plain.so");
	msp_plugin_unload(&plugin);
}

static void first_directory_wins(void **state)
{
	(void)state;
	char directory[] = "/tmp/msp-plugin-XXXXXX";
	assert_non_null(mkdtemp(directory));
	char link_path[PATH_MAX], search_path[PATH_MAX];
	snprintf(link_path, sizeof(link_path), "%s/plain.so", directory);
	snprintf(search_path, sizeof(search_path), "/nowhere::%s:" TEST_MODELS, directory);
	assert_int_equal(symlink(TEST_MODELS "/plain_2.so", link_path), 0);
	struct msp_plugin plugin;
	assert_int_equal(msp_plugin_load("plain", search_path, &plugin, NULL), MSP_OK);
	assert_int_equal(plugin.symbol->info->major, 2);
	msp_plugin_unload(&plugin);
	unlink(link_path);
	rmdir(directory);
}

static void empty_directory_is_not_the_working_directory(void **state)
{
	(void)state;
	char before[PATH_MAX];
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(TEST_MODELS), 0);
	struct msp_plugin plugin;
	assert_int_equal(msp_plugin_load("plain", ":", &plugin, NULL), MSP_E_NOT_FOUND);
	assert_int_equal(msp_plugin_load("plain", ".", &plugin, NULL), MSP_OK);
	assert_string_equal(plugin.path, TEST_MODELS "/plain.so");
	msp_plugin_unload(&plugin);
	assert_int_equal(chdir(before), 0);
}

static void missing(void **state)
{
	(void)state;
	check_refused("no_such_model", MSP_E_NOT_FOUND, "no_such_model", TEST_MODELS);
	check_refused("/no/such/model.so", MSP_E_NOT_FOUND, "/no/such/model.so", "no plugin");
	check_refused("./plain.so", MSP_E_INVALID, "./plain.so", "absolute path");
	check_refused("", MSP_E_INVALID, "''", "plain name");
	struct msp_plugin plugin;
	assert_int_equal(msp_plugin_load("plain", NULL, &plugin, NULL), MSP_E_NOT_FOUND);
}

static void not_a_shared_object(void **state)
{
	(void)state;
	char path[] = "/tmp/msp-plugin-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "text\n", 5), 5);
	close(fd);
	check_refused(path, MSP_E_INVALID, "cannot load plugin", path);
	unlink(path);
}

static void not_a_model(void **state)
{
	(void)state;
	check_refused("no_symbol", MSP_E_INVALID, "no_symbol.so", "no symbol msp_model_plugin");
	check_refused("undefined_symbol", MSP_E_INVALID, "cannot load plugin", "variant_undefined");
}

static void another_abi(void **state)
{
	(void)state;
	char ours[32];
	snprintf(ours, sizeof(ours), "this program has %u", MSP_MODEL_ABI);
	check_refused("wrong_abi", MSP_E_UNSUPPORTED, "ABI 4242", ours);
	snprintf(ours, sizeof(ours), "expects %zu", sizeof(struct msp_model_plugin));
	check_refused("wrong_size", MSP_E_UNSUPPORTED, "4243 bytes", ours);
}

static void a_function_is_missing(void **state)
{
	(void)state;
	check_refused("no_load", MSP_E_INVALID, "no_load.so", "'load'");
	check_refused("no_unload", MSP_E_INVALID, "no_unload.so", "'unload'");
	check_refused("no_open", MSP_E_INVALID, "no_open.so", "'open'");
	check_refused("no_predict", MSP_E_INVALID, "no_predict.so", "'predict'");
	check_refused("no_close", MSP_E_INVALID, "no_close.so", "'close'");
}

static void load_or_open_fails(void **state)
{
	(void)state;
	check_open_refused("load_silent", MSP_E_NOT_FOUND, "load failed without a reason");
	check_open_refused("load_refused", MSP_E_NOT_FOUND, "the model file is not there");
	check_open_refused("load_empty", MSP_E_INVALID, "without a model");
	check_open_refused("open_silent", MSP_E_NOT_FOUND, "open failed without a reason");
	check_open_refused("open_refused", MSP_E_NOT_FOUND, "the model file is not there");
	check_open_refused("open_empty", MSP_E_INVALID, "without a model");
}

static void bad_metadata(void **state)
{
	(void)state;
	check_open_refused("no_info", MSP_E_INVALID, "does not say what it is");
	check_open_refused("no_name", MSP_E_INVALID, "no name");
	check_open_refused("bad_name", MSP_E_INVALID, "'two words'");
	check_open_refused("bad_version", MSP_E_INVALID, "1.-1");
	check_open_refused("no_input_schema", MSP_E_INVALID, "no input schema");
	check_open_refused("no_output_schema", MSP_E_INVALID, "no output schema");
	check_open_refused("bad_input_schema", MSP_E_INVALID, "input schema of model 'variant'");
	check_open_refused("bad_output_schema", MSP_E_INVALID, "output schema of model 'variant'");
}

static void open_fills_the_base(void **state)
{
	(void)state;
	static const struct {
		const char *plugin, *name;
	} cases[] = {{"plain", "variant"}, {"info_from_load", "learnt"}, {"same_info", "variant"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msp_plugin plugin;
		assert_int_equal(load(cases[i].plugin, &plugin, NULL), MSP_OK);
		struct msp_model_shared *shared = NULL;
		struct msp_model *model;
		assert_int_equal(load_and_open(&plugin, &shared, &model, NULL), MSP_OK);
		assert_ptr_equal(model->plugin, plugin.symbol);
		assert_string_equal(model->info->name, cases[i].name);
		release(&plugin, shared, model);
		msp_plugin_unload(&plugin);
	}
}

static void instances_say_what_the_first_said(void **state)
{
	(void)state;
	check_open_refused("other_info", MSP_E_CONFLICT, "variant/1.0 has another output schema than the first");
}

static void *loader_main(void *context)
{
	const struct msp_plugin *plugin = context;
	struct msp_model_shared *shared = NULL;
	struct msp_model *model = NULL;
	if (load_and_open(plugin, &shared, &model, NULL) != MSP_OK)
		return NULL;
	release(plugin, shared, model);
	return context;
}

static void loads_wait_for_each_other(void **state)
{
	(void)state;
	struct msp_plugin plugin;
	assert_int_equal(load("load_alone", &plugin, NULL), MSP_OK);
	pthread_t threads[8];
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, loader_main, &plugin), 0);
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		void *loaded;
		pthread_join(threads[i], &loaded);
		assert_ptr_equal(loaded, &plugin);
	}
	msp_plugin_unload(&plugin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_name),
	    cmocka_unit_test(by_absolute_path),
	    cmocka_unit_test(first_directory_wins),
	    cmocka_unit_test(empty_directory_is_not_the_working_directory),
	    cmocka_unit_test(missing),
	    cmocka_unit_test(not_a_shared_object),
	    cmocka_unit_test(not_a_model),
	    cmocka_unit_test(another_abi),
	    cmocka_unit_test(a_function_is_missing),
	    cmocka_unit_test(load_or_open_fails),
	    cmocka_unit_test(bad_metadata),
	    cmocka_unit_test(open_fills_the_base),
	    cmocka_unit_test(instances_say_what_the_first_said),
	    cmocka_unit_test(loads_wait_for_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
