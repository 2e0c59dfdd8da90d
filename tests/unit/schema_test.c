#include "check.h"

#include <msp/schema.h>

#include <math.h>

static const struct msp_field iris_fields[] = {
    {.name = "sepal_length", .type = MSP_NUMBER, .minimum = MSP_BOUND(0), .maximum = MSP_BOUND(100)},
    {.name = "sepal_width", .type = MSP_NUMBER},
    {.name = "petal_length", .type = MSP_NUMBER},
    {.name = "petal_width", .type = MSP_NUMBER},
};
static const struct msp_schema iris = {.fields = iris_fields, .field_count = 4};

static int set_up(void **state)
{
	static struct msp_arena arena;
	msp_arena_init(&arena, 1 << 24);
	*state = &arena;
	return 0;
}

static int tear_down(void **state)
{
	msp_arena_done(*state);
	return 0;
}

static struct msp_value object_of(struct msp_arena *arena, uint32_t count)
{
	struct msp_value object;
	assert_true(msp_value_object(arena, count, &object));
	return object;
}

static struct msp_value array_of(struct msp_arena *arena, uint32_t count)
{
	struct msp_value array;
	assert_true(msp_value_array(arena, count, &array));
	return array;
}

/* An object with one member. */
static struct msp_value wrap(struct msp_arena *arena, const char *name, struct msp_value value)
{
	struct msp_value object = object_of(arena, 1);
	msp_value_set(&object, 0, name, value);
	return object;
}

static struct msp_value flower(struct msp_arena *arena)
{
	struct msp_value object = object_of(arena, 4);
	for (uint32_t i = 0; i < 4; i++)
		msp_value_set(&object, i, iris_fields[i].name, msp_value_number(i + 0.5));
	return object;
}

static void check_valid(const struct msp_schema *schema, struct msp_value *value)
{
	struct msp_violation violation;
	if (!msp_schema_validate(schema, value, &violation))
		fail_msg("%s: %s", violation.path, violation.text);
}

static void check_refused(const struct msp_schema *schema, struct msp_value *value, const char *path, const char *text)
{
	struct msp_violation violation;
	assert_false(msp_schema_validate(schema, value, &violation));
	assert_string_equal(violation.path, path);
	assert_string_equal(violation.text, text);
}

/* Against a schema of the one field `field`, whose name is "a". */
static void check_field_valid(struct msp_arena *arena, const struct msp_field *field, struct msp_value value,
                              struct msp_value expected)
{
	const struct msp_schema schema = {.fields = field, .field_count = 1};
	struct msp_value object = wrap(arena, "a", value);
	check_valid(&schema, &object);
	assert_true(msp_value_equal(&object.as.members[0].value, &expected));
}

static void check_field_refused(struct msp_arena *arena, const struct msp_field *field, struct msp_value value,
                                const char *text)
{
	const struct msp_schema schema = {.fields = field, .field_count = 1};
	struct msp_value object = wrap(arena, "a", value);
	check_refused(&schema, &object, "/a", text);
}

static void members_in_any_order(void **state)
{
	struct msp_value object = flower(*state);
	check_valid(&iris, &object);
	struct msp_member first = object.as.members[0];
	for (uint32_t i = 0; i < 3; i++)
		object.as.members[i] = object.as.members[i + 1];
	object.as.members[3] = first;
	check_valid(&iris, &object);
	for (uint32_t i = 0; i < 4; i++)
		msp_value_set(&object, i, iris_fields[3 - i].name, msp_value_number(i));
	check_valid(&iris, &object);
}

static void integers_become_numbers(void **state)
{
	struct msp_value object = flower(*state);
	object.as.members[1].value = msp_value_integer(-3);
	check_valid(&iris, &object);
	assert_int_equal(object.as.members[1].value.type, MSP_NUMBER);
	assert_true(object.as.members[1].value.as.number == -3);
}

static void the_value_must_be_an_object(void **state)
{
	struct msp_value array = array_of(*state, 0), null = msp_value_null(), number = msp_value_number(1);
	check_refused(&iris, &array, "", "the value must be an object, not an array");
	check_refused(&iris, &null, "", "the value must be an object, not null");
	check_refused(&iris, &number, "", "the value must be an object, not a number");
}

static void the_first_violation_in_the_order_of_fields(void **state)
{
	struct msp_value object = flower(*state);
	msp_value_set(&object, 0, "unknown", msp_value_null());
	object.as.members[3].value = msp_value_string("5.1");
	check_refused(&iris, &object, "/sepal_length", "\"sepal_length\" is required");
	msp_value_set(&object, 0, "sepal_length", msp_value_number(1));
	check_refused(&iris, &object, "/petal_width", "\"petal_width\" must be a number, not a string");
	object.as.members[1].value = msp_value_null();
	check_refused(&iris, &object, "/sepal_width", "\"sepal_width\" must be a number, not null");
}

static void unknown_members_are_refused_last(void **state)
{
	struct msp_value object = object_of(*state, 6), four = flower(*state);
	memcpy(object.as.members, four.as.members, 4 * sizeof(object.as.members[0]));
	msp_value_set(&object, 4, "x/y~z", msp_value_null());
	msp_value_set(&object, 5, "other", msp_value_null());
	check_refused(&iris, &object, "/x~1y~0z", "the value has a name that the schema does not have");
	object.as.members[2].value = msp_value_boolean(true);
	check_refused(&iris, &object, "/petal_length", "\"petal_length\" must be a number, not a boolean");

	struct msp_value nothing = object_of(*state, 0);
	const struct msp_schema empty = {.title = "empty"};
	check_valid(&empty, &nothing);
	struct msp_value something = wrap(*state, "", msp_value_null());
	check_refused(&empty, &something, "/", "the value has a name that the schema does not have");
}

static void names_are_compared_whole(void **state)
{
	static const struct msp_field field = {.name = "ab", .type = MSP_ANY};
	const struct msp_schema schema = {.fields = &field, .field_count = 1};
	static const struct {
		const char *name;
		uint32_t size;
	} others[] = {{"a", 1}, {"abc", 3}, {"ab\0", 3}, {"a\0", 2}, {"", 0}, {"AB", 2}, {"ab\0b", 4}};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct msp_value object = wrap(*state, "", msp_value_null());
		object.as.members[0].name = others[i].name;
		object.as.members[0].name_size = others[i].size;
		check_refused(&schema, &object, "/ab", "\"ab\" is required");
	}
}

static void additional_members_may_be_accepted(void **state)
{
	const struct msp_schema open = {.fields = iris_fields, .field_count = 1, .additional = true};
	struct msp_value object = flower(*state);
	check_valid(&open, &object);
	struct msp_value inner = array_of(*state, 2);
	inner.as.items[1] = wrap(*state, "deep", msp_value_number((double)INFINITY));
	object.as.members[2].value = inner;
	check_refused(&open, &object, "/petal_length/1/deep", "the value must be finite");
	const struct msp_schema anything = {.additional = true};
	struct msp_value nothing = object_of(*state, 0);
	check_valid(&anything, &nothing);
	check_refused(&anything, &object, "/petal_length/1/deep", "the value must be finite");
}

static void optional_fields(void **state)
{
	static const struct msp_field fields[] = {
	    {.name = "a", .type = MSP_INTEGER, .optional = true},
	    {.name = "b", .type = MSP_INTEGER},
	    {.name = "c", .type = MSP_INTEGER, .optional = true},
	};
	const struct msp_schema schema = {.fields = fields, .field_count = 3};
	struct msp_value object = wrap(*state, "b", msp_value_integer(1));
	check_valid(&schema, &object);
	object = object_of(*state, 2);
	msp_value_set(&object, 0, "c", msp_value_integer(1));
	msp_value_set(&object, 1, "b", msp_value_integer(1));
	check_valid(&schema, &object);
	msp_value_set(&object, 1, "a", msp_value_integer(1));
	check_refused(&schema, &object, "/b", "\"b\" is required");
	msp_value_set(&object, 1, "b", msp_value_integer(1));
	object.as.members[0].value = msp_value_null();
	check_refused(&schema, &object, "/c", "\"c\" must be an integer, not null");
}

static void nullable_fields(void **state)
{
	const struct msp_field field = {.name = "a", .type = MSP_NUMBER, .nullable = true, .minimum = MSP_BOUND(1)};
	check_field_valid(*state, &field, msp_value_null(), msp_value_null());
	check_field_valid(*state, &field, msp_value_integer(2), msp_value_number(2));
	check_field_refused(*state, &field, msp_value_boolean(true), "\"a\" must be a number or null, not a boolean");
	const struct msp_field null = {.name = "a", .type = MSP_NULL, .nullable = true};
	check_field_refused(*state, &null, msp_value_boolean(true), "\"a\" must be null, not a boolean");
}

static void every_type_takes_its_own(void **state)
{
	struct msp_arena *arena = *state;
	const struct msp_value values[] = {
	    msp_value_null(),      msp_value_boolean(true),
	    msp_value_integer(5),  msp_value_number(5.5),
	    msp_value_string("x"), {.type = MSP_BINARY, .count = 1, .as.binary = (const unsigned char *)"x"},
	    array_of(arena, 0),    object_of(arena, 0),
	};
	for (int type = MSP_NULL; type <= (int)MSP_ANY; type++) {
		const struct msp_field field = {.name = "a", .type = (enum msp_type)type};
		const struct msp_schema schema = {.fields = &field, .field_count = 1};
		for (int i = 0; i < 8; i++) {
			struct msp_value object = wrap(arena, "a", values[i]);
			struct msp_violation violation;
			bool expected = type == i || type == MSP_ANY || (type == MSP_NUMBER && i == MSP_INTEGER);
			if (msp_schema_validate(&schema, &object, &violation) != expected)
				fail_msg("%s for %s", msp_type_name((enum msp_type)i), msp_type_name((enum msp_type)type));
		}
	}
}

static void numbers_without_fraction_become_integers(void **state)
{
	const struct msp_field field = {.name = "a", .type = MSP_INTEGER};
	check_field_valid(*state, &field, msp_value_number(5.0), msp_value_integer(5));
	check_field_valid(*state, &field, msp_value_number(-0.0), msp_value_integer(0));
	check_field_valid(*state, &field, msp_value_number(-0x1p63), msp_value_integer(INT64_MIN));
	check_field_valid(*state, &field, msp_value_number(0x1.fffffffffffffp62),
	                  msp_value_integer(INT64_C(9223372036854774784)));
	check_field_refused(*state, &field, msp_value_number(5.1),
	                    "\"a\" must be an integer, not a number with a fraction");
	check_field_refused(*state, &field, msp_value_number(0x1p63), "\"a\" must be an integer of 64 bits");
	check_field_refused(*state, &field, msp_value_number(-0x1.0000000000001p63), "\"a\" must be an integer of 64 bits");
	check_field_refused(*state, &field, msp_value_string("5"), "\"a\" must be an integer, not a string");
}

static void nan_and_infinities_are_refused_everywhere(void **state)
{
	static const enum msp_type types[] = {MSP_NUMBER, MSP_INTEGER, MSP_ANY};
	const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 3; j++) {
			const struct msp_field field = {.name = "a", .type = types[i]};
			check_field_refused(*state, &field, msp_value_number(bad[j]), "\"a\" must be finite");
		}
	}
	const struct msp_field object = {.name = "a", .type = MSP_OBJECT};
	const struct msp_schema schema = {.fields = &object, .field_count = 1};
	struct msp_value value = wrap(*state, "a", wrap(*state, "b", msp_value_number((double)NAN)));
	check_refused(&schema, &value, "/a/b", "the value must be finite");
}

static void bounds_are_inclusive(void **state)
{
	const struct msp_field number = {
	    .name = "a", .type = MSP_NUMBER, .minimum = MSP_BOUND(-1.5), .maximum = MSP_BOUND(0.1)};
	check_field_valid(*state, &number, msp_value_number(-1.5), msp_value_number(-1.5));
	check_field_valid(*state, &number, msp_value_number(0.1), msp_value_number(0.1));
	check_field_refused(*state, &number, msp_value_number(-1.5000001), "\"a\" must be at least -1.5");
	check_field_refused(*state, &number, msp_value_integer(1), "\"a\" must be at most 0.1");

	const struct msp_field integer = {
	    .name = "a", .type = MSP_INTEGER, .minimum = MSP_BOUND(0.5), .maximum = MSP_BOUND(9.5)};
	check_field_valid(*state, &integer, msp_value_integer(1), msp_value_integer(1));
	check_field_valid(*state, &integer, msp_value_number(9), msp_value_integer(9));
	check_field_refused(*state, &integer, msp_value_integer(0), "\"a\" must be at least 0.5");
	check_field_refused(*state, &integer, msp_value_integer(10), "\"a\" must be at most 9.5");
}

static void bounds_of_large_integers_are_exact(void **state)
{
	const struct msp_field field = {
	    .name = "a", .type = MSP_INTEGER, .minimum = MSP_BOUND(-0x1p53), .maximum = MSP_BOUND(0x1p53)};
	const int64_t most = INT64_C(1) << 53;
	check_field_valid(*state, &field, msp_value_integer(most), msp_value_integer(most));
	check_field_refused(*state, &field, msp_value_integer(most + 1), "\"a\" must be at most 9007199254740992");
	check_field_refused(*state, &field, msp_value_integer(-most - 1), "\"a\" must be at least -9007199254740992");

	const struct msp_field wide = {
	    .name = "a", .type = MSP_INTEGER, .minimum = MSP_BOUND(-1e300), .maximum = MSP_BOUND(1e300)};
	check_field_valid(*state, &wide, msp_value_integer(INT64_MIN), msp_value_integer(INT64_MIN));
	check_field_valid(*state, &wide, msp_value_integer(INT64_MAX), msp_value_integer(INT64_MAX));
	const struct msp_field none = {
	    .name = "a", .type = MSP_INTEGER, .minimum = MSP_BOUND(1e300), .maximum = MSP_BOUND(2e300)};
	check_field_refused(*state, &none, msp_value_integer(INT64_MAX), "\"a\" must be at least 1e+300");
	const struct msp_field below = {.name = "a", .type = MSP_INTEGER, .maximum = MSP_BOUND(-1e300)};
	check_field_refused(*state, &below, msp_value_integer(INT64_MIN), "\"a\" must be at most -1e+300");
}

static void enumerations(void **state)
{
	static const char *const species[] = {"setosa", "versicolor", "virginica", "", NULL};
	const struct msp_field field = {.name = "a", .type = MSP_STRING, .enumeration = species};
	check_field_valid(*state, &field, msp_value_string("setosa"), msp_value_string("setosa"));
	check_field_valid(*state, &field, msp_value_string(""), msp_value_string(""));
	static const char *const refused[] = {"Setosa", "setos", "setosaa"};
	for (size_t i = 0; i < 3; i++)
		check_field_refused(*state, &field, msp_value_string(refused[i]),
		                    "\"a\" must be one of \"setosa\", \"versicolor\", \"virginica\", \"\"");
	struct msp_value with_nul = {.type = MSP_STRING, .count = 7, .as.string = "setosa\0"};
	check_field_refused(*state, &field, with_nul,
	                    "\"a\" must be one of \"setosa\", \"versicolor\", \"virginica\", \"\"");
}

static void a_long_enumeration_is_cut(void **state)
{
	const char *many[101];
	for (size_t i = 0; i < 100; i++)
		many[i] = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";
	many[100] = NULL;
	const struct msp_field field = {.name = "a", .type = MSP_STRING, .enumeration = many};
	const struct msp_schema schema = {.fields = &field, .field_count = 1};
	struct msp_value object = wrap(*state, "a", msp_value_string("x"));
	struct msp_violation violation;
	assert_false(msp_schema_validate(&schema, &object, &violation));
	assert_true(msp_bytes_are_utf8(msp_bytes_of_string(violation.text)));
	assert_in_range(strlen(violation.text), MSP_ERROR_TEXT_SIZE - 8, MSP_ERROR_TEXT_SIZE - 1);
}

static void arrays_of_typed_items(void **state)
{
	static const struct msp_field item = {.type = MSP_NUMBER, .maximum = MSP_BOUND(9)};
	const struct msp_field field = {.name = "a", .type = MSP_ARRAY, .items = &item};
	const struct msp_schema schema = {.fields = &field, .field_count = 1};
	struct msp_value array = array_of(*state, 12);
	for (uint32_t i = 0; i < 12; i++)
		array.as.items[i] = msp_value_integer(i < 10 ? i : 0);
	struct msp_value object = wrap(*state, "a", array);
	check_valid(&schema, &object);
	assert_int_equal(array.as.items[3].type, MSP_NUMBER);
	array.as.items[11] = msp_value_integer(10);
	check_refused(&schema, &object, "/a/11", "item of \"a\" must be at most 9");
	array.as.items[0] = msp_value_null();
	check_refused(&schema, &object, "/a/0", "item of \"a\" must be a number, not null");
	struct msp_value not_array = wrap(*state, "a", msp_value_integer(1));
	check_refused(&schema, &not_array, "/a", "\"a\" must be an array, not an integer");
	struct msp_value empty = wrap(*state, "a", array_of(*state, 0));
	check_valid(&schema, &empty);
}

static void arrays_and_objects_within_each_other(void **state)
{
	static const struct msp_field point_fields[] = {{.name = "x/", .type = MSP_INTEGER}};
	static const struct msp_schema point = {.fields = point_fields, .field_count = 1};
	static const struct msp_field point_item = {.type = MSP_OBJECT, .object = &point};
	static const struct msp_field row_item = {.type = MSP_ARRAY, .items = &point_item};
	static const struct msp_field fields[] = {{.name = "rows", .type = MSP_ARRAY, .items = &row_item}};
	static const struct msp_schema schema = {.fields = fields, .field_count = 1};

	struct msp_value row = array_of(*state, 2);
	row.as.items[0] = wrap(*state, "x/", msp_value_number(1));
	row.as.items[1] = wrap(*state, "x/", msp_value_number(1.5));
	struct msp_value rows = array_of(*state, 1);
	rows.as.items[0] = row;
	struct msp_value object = wrap(*state, "rows", rows);
	check_refused(&schema, &object, "/rows/0/1/x~1", "\"x/\" must be an integer, not a number with a fraction");
	row.as.items[1] = msp_value_boolean(true);
	check_refused(&schema, &object, "/rows/0/1", "item of \"rows\" must be an object, not a boolean");
	row.as.items[1] = wrap(*state, "y", msp_value_number(1));
	check_refused(&schema, &object, "/rows/0/1/x~1", "\"x/\" is required");
	row.as.items[1] = wrap(*state, "x/", msp_value_number(2));
	check_valid(&schema, &object);
	assert_int_equal(row.as.items[1].as.members[0].value.as.integer, 2);
}

static void paths_are_cut_at_a_whole_token(void **state)
{
	const struct msp_schema anything = {.additional = true};
	char name[MSP_PATH_SIZE + 10];
	memset(name, '~', sizeof(name));
	/* "/" and two bytes for each "~" */
	size_t fits = (MSP_PATH_SIZE - 2) / 2;
	name[fits] = '\0';
	struct msp_value object = wrap(*state, name, msp_value_number((double)NAN));
	struct msp_violation violation;
	assert_false(msp_schema_validate(&anything, &object, &violation));
	assert_int_equal(strlen(violation.path), 1 + 2 * fits);

	name[fits] = '~';
	name[fits + 1] = '\0';
	object = wrap(*state, name, msp_value_number((double)NAN));
	check_refused(&anything, &object, "", "the value must be finite");
	struct msp_value deep = wrap(*state, "a", wrap(*state, name, wrap(*state, "b", msp_value_number((double)NAN))));
	check_refused(&anything, &deep, "/a", "the value must be finite");
}

static void a_nul_in_a_name_cuts_the_path_before_it(void **state)
{
	const struct msp_schema anything = {.additional = true};
	struct msp_value inner = wrap(*state, "", msp_value_number((double)NAN));
	inner.as.members[0].name = "x\0y";
	inner.as.members[0].name_size = 3;
	struct msp_value object = wrap(*state, "a", inner);
	check_refused(&anything, &object, "/a", "the value must be finite");
}

static void many_members(void **state)
{
	struct msp_value object = object_of(*state, 100000);
	for (uint32_t i = 0; i < object.count; i++)
		msp_value_set(&object, i, msp_arena_printf(*state, "m%u", i), msp_value_integer(i));
	check_refused(&iris, &object, "/sepal_length", "\"sepal_length\" is required");
	const struct msp_schema anything = {.additional = true};
	check_valid(&anything, &object);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(members_in_any_order),
	    TEST(integers_become_numbers),
	    TEST(the_value_must_be_an_object),
	    TEST(the_first_violation_in_the_order_of_fields),
	    TEST(unknown_members_are_refused_last),
	    TEST(names_are_compared_whole),
	    TEST(additional_members_may_be_accepted),
	    TEST(optional_fields),
	    TEST(nullable_fields),
	    TEST(every_type_takes_its_own),
	    TEST(numbers_without_fraction_become_integers),
	    TEST(nan_and_infinities_are_refused_everywhere),
	    TEST(bounds_are_inclusive),
	    TEST(bounds_of_large_integers_are_exact),
	    TEST(enumerations),
	    TEST(a_long_enumeration_is_cut),
	    TEST(arrays_of_typed_items),
	    TEST(arrays_and_objects_within_each_other),
	    TEST(paths_are_cut_at_a_whole_token),
	    TEST(a_nul_in_a_name_cuts_the_path_before_it),
	    TEST(many_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
