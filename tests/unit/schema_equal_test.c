#include "check.h"

#include <msp/schema.h>

static const char *const colours[] = {"red", "green", NULL};
static const char *const more_colours[] = {"red", "green", "blue", NULL};
static const struct msp_field inner[] = {{.name = "x", .type = MSP_NUMBER}};
static const struct msp_schema object = {.fields = inner, .field_count = 1};
static const struct msp_schema open_object = {.fields = inner, .field_count = 1, .additional = true};

static bool equal(const struct msp_field *a, const struct msp_field *b)
{
	const struct msp_schema left = {.fields = a, .field_count = 1}, right = {.fields = b, .field_count = 1};
	assert_true(msp_schema_equal(&left, &left));
	return msp_schema_equal(&left, &right);
}

static void each_part_of_a_field_counts(void **state)
{
	(void)state;
	const struct msp_field base = {
	    .name = "a",
	    .type = MSP_STRING,
	    .enumeration = colours,
	    .minimum = MSP_BOUND(0),
	    .items = inner,
	    .object = &object,
	};
	struct msp_field others[9];
	for (size_t i = 0; i < 9; i++)
		others[i] = base;
	others[0].name = "b";
	others[1].type = MSP_INTEGER;
	others[2].optional = true;
	others[3].nullable = true;
	others[4].minimum.value = 1;
	others[5].maximum = (struct msp_bound)MSP_BOUND(9);
	others[6].enumeration = more_colours;
	others[7].items = NULL;
	others[8].object = &open_object;
	for (size_t i = 0; i < 9; i++) {
		assert_false(equal(&base, &others[i]));
		assert_false(equal(&others[i], &base));
	}
}

static void words_for_people_do_not_count(void **state)
{
	(void)state;
	const struct msp_field plain = {.name = "a", .type = MSP_ANY};
	const struct msp_field described = {.name = "a", .type = MSP_ANY, .description = "in words"};
	assert_true(equal(&plain, &described));
	const struct msp_schema titled = {.title = "T", .description = "D", .fields = inner, .field_count = 1};
	assert_true(msp_schema_equal(&titled, &object));
	assert_false(msp_schema_equal(&open_object, &object));
	const struct msp_schema empty = {.field_count = 0};
	assert_false(msp_schema_equal(&empty, &object));
}

/* Of items neither the name nor whether they may be left out means anything. */
static void items_have_no_name(void **state)
{
	(void)state;
	static const struct msp_field named = {.name = "n", .type = MSP_NUMBER, .optional = true};
	static const struct msp_field nameless = {.type = MSP_NUMBER};
	const struct msp_field a = {.name = "a", .type = MSP_ARRAY, .items = &named};
	const struct msp_field b = {.name = "a", .type = MSP_ARRAY, .items = &nameless};
	assert_true(equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_part_of_a_field_counts),
	    cmocka_unit_test(words_for_people_do_not_count),
	    cmocka_unit_test(items_have_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
