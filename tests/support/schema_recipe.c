#include "schema_recipe.h"

#include "value_recipe.h"

#include <stdlib.h>

#define MEMBERS_MAX 16
#define DEPTH_MAX   4

static void must(bool condition)
{
	if (!condition)
		abort();
}

static unsigned take(struct schema_recipe *recipe, unsigned below)
{
	if (recipe->left == 0)
		return 0;
	recipe->left--;
	return *recipe->data++ % below;
}

/* An object that is being made. */
struct object {
	struct msp_member members[MEMBERS_MAX];
	uint32_t count;
};

/* A name stands once; the first value stays. */
static void add(struct object *object, const char *name, struct msp_value value)
{
	uint32_t size = (uint32_t)strlen(name);
	for (uint32_t i = 0; i < object->count; i++) {
		if (object->members[i].name_size == size && memcmp(object->members[i].name, name, size) == 0)
			return;
	}
	must(object->count < MEMBERS_MAX);
	object->members[object->count++] = (struct msp_member){name, size, value};
}

static struct msp_value object_end(struct schema_recipe *recipe, const struct object *object)
{
	struct msp_value value;
	must(msp_value_object(recipe->arena, object->count, &value));
	if (object->count)
		memcpy(value.as.members, object->members, object->count * sizeof(object->members[0]));
	return value;
}

static struct msp_value array_new(struct schema_recipe *recipe, uint32_t count)
{
	struct msp_value array;
	must(msp_value_array(recipe->arena, count, &array));
	return array;
}

static const char *name_take(struct schema_recipe *recipe)
{
	static const char *const names[] = {"a", "b", "c", "a", "b", "a/~", "\xc3\xa9", ""};
	return names[take(recipe, 8)];
}

static struct msp_value number_take(struct schema_recipe *recipe)
{
	static const double numbers[] = {0.5, -1.5, 1.0, 2.0, -0.0, 1e300, 9007199254740992.0, 9223372036854775808.0};
	static const int64_t integers[] = {
	    0, 1, -1, 2, 5, INT64_MAX, INT64_MIN, INT64_C(9007199254740993),
	};
	unsigned which = take(recipe, 16);
	return which < 8 ? msp_value_integer(integers[which]) : msp_value_number(numbers[which - 8]);
}

static struct msp_value scalar_take(struct schema_recipe *recipe)
{
	static const char *const texts[] = {"", "a", "b", "c"};
	switch (take(recipe, 6)) {
	case 0:
		return msp_value_null();
	case 1:
		return msp_value_boolean(take(recipe, 2));
	case 2:
	case 3:
		return number_take(recipe);
	default:
		return msp_value_string(texts[take(recipe, 4)]);
	}
}

/* ---- JSON Schemas ---- */

static struct msp_value node_take(struct schema_recipe *recipe, int depth);

static struct msp_value type_take(struct schema_recipe *recipe)
{
	static const char *const types[] = {"object", "integer", "number", "string", "array", "null", "boolean", "object"};
	unsigned which = take(recipe, 24);
	if (which < 16)
		return msp_value_string(types[which % 8]);
	struct msp_value array = array_new(recipe, which % 3 + 1);
	for (uint32_t i = 0; i < array.count; i++)
		array.as.items[i] = msp_value_string(i ? types[take(recipe, 8)] : "null");
	return array;
}

static struct msp_value scalars_take(struct schema_recipe *recipe)
{
	struct msp_value array = array_new(recipe, take(recipe, 5));
	bool texts = take(recipe, 2);
	for (uint32_t i = 0; i < array.count; i++)
		array.as.items[i] = texts ? msp_value_string(name_take(recipe)) : scalar_take(recipe);
	return array;
}

static struct msp_value nodes_take(struct schema_recipe *recipe, int depth)
{
	struct msp_value array = array_new(recipe, take(recipe, 3) + 1);
	for (uint32_t i = 0; i < array.count; i++)
		array.as.items[i] = node_take(recipe, depth + 1);
	return array;
}

static struct msp_value properties_take(struct schema_recipe *recipe, int depth)
{
	struct object object = {.count = 0};
	for (unsigned i = take(recipe, 4) + 1; i > 0; i--) {
		const char *name = name_take(recipe);
		add(&object, name, node_take(recipe, depth + 1));
	}
	return object_end(recipe, &object);
}

static struct msp_value required_take(struct schema_recipe *recipe)
{
	struct msp_value array = array_new(recipe, take(recipe, 3));
	for (uint32_t i = 0; i < array.count; i++)
		array.as.items[i] = msp_value_string(name_take(recipe));
	return array;
}

static struct msp_value or_null_take(struct schema_recipe *recipe, int depth)
{
	struct msp_value array = array_new(recipe, 2);
	struct object null = {.count = 0};
	add(&null, "type", msp_value_string("null"));
	unsigned at = take(recipe, 2);
	array.as.items[at] = node_take(recipe, depth + 1);
	array.as.items[1 - at] = object_end(recipe, &null);
	return array;
}

/* Keywords of which a table says nothing. */
static void odd_add(struct schema_recipe *recipe, struct object *node, int depth)
{
	static const char *const names[] = {"not",    "pattern", "if", "prefixItems", "patternProperties",
	                                    "format", "$id",     "x"};
	const char *name = names[take(recipe, 8)];
	switch (take(recipe, 4)) {
	case 0:
		add(node, name, scalar_take(recipe));
		break;
	case 1:
		add(node, name, nodes_take(recipe, depth));
		break;
	case 2:
		add(node, name, properties_take(recipe, depth));
		break;
	default:
		add(node, name, node_take(recipe, depth + 1));
	}
}

/* A keyword that has a value of any kind. */
static void wild_add(struct schema_recipe *recipe, struct object *node)
{
	static const char *const names[] = {"type",  "enum",  "minimum", "properties",           "required", "items",
	                                    "anyOf", "allOf", "$ref",    "additionalProperties", "minItems", "oneOf"};
	unsigned which = take(recipe, 12);
	unsigned size = take(recipe, 32);
	size = size < recipe->left ? size : (unsigned)recipe->left;
	add(node, names[which], value_cook(msp_bytes_of(recipe->data, size), recipe->arena));
	recipe->data += size;
	recipe->left -= size;
}

static void combination_add(struct schema_recipe *recipe, struct object *node, int depth)
{
	static const char *const references[] = {"#/$defs/a", "#/$defs/b", "#/$defs/c", "#", "#/$defs/a%7e/x", "#/no"};
	switch (take(recipe, 6)) {
	case 0:
		add(node, "$ref", msp_value_string(references[take(recipe, 6)]));
		break;
	case 1:
		add(node, "anyOf", or_null_take(recipe, depth));
		break;
	case 2:
		add(node, "oneOf", or_null_take(recipe, depth));
		break;
	case 3:
		add(node, "anyOf", nodes_take(recipe, depth));
		break;
	case 4:
		add(node, "oneOf", nodes_take(recipe, depth));
		break;
	default:
		add(node, "allOf", nodes_take(recipe, depth));
	}
}

static void keyword_add(struct schema_recipe *recipe, struct object *node, int depth)
{
	static const char *const limits[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
	unsigned which = take(recipe, 24);
	if (which < 5)
		add(node, "type", type_take(recipe));
	else if (which < 9)
		add(node, limits[which - 5], number_take(recipe));
	else if (which == 9)
		add(node, "enum", scalars_take(recipe));
	else if (which == 10)
		add(node, "const", scalar_take(recipe));
	else if (which == 11)
		add(node, "contentEncoding", msp_value_string(take(recipe, 4) ? "base64" : "8bit"));
	else if (which == 12)
		add(node, "description", msp_value_string("text"));
	else if (which == 13)
		odd_add(recipe, node, depth);
	else if (which == 14)
		wild_add(recipe, node);
	else if (which < 17)
		add(node, "properties", properties_take(recipe, depth));
	else if (which == 17)
		add(node, "required", required_take(recipe));
	else if (which == 18)
		add(node, "additionalProperties", take(recipe, 4) ? msp_value_boolean(false) : node_take(recipe, depth + 1));
	else if (which == 19)
		add(node, "items", node_take(recipe, depth + 1));
	else
		combination_add(recipe, node, depth);
}

static struct msp_value node_take(struct schema_recipe *recipe, int depth)
{
	struct object node = {.count = 0};
	unsigned count = take(recipe, 5);
	if (depth >= DEPTH_MAX || (count == 0 && take(recipe, 4) == 3)) {
		add(&node, "type", type_take(recipe));
		return take(recipe, 8) == 7 ? msp_value_boolean(take(recipe, 2)) : object_end(recipe, &node);
	}
	while (count-- > 0)
		keyword_add(recipe, &node, depth);
	return object_end(recipe, &node);
}

struct msp_value schema_cook(struct schema_recipe *recipe)
{
	static const char *const drafts[] = {
	    "https://json-schema.org/draft/2020-12/schema",
	    "http://json-schema.org/draft-07/schema#",
	};
	struct object root = {.count = 0};
	unsigned draft = take(recipe, 4), plain = take(recipe, 8);
	if (draft < 2)
		add(&root, "$schema", msp_value_string(drafts[draft]));
	if (plain < 7)
		add(&root, "type", msp_value_string("object"));
	if (plain < 6)
		add(&root, "properties", properties_take(recipe, 0));
	if (plain > 3)
		add(&root, "$defs", properties_take(recipe, 0));
	for (unsigned count = take(recipe, 4); count > 0; count--)
		keyword_add(recipe, &root, 0);
	return object_end(recipe, &root);
}

/* ---- values ---- */

static struct msp_value value_take(struct schema_recipe *recipe, int depth)
{
	unsigned which = take(recipe, 12);
	if (depth >= DEPTH_MAX || which < 6)
		return scalar_take(recipe);
	if (which == 6)
		return (struct msp_value){.type = MSP_BINARY, .count = 1, .as.binary = (const unsigned char *)"\xff"};
	if (which < 9) {
		struct msp_value array = array_new(recipe, take(recipe, 3));
		for (uint32_t i = 0; i < array.count; i++)
			array.as.items[i] = value_take(recipe, depth + 1);
		return array;
	}
	struct object object = {.count = 0};
	for (unsigned count = take(recipe, 4); count > 0; count--) {
		const char *name = name_take(recipe);
		add(&object, name, value_take(recipe, depth + 1));
	}
	return object_end(recipe, &object);
}

struct msp_value schema_value_cook(struct schema_recipe *recipe)
{
	struct object object = {.count = 0};
	for (unsigned count = take(recipe, 5); count > 0; count--) {
		const char *name = name_take(recipe);
		add(&object, name, value_take(recipe, 0));
	}
	return object_end(recipe, &object);
}

/* ---- tables ---- */

static const struct msp_schema *table_take(struct schema_recipe *recipe, int depth);

static const char *text_take(struct schema_recipe *recipe)
{
	static const char *const texts[] = {NULL, "", "A text.", "\xc3\xa9"};
	return texts[take(recipe, 4)];
}

static struct msp_bound bound_take(struct schema_recipe *recipe, double least)
{
	struct msp_value number = number_take(recipe);
	double value = number.type == MSP_INTEGER ? (double)number.as.integer : number.as.number;
	return (struct msp_bound){.set = value >= least && take(recipe, 2), .value = value};
}

static const char *const *enumeration_take(struct schema_recipe *recipe)
{
	static const char *const all[] = {"a", "", "\xc3\xa9", "a b", NULL};
	unsigned first = take(recipe, 8);
	return first < 4 ? all + first : NULL;
}

static struct msp_field field_take(struct schema_recipe *recipe, int depth)
{
	struct msp_field field = {.type = (enum msp_type)take(recipe, MSP_ANY + 1)};
	field.description = text_take(recipe);
	field.nullable = take(recipe, 2) && field.type != MSP_NULL && field.type != MSP_ANY;
	if (field.type == MSP_INTEGER || field.type == MSP_NUMBER) {
		field.minimum = bound_take(recipe, -1e308);
		field.maximum = bound_take(recipe, field.minimum.set ? field.minimum.value : -1e308);
	}
	if (field.type == MSP_STRING)
		field.enumeration = enumeration_take(recipe);
	if (field.type == MSP_OBJECT && depth < DEPTH_MAX && take(recipe, 4))
		field.object = table_take(recipe, depth + 1);
	if (field.type == MSP_ARRAY && depth < DEPTH_MAX && take(recipe, 4)) {
		struct msp_field *items = msp_arena_alloc(recipe->arena, sizeof(*items));
		must(items != NULL);
		*items = field_take(recipe, depth + 1);
		field.items = items;
	}
	return field;
}

static const struct msp_schema *table_take(struct schema_recipe *recipe, int depth)
{
	static const char *const names[] = {"a", "b", "a/~", "\xc3\xa9", "$ref"};
	size_t count = take(recipe, 6);
	struct msp_schema *schema = msp_arena_alloc(recipe->arena, sizeof(*schema));
	struct msp_field *fields = msp_arena_alloc_array(recipe->arena, count, sizeof(fields[0]));
	must(schema && fields);
	for (size_t i = 0; i < count; i++) {
		fields[i] = field_take(recipe, depth);
		fields[i].name = names[i];
		fields[i].optional = take(recipe, 2);
	}
	*schema = (struct msp_schema){.fields = fields, .field_count = count, .additional = take(recipe, 2)};
	return schema;
}

const struct msp_schema *schema_table_cook(struct schema_recipe *recipe)
{
	struct msp_schema *schema = msp_arena_alloc(recipe->arena, sizeof(*schema));
	must(schema != NULL);
	*schema = *table_take(recipe, 0);
	schema->title = text_take(recipe);
	schema->description = text_take(recipe);
	return schema;
}
