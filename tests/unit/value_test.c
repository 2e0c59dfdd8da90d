#include "check.h"

#include <msp/value.h>

#include <math.h>

static int set_up(void **state)
{
	static struct msp_arena arena;
	msp_arena_init(&arena, 1 << 20);
	*state = &arena;
	return 0;
}

static int tear_down(void **state)
{
	msp_arena_done(*state);
	return 0;
}

static struct msp_value object_of(struct msp_arena *arena, const char *a, struct msp_value a_value, const char *b,
                                  struct msp_value b_value)
{
	struct msp_value object;
	assert_true(msp_value_object(arena, 2, &object));
	msp_value_set(&object, 0, a, a_value);
	msp_value_set(&object, 1, b, b_value);
	return object;
}

static struct msp_value array_of(struct msp_arena *arena, struct msp_value a, struct msp_value b)
{
	struct msp_value array;
	assert_true(msp_value_array(arena, 2, &array));
	array.as.items[0] = a;
	array.as.items[1] = b;
	return array;
}

static void new_members_and_items_are_null(void **state)
{
	struct msp_arena *arena = *state;
	struct msp_value object, array;
	memset(msp_arena_alloc(arena, 1000), 0xff, 1000);
	msp_arena_reset(arena, 1 << 20);
	assert_true(msp_value_object(arena, 3, &object));
	assert_true(msp_value_array(arena, 3, &array));
	assert_int_equal(object.type, MSP_OBJECT);
	assert_int_equal(array.type, MSP_ARRAY);
	for (uint32_t i = 0; i < 3; i++) {
		assert_null(object.as.members[i].name);
		assert_int_equal(object.as.members[i].value.type, MSP_NULL);
		assert_int_equal(array.as.items[i].type, MSP_NULL);
	}
	assert_true(msp_value_object(arena, 0, &object));
	assert_int_equal(object.count, 0);
	assert_null(msp_value_member(&object, ""));
}

static void too_many_for_the_arena(void **state)
{
	struct msp_arena *arena = *state;
	struct msp_value value;
	assert_false(msp_value_object(arena, UINT32_MAX, &value));
	assert_int_equal(msp_arena_status(arena), MSP_E_LIMIT);
	assert_false(msp_value_array(arena, UINT32_MAX, &value));
	assert_int_equal(msp_arena_status(arena), MSP_E_LIMIT);
}

static void members_are_found_by_their_whole_name(void **state)
{
	struct msp_value object = object_of(*state, "ab", msp_value_integer(1), "abc", msp_value_integer(2));
	assert_int_equal(msp_value_member(&object, "ab")->as.integer, 1);
	assert_int_equal(msp_value_member(&object, "abc")->as.integer, 2);
	assert_null(msp_value_member(&object, "a"));
	assert_null(msp_value_member(&object, ""));
	assert_null(msp_value_member(&object, "abcd"));
	object.as.members[0].name = "a\0b";
	object.as.members[0].name_size = 3;
	assert_null(msp_value_member(&object, "a"));
	object.as.members[0].name_size = 0;
	assert_int_equal(msp_value_member(&object, "")->as.integer, 1);
}

static void only_objects_have_members(void **state)
{
	struct msp_value array = array_of(*state, msp_value_null(), msp_value_null());
	struct msp_value string = msp_value_string("a");
	assert_null(msp_value_member(&array, "a"));
	assert_null(msp_value_member(&string, "a"));
}

static void equal_values(void **state)
{
	struct msp_arena *arena = *state;
	struct msp_value one = msp_value_integer(1), text = msp_value_string("x");
	struct msp_value binary = {.type = MSP_BINARY, .count = 1, .as.binary = (const unsigned char *)"x"};
	struct {
		struct msp_value a, b;
		bool equal;
	} cases[] = {
	    {msp_value_null(), msp_value_null(), true},
	    {msp_value_null(), msp_value_boolean(false), false},
	    {msp_value_boolean(true), msp_value_boolean(true), true},
	    {msp_value_boolean(true), msp_value_boolean(false), false},
	    {one, msp_value_integer(1), true},
	    {one, msp_value_number(1), false},
	    {msp_value_integer(INT64_MIN), msp_value_integer(INT64_MAX), false},
	    {msp_value_number(0.0), msp_value_number(-0.0), true},
	    {msp_value_number(1.5), msp_value_number(1.25), false},
	    {msp_value_number((double)NAN), msp_value_number((double)NAN), false},
	    {text, msp_value_string("x"), true},
	    {text, msp_value_string("y"), false},
	    {text, msp_value_string("xx"), false},
	    {msp_value_string(""), msp_value_string(""), true},
	    {text, binary, false},
	    {binary, binary, true},
	    {array_of(arena, one, text), array_of(arena, one, text), true},
	    {array_of(arena, one, text), array_of(arena, text, one), false},
	    {object_of(arena, "a", one, "b", text), object_of(arena, "a", one, "b", text), true},
	    {object_of(arena, "a", one, "b", text), object_of(arena, "b", text, "a", one), true},
	    {object_of(arena, "a", one, "b", text), object_of(arena, "a", text, "b", one), false},
	    {object_of(arena, "a", one, "b", text), object_of(arena, "a", one, "c", text), false},
	    {object_of(arena, "a", one, "b", text), array_of(arena, one, text), false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (msp_value_equal(&cases[i].a, &cases[i].b) != cases[i].equal ||
		    msp_value_equal(&cases[i].b, &cases[i].a) != cases[i].equal)
			fail_msg("case %zu", i);
	}
	struct msp_value two = cases[16].a, fewer = two;
	fewer.count = 1;
	assert_false(msp_value_equal(&two, &fewer));
}

static void a_copy_shares_nothing(void **state)
{
	struct msp_arena *arena = *state;
	char name[] = "name", text[] = "a\0b";
	unsigned char bytes[] = {1, 2, 3};
	struct msp_value string = {.type = MSP_STRING, .count = 3, .as.string = text};
	struct msp_value binary = {.type = MSP_BINARY, .count = 3, .as.binary = bytes};
	struct msp_value value =
	    object_of(arena, name, array_of(arena, string, msp_value_number(2.5)), "empty", msp_value_string(""));
	struct msp_value outer = object_of(arena, "inner", value, "binary", binary);

	struct msp_arena other;
	msp_arena_init(&other, 1 << 16);
	struct msp_value copy;
	assert_true(msp_value_copy(&other, &outer, &copy));
	assert_true(msp_value_equal(&outer, &copy));
	memset(name, 'x', 4);
	memset(text, 'x', 3);
	memset(bytes, 'x', 3);
	msp_arena_reset(arena, 0);

	const struct msp_value *items = msp_value_member(msp_value_member(&copy, "inner"), "name");
	assert_non_null(items);
	assert_memory_equal(items->as.items[0].as.string, "a\0b", 3);
	assert_memory_equal(msp_value_member(&copy, "binary")->as.binary, "\1\2\3", 3);
	msp_arena_done(&other);
}

static void a_copy_that_does_not_fit_changes_nothing(void **state)
{
	struct msp_value value = array_of(*state, msp_value_string("a"), msp_value_string("b"));
	struct msp_arena small;
	for (size_t most = 0; most < 200; most += 16) {
		msp_arena_init(&small, most);
		struct msp_value copy = msp_value_integer(7);
		if (!msp_value_copy(&small, &value, &copy))
			assert_int_equal(copy.as.integer, 7);
		msp_arena_done(&small);
	}
}

static void every_type_has_a_name(void **state)
{
	(void)state;
	static const char *const names[] = {"null",   "boolean", "integer", "number", "string",
	                                    "binary", "array",   "object",  "any"};
	for (int type = MSP_NULL; type <= (int)MSP_ANY; type++)
		assert_string_equal(msp_type_name((enum msp_type)type), names[type]);
	assert_string_equal(msp_type_name((enum msp_type)99), "unknown");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(new_members_and_items_are_null),
	    TEST(too_many_for_the_arena),
	    TEST(members_are_found_by_their_whole_name),
	    TEST(only_objects_have_members),
	    TEST(equal_values),
	    TEST(a_copy_shares_nothing),
	    TEST(a_copy_that_does_not_fit_changes_nothing),
	    TEST(every_type_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
