/* Adding a model while the 1st, 2nd, … allocation fails: a clean error each time, and nothing is kept. */
#include "failing_malloc.h"

#include <msp/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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
	return msp_registry_add(registry, "faulty", &plugin, &options, "p", false, err);
}

static enum msp_status scenario(struct msp_error *err)
{
	struct msp_registry *registry;
	enum msp_status status = msp_registry_new(&registry, err);
	if (status != MSP_OK)
		return status;
	status = registry_fill(registry, err);
	msp_registry_free(registry);
	return status;
}

static void every_allocation_fails_in_turn(void **state)
{
	(void)state;
	if (!failing_malloc_works())
		skip();
	/* The plugin stays in the process, so that the dynamic linker's own allocations are out of the account. */
	struct msp_plugin kept;
	assert_int_equal(msp_plugin_load("faulty", TEST_MODELS, &kept, NULL), MSP_OK);
	bool failed = true;
	long nth = 0;
	for (; failed && nth < 1000; nth++) {
		struct msp_error err = {0};
		long live = failing_malloc_live();
		failing_malloc_after(nth);
		enum msp_status status = scenario(&err);
		failed = failing_malloc_stop();
		assert_int_equal(failing_malloc_live(), live);
		assert_int_equal(err.status, status);
		assert_true(failed || status == MSP_OK);
		assert_true((status != MSP_OK) == (err.text[0] != '\0'));
	}
	assert_false(failed);
	assert_true(nth > 5);
	msp_plugin_unload(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_in_turn)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
