#include "check.h"

#include <msp/schema.h>

#include <math.h>

static void check_refused(const struct msp_schema *schema, const char *text)
{
	struct msp_error err;
	assert_int_equal(msp_schema_check(schema, &err), MSP_E_INVALID);
	assert_string_equal(err.text, text);
}

static void check_field_refused(struct msp_field field, const char *text)
{
	const struct msp_schema schema = {.fields = &field, .field_count = 1};
	check_refused(&schema, text);
}

static void good_tables(void **state)
{
	(void)state;
	static const char *const choices[] = {"x", "", NULL};
	static const struct msp_field item = {.type = MSP_INTEGER, .minimum = MSP_BOUND(1), .maximum = MSP_BOUND(1)};
	static const struct msp_field fields[] = {
	    {.name = "a", .type = MSP_STRING, .enumeration = choices},
	    {.name = "A", .type = MSP_ARRAY, .items = &item},
	    {.name = "\xc3\xa9", .type = MSP_OBJECT},
	    {.name = "any", .type = MSP_ANY, .nullable = true},
	};
	const struct msp_schema schema = {.fields = fields, .field_count = 4};
	assert_int_equal(msp_schema_check(&schema, NULL), MSP_OK);
	const struct msp_schema empty = {.additional = true};
	assert_int_equal(msp_schema_check(&empty, NULL), MSP_OK);
}

static void names(void **state)
{
	(void)state;
	check_field_refused((struct msp_field){.name = NULL}, "field 0 has no name");
	check_field_refused((struct msp_field){.name = ""}, "field 0 has no name");
	check_field_refused((struct msp_field){.name = "\xff"}, "field 0 has a name that is not UTF-8");
	static const struct msp_field twice[] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
	const struct msp_schema schema = {.fields = twice, .field_count = 3};
	check_refused(&schema, "field \"a\" is there twice");
	const struct msp_schema none = {.field_count = 2};
	check_refused(&none, "the schema counts 2 fields and has none");
}

static void types(void **state)
{
	(void)state;
	static const struct msp_field item = {.type = MSP_NULL};
	static const struct msp_schema object = {.additional = true};
	check_field_refused((struct msp_field){.name = "a", .type = (enum msp_type)99}, "field \"a\" has no known type");
	check_field_refused((struct msp_field){.name = "a", .type = MSP_STRING, .items = &item},
	                    "field \"a\" has items and is no array");
	check_field_refused((struct msp_field){.name = "a", .type = MSP_STRING, .object = &object},
	                    "field \"a\" has fields and is no object");
	check_field_refused((struct msp_field){.name = "a", .description = "\xff"},
	                    "field \"a\" has a description that is not UTF-8");
}

static void bounds(void **state)
{
	(void)state;
	check_field_refused((struct msp_field){.name = "a", .type = MSP_STRING, .minimum = MSP_BOUND(1)},
	                    "field \"a\" has bounds and is no number");
	check_field_refused((struct msp_field){.name = "a", .type = MSP_ANY, .maximum = MSP_BOUND(1)},
	                    "field \"a\" has bounds and is no number");
	check_field_refused(
	    (struct msp_field){.name = "a", .type = MSP_NUMBER, .minimum = MSP_BOUND(2), .maximum = MSP_BOUND(1)},
	    "field \"a\" has a minimum above its maximum");
	check_field_refused((struct msp_field){.name = "a", .type = MSP_NUMBER, .minimum = MSP_BOUND((double)NAN)},
	                    "field \"a\" has a bound that is no number");
}

static void enumerations(void **state)
{
	(void)state;
	static const char *const none[] = {NULL}, *const ill_formed[] = {"a", "\xff", NULL};
	check_field_refused((struct msp_field){.name = "a", .type = MSP_NUMBER, .enumeration = none},
	                    "field \"a\" has an enumeration and is no string");
	check_field_refused((struct msp_field){.name = "a", .type = MSP_STRING, .enumeration = none},
	                    "field \"a\" has an empty enumeration");
	check_field_refused((struct msp_field){.name = "a", .type = MSP_STRING, .enumeration = ill_formed},
	                    "field \"a\" has an enumeration that is not UTF-8");
}

static void what_is_nested_is_checked(void **state)
{
	(void)state;
	static const struct msp_field inner_fields[] = {{.name = "inner", .type = MSP_NULL, .minimum = MSP_BOUND(1)}};
	static const struct msp_schema inner = {.fields = inner_fields, .field_count = 1};
	check_field_refused((struct msp_field){.name = "a", .type = MSP_OBJECT, .object = &inner},
	                    "field \"inner\" has bounds and is no number");
	static const struct msp_field item = {.type = MSP_NULL, .minimum = MSP_BOUND(1)};
	check_field_refused((struct msp_field){.name = "a", .type = MSP_ARRAY, .items = &item},
	                    "field \"a\" has bounds and is no number");
}

/* `depth` fields, one within the other. */
static enum msp_status check_depth(int depth, struct msp_error *err)
{
	struct msp_field fields[40] = {0};
	struct msp_schema schemas[40] = {0};
	for (int i = 0; i < depth; i++) {
		schemas[i] = (struct msp_schema){.fields = &fields[i], .field_count = 1};
		fields[i] = (struct msp_field){.name = "f", .type = MSP_OBJECT};
		if (i + 1 < depth)
			fields[i].object = &schemas[i + 1];
	}
	return msp_schema_check(&schemas[0], err);
}

static void nesting_is_bounded(void **state)
{
	(void)state;
	struct msp_error err;
	assert_int_equal(check_depth(32, NULL), MSP_OK);
	assert_int_equal(check_depth(33, &err), MSP_E_INVALID);
	assert_string_equal(err.text, "field \"f\" is nested more than 32 deep");
	/* A table that contains itself. */
	struct msp_field field = {.name = "f", .type = MSP_OBJECT};
	struct msp_schema schema = {.fields = &field, .field_count = 1};
	field.object = &schema;
	check_refused(&schema, "field \"f\" is nested more than 32 deep");
	struct msp_field item = {.name = "f", .type = MSP_ARRAY};
	item.items = &item;
	check_field_refused(item, "field \"f\" is nested more than 32 deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_tables),
	    cmocka_unit_test(names),
	    cmocka_unit_test(types),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(enumerations),
	    cmocka_unit_test(what_is_nested_is_checked),
	    cmocka_unit_test(nesting_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
