#include "check.h"

#include <msp/schema.h>

#include <stdio.h>

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

#define APPEND(...) assert_int_equal(msp_buffer_printf(__VA_ARGS__), MSP_OK)

/* Writes the few kinds of values that a description has, so that a test can show the whole. */
static void show(const struct msp_value *value, struct msp_buffer *to)
{
	if (value->type == MSP_BOOLEAN)
		APPEND(to, "%s", value->as.boolean ? "true" : "false");
	else if (value->type == MSP_NULL)
		APPEND(to, "null");
	else if (value->type == MSP_INTEGER)
		APPEND(to, "%lld", (long long)value->as.integer);
	else if (value->type == MSP_NUMBER)
		APPEND(to, "%g", value->as.number);
	else if (value->type == MSP_STRING)
		APPEND(to, "'%.*s'", (int)value->count, value->as.string);
	else if (value->type == MSP_ARRAY) {
		for (uint32_t i = 0; i < value->count; i++) {
			APPEND(to, "%s", i ? "," : "[");
			show(&value->as.items[i], to);
		}
		APPEND(to, "%s", value->count ? "]" : "[]");
	} else {
		for (uint32_t i = 0; i < value->count; i++) {
			const struct msp_member *member = &value->as.members[i];
			APPEND(to, "%s%.*s:", i ? "," : "{", (int)member->name_size, member->name);
			show(&member->value, to);
		}
		APPEND(to, "%s", value->count ? "}" : "{}");
	}
}

static void check_described(struct msp_arena *arena, const struct msp_schema *schema, const char *expected)
{
	struct msp_value description;
	assert_int_equal(msp_schema_describe(schema, arena, &description), MSP_OK);
	struct msp_buffer shown;
	msp_buffer_init(&shown, 10000);
	show(&description, &shown);
	assert_bytes_equal(msp_buffer_bytes(&shown), expected);
	msp_buffer_done(&shown);
}

#define DRAFT "$schema:'https://json-schema.org/draft/2020-12/schema',"

static void check_field(struct msp_arena *arena, struct msp_field field, const char *expected)
{
	field.name = "a";
	field.optional = true;
	const struct msp_schema schema = {.fields = &field, .field_count = 1, .additional = true};
	char whole[1000];
	snprintf(whole, sizeof(whole), "{" DRAFT "type:'object',properties:{a:%s}}", expected);
	check_described(arena, &schema, whole);
}

static void a_whole_schema(void **state)
{
	static const struct msp_field fields[] = {
	    {.name = "length", .type = MSP_NUMBER, .minimum = MSP_BOUND(0), .description = "in cm"},
	    {.name = "note", .type = MSP_STRING, .optional = true},
	    {.name = "count", .type = MSP_INTEGER},
	};
	const struct msp_schema schema = {.title = "Iris", .description = "A flower", .fields = fields, .field_count = 3};
	check_described(*state, &schema,
	                "{" DRAFT "title:'Iris',description:'A flower',type:'object',"
	                "properties:{length:{description:'in cm',type:'number',minimum:0},note:{type:'string'},"
	                "count:{type:'integer'}},required:['length','count'],additionalProperties:false}");
}

static void schemas_without_fields(void **state)
{
	const struct msp_schema anything = {.additional = true}, nothing = {.title = NULL};
	check_described(*state, &anything, "{" DRAFT "type:'object',properties:{}}");
	check_described(*state, &nothing, "{" DRAFT "type:'object',properties:{},additionalProperties:false}");
}

static void types(void **state)
{
	check_field(*state, (struct msp_field){.type = MSP_NULL}, "{type:'null'}");
	check_field(*state, (struct msp_field){.type = MSP_NULL, .nullable = true}, "{type:'null'}");
	check_field(*state, (struct msp_field){.type = MSP_BOOLEAN}, "{type:'boolean'}");
	check_field(*state, (struct msp_field){.type = MSP_BINARY}, "{type:'string',contentEncoding:'base64'}");
	check_field(*state, (struct msp_field){.type = MSP_ARRAY}, "{type:'array'}");
	check_field(*state, (struct msp_field){.type = MSP_OBJECT}, "{type:'object'}");
	check_field(*state, (struct msp_field){.type = MSP_ANY}, "{}");
	check_field(*state, (struct msp_field){.type = MSP_ANY, .nullable = true}, "{}");
	check_field(*state, (struct msp_field){.type = MSP_NUMBER, .nullable = true}, "{type:['number','null']}");
}

static void bounds(void **state)
{
	check_field(*state, (struct msp_field){.type = MSP_NUMBER, .minimum = MSP_BOUND(-1.5), .maximum = MSP_BOUND(1e300)},
	            "{type:'number',minimum:-1.5,maximum:1e+300}");
	check_field(*state, (struct msp_field){.type = MSP_INTEGER, .maximum = MSP_BOUND(100)},
	            "{type:'integer',maximum:100}");
}

static void enumerations(void **state)
{
	static const char *const species[] = {"setosa", "virginica", NULL};
	check_field(*state, (struct msp_field){.type = MSP_STRING, .enumeration = species},
	            "{type:'string',enum:['setosa','virginica']}");
	check_field(*state, (struct msp_field){.type = MSP_STRING, .enumeration = species, .nullable = true},
	            "{type:['string','null'],enum:['setosa','virginica',null]}");
}

static void nested(void **state)
{
	static const struct msp_field point_fields[] = {{.name = "x", .type = MSP_NUMBER}};
	static const struct msp_schema point = {.fields = point_fields, .field_count = 1};
	static const struct msp_field item = {.type = MSP_OBJECT, .object = &point};
	static const struct msp_field row = {.type = MSP_ARRAY, .items = &item};
	check_field(*state, (struct msp_field){.type = MSP_ARRAY, .items = &row},
	            "{type:'array',items:{type:'array',items:{type:'object',properties:{x:{type:'number'}},"
	            "required:['x'],additionalProperties:false}}}");
}

static void everything_at_once_fits(void **state)
{
	static const char *const values[] = {"x", NULL};
	check_field(*state,
	            (struct msp_field){.type = MSP_STRING, .nullable = true, .enumeration = values, .description = "d"},
	            "{description:'d',type:['string','null'],enum:['x',null]}");
}

static void no_room_is_answered(void **state)
{
	(void)state;
	static const struct msp_field fields[] = {{.name = "a", .type = MSP_NUMBER}, {.name = "b", .type = MSP_NUMBER}};
	const struct msp_schema schema = {.fields = fields, .field_count = 2};
	for (size_t most = 0; most < 256; most += 16) {
		struct msp_arena small;
		struct msp_value description;
		msp_arena_init(&small, most);
		assert_int_equal(msp_schema_describe(&schema, &small, &description), MSP_E_LIMIT);
		msp_arena_done(&small);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_whole_schema),
	    TEST(schemas_without_fields),
	    TEST(types),
	    TEST(bounds),
	    TEST(enumerations),
	    TEST(nested),
	    TEST(everything_at_once_fits),
	    TEST(no_room_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
