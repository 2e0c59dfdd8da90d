/* Schemas without end, and what happens when there is no room. */
#include "arena_test.h"
#include "check.h"
#include "torture.h"
#include "value_text.h"

#include <msp/schema.h>

/* `text` within so many objects or arrays. */
static struct msp_value nest(struct msp_arena *arena, const char *text, const char *keyword, int depth)
{
	struct msp_value value = value_read(text, arena);
	for (int i = 0; i < depth; i++) {
		struct msp_value outer = msp_value_null();
		assert_true(msp_value_object(arena, 2, &outer));
		msp_value_set(&outer, 0, "type", msp_value_string("array"));
		msp_value_set(&outer, 1, keyword, value);
		value = outer;
	}
	return value;
}

static enum msp_status parse_property(struct msp_arena *arena, struct msp_value property,
                                      struct msp_schema_omissions *omissions)
{
	struct msp_value properties = msp_value_null(), root = msp_value_null();
	const struct msp_schema *schema = NULL;
	assert_true(msp_value_object(arena, 1, &properties) && msp_value_object(arena, 1, &root));
	msp_value_set(&properties, 0, "a", property);
	msp_value_set(&root, 0, "properties", properties);
	enum msp_status status = msp_schema_parse(&root, arena, &schema, omissions, NULL);
	if (status == MSP_OK)
		assert_int_equal(msp_schema_check(schema, NULL), MSP_OK);
	return status;
}

static void deep_nesting(void **state)
{
	struct msp_schema_omissions omissions;
	assert_int_equal(parse_property(*state, nest(*state, "{'type':'string'}", "items", 31), &omissions), MSP_OK);
	assert_int_equal(omissions.count, 0);
	assert_int_equal(parse_property(*state, nest(*state, "{'type':'string'}", "items", 32), &omissions), MSP_OK);
	assert_int_equal(omissions.count, 1);
	assert_string_equal(omissions.list[0].keyword, "items");
	/* A place that is combined without end. */
	struct msp_value value = value_read("{'type':'string'}", *state);
	for (int i = 0; i < 100000; i++) {
		struct msp_value list = msp_value_null(), outer = msp_value_null();
		assert_true(msp_value_array(*state, 1, &list) && msp_value_object(*state, 1, &outer));
		list.as.items[0] = value;
		msp_value_set(&outer, 0, "allOf", list);
		value = outer;
	}
	assert_int_equal(parse_property(*state, value, &omissions), MSP_OK);
	assert_int_equal(omissions.count, 1);
	assert_string_equal(omissions.list[0].keyword, "schema");
}

/* Thirty definitions, each of which has the next twice: `before`, one, `between`, the other, `after`. */
static struct msp_value bomb(struct msp_arena *arena, const char *const parts[3])
{
	struct msp_value root = msp_value_null(), definitions = msp_value_null();
	assert_true(msp_value_object(arena, 30, &definitions) && msp_value_object(arena, 2, &root));
	for (uint32_t i = 0; i < 30; i++) {
		char *next = msp_arena_printf(arena, "{'$ref':'#/$defs/d%u'}", i + 1);
		char *text = msp_arena_printf(arena, "%s%s%s%s%s", parts[0], next, parts[1], next, parts[2]);
		msp_value_set(&definitions, i, msp_arena_printf(arena, "d%u", i), value_read(text, arena));
	}
	msp_value_set(&root, 0, "$defs", definitions);
	msp_value_set(&root, 1, "$ref", msp_value_string("#/$defs/d0"));
	return root;
}

static void bombs(void **state)
{
	static const char *const kinds[][3] = {
	    {"{'type':'object','properties':{'x':", ",'y':", "}}"},
	    {"{'allOf':[", ",", "]}"},
	    {"{'anyOf':[", ",", "]}"},
	};
	for (size_t i = 0; i < 3; i++) {
		const struct msp_schema *schema;
		struct msp_error err;
		struct msp_value value = bomb(*state, kinds[i]);
		assert_int_equal(msp_schema_parse(&value, *state, &schema, NULL, &err), MSP_E_LIMIT);
		assert_non_null(strstr(err.text, "too many parts"));
	}
}

/* A text of a megabyte, of which each of a thousand references would be another. */
static void long_texts(void **state)
{
	const uint32_t size = 1 << 20, count = 1000;
	struct msp_value root = value_read("{'properties':{},'$defs':{'s':{'description':''}}}", *state);
	struct msp_value properties = msp_value_null();
	const struct msp_schema *schema;
	char *text = msp_arena_alloc(*state, size);
	assert_true(text && msp_value_object(*state, count, &properties));
	memset(text, 'x', size);
	root.as.members[1].value.as.members[0].value.as.members[0].value =
	    (struct msp_value){.type = MSP_STRING, .count = size, .as.string = text};
	for (uint32_t i = 0; i < count; i++)
		msp_value_set(&properties, i, msp_arena_printf(*state, "%u", i), value_read("{'$ref':'#/$defs/s'}", *state));
	root.as.members[0].value = properties;
	struct msp_arena table;
	msp_arena_init(&table, SIZE_MAX);
	assert_int_equal(msp_schema_parse(&root, &table, &schema, NULL, NULL), MSP_E_LIMIT);
	assert_true(table.size < 32 << 20);
	msp_arena_done(&table);
}

/* Ten thousand fields, in the time of as many. */
static void wide(void **state)
{
	uint32_t count = 10000;
	struct msp_value root = value_read("{'properties':{},'required':[],'type':'object'}", *state);
	struct msp_value properties = msp_value_null(), required = msp_value_null(), names = msp_value_null();
	const struct msp_schema *schema;
	struct msp_schema_omissions omissions;
	assert_true(msp_value_object(*state, count, &properties) && msp_value_array(*state, count, &required));
	assert_true(msp_value_array(*state, count, &names));
	for (uint32_t i = 0; i < count; i++) {
		const char *name = msp_arena_printf(*state, "field_%u", i);
		required.as.items[count - 1 - i] = names.as.items[i] = msp_value_string(name);
		msp_value_set(&properties, i, name, value_read("{'type':'string','pattern':'x'}", *state));
	}
	properties.as.members[0].value.as.members[1] = (struct msp_member){"enum", 4, names};
	root.as.members[0].value = properties;
	root.as.members[1].value = required;
	assert_int_equal(msp_schema_parse(&root, *state, &schema, &omissions, NULL), MSP_OK);
	assert_int_equal(schema->field_count, count);
	assert_string_equal(schema->fields[0].enumeration[count - 1], "field_9999");
	assert_false(schema->fields[count - 1].optional);
	assert_true(omissions.more);
	assert_int_equal(omissions.count, MSP_SCHEMA_OMISSIONS_MAX);
}

static const char everything[] =
    "{'type':'object','title':'T','properties':{'a':{'enum':['x','y','x']},'b':{'$ref':'#/$defs/b'},"
    "'c':{'anyOf':[{'type':'integer','minimum':1},{'type':'null'}]},'d':{'type':'array','items':{'type':'string',"
    "'pattern':'x'}}},'required':['a','b','z'],'$defs':{'b':{'type':'object','properties':{'e':{'const':5}},"
    "'additionalProperties':{'type':'string'}}},'allOf':[{'properties':{'a':{'description':'d'}}}]}";

static enum msp_status parse_scenario(void *context)
{
	const struct msp_schema *schema;
	struct msp_schema_omissions omissions;
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	enum msp_status status = msp_schema_parse(context, &arena, &schema, &omissions, NULL);
	msp_arena_done(&arena);
	return status;
}

static void no_memory_is_answered(void **state)
{
	struct msp_value value = value_read(everything, *state);
	assert_true(torture_run(parse_scenario, &value) > 1);
}

static void no_room_is_answered(void **state)
{
	struct msp_value value = value_read(everything, *state);
	size_t refused = 0;
	for (size_t most = 0; most < 8192; most += 16) {
		const struct msp_schema *schema;
		struct msp_arena small;
		msp_arena_init(&small, most);
		enum msp_status status = msp_schema_parse(&value, &small, &schema, NULL, NULL);
		assert_true(status == MSP_E_LIMIT || (refused && status == MSP_OK));
		refused += status != MSP_OK;
		msp_arena_done(&small);
	}
	assert_true(refused > 10 && refused < 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ARENA_TEST(deep_nesting),
	    ARENA_TEST(bombs),
	    ARENA_TEST(long_texts),
	    ARENA_TEST(wide),
	    ARENA_TEST(no_memory_is_answered),
	    ARENA_TEST(no_room_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
