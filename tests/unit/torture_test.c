/* What core does when there is no memory; and whether the harness that asks would notice if it did wrong. */
#include "check.h"
#include "torture.h"

#include <msp/failure.h>
#include <msp/option.h>
#include <msp/schema.h>

#include <errno.h>
#include <stdlib.h>

static enum msp_status arena_scenario(void *context)
{
	(void)context;
	enum msp_status status = MSP_OK;
	struct msp_arena arena;
	msp_arena_init(&arena, 1 << 20);
	for (int round = 0; round < 3 && status == MSP_OK; round++) {
		struct msp_bytes copy;
		for (int i = 0; i < 100 && status == MSP_OK; i++) {
			if (!msp_arena_alloc(&arena, 1000) || !msp_arena_printf(&arena, "%d", i) ||
			    !msp_arena_copy(&arena, MSP_BYTES_LITERAL("copy"), &copy))
				status = msp_arena_status(&arena);
		}
		msp_arena_reset(&arena, round ? 10000 : 1 << 20);
	}
	msp_arena_done(&arena);
	return status;
}

static enum msp_status value_scenario(void *context)
{
	(void)context;
	struct msp_arena arena, other;
	msp_arena_init(&arena, 1 << 20);
	msp_arena_init(&other, 1 << 20);
	struct msp_value object, array, copy;
	bool made = msp_value_object(&arena, 2, &object) && msp_value_array(&arena, 1000, &array);
	if (made) {
		msp_value_set(&object, 0, "text", msp_value_string("text"));
		msp_value_set(&object, 1, "array", array);
	}
	made = made && msp_value_copy(&other, &object, &copy);
	msp_arena_done(&other);
	msp_arena_done(&arena);
	return made ? MSP_OK : MSP_E_NO_MEMORY;
}

static enum msp_status buffer_scenario(void *context)
{
	(void)context;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 1 << 20);
	enum msp_status status = MSP_OK;
	for (int i = 0; i < 1000 && status == MSP_OK; i++) {
		size_t before = buffer.size;
		status = msp_buffer_printf(&buffer, "%d", i);
		if (status == MSP_OK)
			status = msp_buffer_append_string(&buffer, " a string of some length");
		else if (buffer.size != before)
			status = MSP_E_INTERNAL;
	}
	msp_buffer_done(&buffer);
	return status;
}

struct settings {
	const char *first, *second;
};

static const struct msp_option options[] = {
    {.name = "first", .type = MSP_OPTION_STRING, .offset = offsetof(struct settings, first), .default_text = "a"},
    {.name = "second", .type = MSP_OPTION_STRING, .offset = offsetof(struct settings, second), .default_text = "b"},
};
static const struct msp_option_table table = MSP_OPTION_TABLE(options, struct settings);

static enum msp_status option_scenario(void *context)
{
	(void)context;
	struct settings settings;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, 1 << 10);
	enum msp_status status = msp_options_init(&table, &settings, NULL);
	if (status == MSP_OK)
		status = msp_option_set(&options[0], &settings, "another", NULL);
	if (status == MSP_OK)
		status = msp_option_format(&options[0], &settings, &buffer);
	if (status == MSP_OK)
		status = msp_option_type_text(&options[1], &buffer);
	msp_options_done(&table, &settings);
	msp_buffer_done(&buffer);
	return status;
}

static enum msp_status describe_scenario(void *context)
{
	(void)context;
	static const char *const choices[] = {"x", "y", NULL};
	static const struct msp_field point_fields[] = {{.name = "x", .type = MSP_NUMBER, .nullable = true}};
	static const struct msp_schema point = {.fields = point_fields, .field_count = 1};
	static const struct msp_field item = {.type = MSP_OBJECT, .object = &point};
	struct msp_field fields[100];
	for (size_t i = 0; i < 100; i++)
		fields[i] = i % 2 ? (struct msp_field){.name = "f", .type = MSP_ARRAY, .items = &item}
		                  : (struct msp_field){.name = "f", .type = MSP_STRING, .enumeration = choices};
	const struct msp_schema schema = {.fields = fields, .field_count = 100};
	struct msp_arena arena;
	struct msp_value description;
	msp_arena_init(&arena, 1 << 20);
	enum msp_status status = msp_schema_describe(&schema, &arena, &description);
	msp_arena_done(&arena);
	return status;
}

static enum msp_status record_scenario(void *context)
{
	(void)context;
	struct msp_arena arena;
	msp_arena_init(&arena, 1 << 20);
	const struct msp_error_context error_context = {.model = "m/0.1", .group = "g"};
	struct msp_message input = {.value = MSP_BYTES_LITERAL("{}"), .topic = "t", .offset = 1}, record;
	bool made = true;
	for (int i = 0; i < 50 && made; i++) {
		const struct msp_failure *failure = msp_failure_new(&arena, MSP_FAILURE_MALFORMED, "why", "/a");
		made = failure && msp_error_record(&arena, &error_context, &input, failure, MSP_OMIT_NOTHING, &record);
	}
	enum msp_status status = made ? MSP_OK : msp_arena_status(&arena);
	msp_arena_done(&arena);
	return status;
}

static void core_without_memory(void **state)
{
	(void)state;
	assert_in_range(torture_run(arena_scenario, NULL), 3, 1000);
	assert_in_range(torture_run(value_scenario, NULL), 2, 1000);
	assert_in_range(torture_run(buffer_scenario, NULL), 5, 1000);
	assert_in_range(torture_run(option_scenario, NULL), 4, 1000);
	assert_in_range(torture_run(describe_scenario, NULL), 2, 1000);
	assert_in_range(torture_run(record_scenario, NULL), 2, 1000);
}

/* Every function of the allocator, with the outcome of each in `context`. */
static enum msp_status allocator_scenario(void *context)
{
	bool *errno_was_set = context;
	void *memory[6] = {NULL};
	errno = 0;
	memory[0] = malloc(1);
	memory[1] = calloc(2, 3);
	memory[2] = realloc(NULL, 4);
	memory[3] = strdup("abc");
	memory[4] = strndup("abc", 2);
	if (posix_memalign(&memory[5], 64, 128) != 0)
		memory[5] = NULL;
	bool complete = true;
	for (int i = 0; i < 6; i++)
		complete = complete && memory[i];
	if (complete) {
		void *larger = realloc(memory[2], 1000);
		complete = larger != NULL;
		memory[2] = larger ? larger : memory[2];
	}
	*errno_was_set = errno == ENOMEM;
	for (int i = 0; i < 6; i++)
		free(memory[i]);
	if (!complete && !*errno_was_set)
		return MSP_E_INTERNAL;
	return complete ? MSP_OK : MSP_E_NO_MEMORY;
}

static void every_function_of_the_allocator_fails_in_turn(void **state)
{
	(void)state;
	bool errno_was_set = false;
	assert_int_equal(torture_run(allocator_scenario, &errno_was_set), 7);
}

static enum msp_status leaking_scenario(void *context)
{
	void **leaked = context;
	void *first = malloc(10);
	void *second = first ? malloc(10) : NULL;
	if (first && !second) {
		*leaked = first;
		return MSP_E_NO_MEMORY;
	}
	free(second);
	free(first);
	return second ? MSP_OK : MSP_E_NO_MEMORY;
}

static enum msp_status blind_scenario(void *context)
{
	(void)context;
	void *volatile memory = malloc(10); /* volatile: compilers leave out what nobody looks at */
	free(memory);
	return MSP_OK;
}

static enum msp_status wrong_scenario(void *context)
{
	(void)context;
	void *volatile memory = malloc(10);
	bool complete = memory != NULL;
	free(memory);
	return complete ? MSP_OK : MSP_E_INTERNAL;
}

static enum msp_status broken_scenario(void *context)
{
	(void)context;
	return MSP_E_NO_MEMORY;
}

/* cmocka counts a test that fails as a failure of the group, so that each of these runs as a group of its own. */
static void torture_leak(void **state)
{
	torture_run(leaking_scenario, *state);
}

static void torture_blind(void **state)
{
	torture_run(blind_scenario, *state);
}

static void torture_wrong(void **state)
{
	torture_run(wrong_scenario, *state);
}

static void torture_broken(void **state)
{
	torture_run(broken_scenario, *state);
}

/* True when the harness fails each scenario that does wrong. */
static bool harness_notices(void)
{
	void *leaked = NULL;
	const struct CMUnitTest wrong[] = {
	    cmocka_unit_test_prestate(torture_leak, &leaked),
	    cmocka_unit_test_prestate(torture_blind, NULL),
	    cmocka_unit_test_prestate(torture_wrong, NULL),
	    cmocka_unit_test_prestate(torture_broken, NULL),
	};
	int failed = cmocka_run_group_tests_name("4 that must fail", wrong, NULL, NULL);
	bool noticed = failed == 4 && leaked;
	free(leaked);
	return noticed;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(core_without_memory),
	    cmocka_unit_test(every_function_of_the_allocator_fails_in_turn),
	};
	if (torture_works() && !harness_notices()) {
		print_error("the harness lets wrong scenarios pass\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
