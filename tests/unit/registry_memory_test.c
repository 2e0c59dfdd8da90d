/* Adding a model while the 1st, 2nd, … allocation fails: a clean error each time, and nothing is kept. */
#include "check.h"
#include "torture.h"

#include <msp/registry.h>

#include <stdlib.h>

static enum msp_status options_new(const struct msp_option_table *table, void **ret_options, struct msp_error *err)
{
	void *options = malloc(table->struct_size);
	if (!options)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the options");
	enum msp_status status = msp_options_init(table, options, err);
	if (status == MSP_OK)
		*ret_options = options;
	else
		free(options);
	return status;
}

static enum msp_status registry_fill(struct msp_registry *registry, struct msp_error *err)
{
	struct msp_plugin plugin;
	enum msp_status status = msp_plugin_load("faulty", TEST_MODELS, &plugin, err);
	if (status != MSP_OK)
		return status;
	void *options;
	status = options_new(plugin.symbol->options, &options, err);
	if (status != MSP_OK) {
		msp_plugin_unload(&plugin);
		return status;
	}
	struct msp_registry_entry *entry;
	status = msp_registry_add(registry, "faulty", &plugin, &options, &entry, err);
	if (status == MSP_OK)
		status = msp_registry_load(registry, entry, err);
	struct msp_model *model;
	if (status == MSP_OK)
		status = msp_registry_open(entry, &model, err);
	if (status == MSP_OK)
		model->plugin->close(model);
	return status;
}

static enum msp_status registry_scenario(void *context)
{
	(void)context;
	struct msp_error err = {0};
	struct msp_registry *registry;
	enum msp_status status = msp_registry_new("p", NULL, &registry, &err);
	if (status == MSP_OK) {
		status = registry_fill(registry, &err);
		msp_registry_free(registry);
	}
	bool explained = err.status == status && (status == MSP_OK || err.text[0] != '\0');
	return explained ? status : MSP_E_INTERNAL;
}

static void every_allocation_fails_in_turn(void **state)
{
	(void)state;
	/* The plugin stays in the process, so that the dynamic linker's own allocations are out of the account. */
	struct msp_plugin kept;
	assert_int_equal(msp_plugin_load("faulty", TEST_MODELS, &kept, NULL), MSP_OK);
	assert_true(torture_run(registry_scenario, NULL) > 5);
	msp_plugin_unload(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_in_turn)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
