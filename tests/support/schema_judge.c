#include "schema_recipe.h"

#include <math.h>

/* So many schemas are applied, one in another so deep, before references are taken for endless. */
#define FUEL      200000
#define DEPTH_MAX 100

struct judging {
	const struct msp_value *root;
	bool siblings;
	bool endless;
	int fuel;
	int depth;
};

static bool judge(struct judging *judging, const struct msp_value *node, const struct msp_value *value);

static const struct msp_value *keyword(const struct msp_value *node, const char *name, enum msp_type type)
{
	const struct msp_value *value = msp_value_member(node, name);
	return value && (value->type == type || type == MSP_ANY) ? value : NULL;
}

static bool is_number(const struct msp_value *value)
{
	return value->type == MSP_INTEGER || (value->type == MSP_NUMBER && isfinite(value->as.number));
}

/* Has room for every int64_t and every double. */
static long double number_of(const struct msp_value *value)
{
	return value->type == MSP_INTEGER ? (long double)value->as.integer : (long double)value->as.number;
}

static bool equal(const struct msp_value *a, const struct msp_value *b)
{
	if (is_number(a) && is_number(b))
		return number_of(a) == number_of(b);
	if (a->type == MSP_ARRAY && b->type == MSP_ARRAY && a->count == b->count) {
		for (uint32_t i = 0; i < a->count; i++) {
			if (!equal(&a->as.items[i], &b->as.items[i]))
				return false;
		}
		return true;
	}
	return msp_value_equal(a, b);
}

static bool is_integer(const struct msp_value *value)
{
	return value->type == MSP_INTEGER || (is_number(value) && floor(value->as.number) == value->as.number &&
	                                      value->as.number >= -0x1p63 && value->as.number < 0x1p63);
}

static bool is_text(const struct msp_value *value, const char *text)
{
	return value->type == MSP_STRING && value->count == strlen(text) &&
	       memcmp(value->as.string, text, value->count) == 0;
}

/* 1, 0, or -1: there is no such type. */
static int has_type(const struct msp_value *node, const struct msp_value *name, const struct msp_value *value)
{
	const struct msp_value *encoding = msp_value_member(node, "contentEncoding");
	bool binary = encoding && is_text(encoding, "base64");
	if (is_text(name, "null"))
		return value->type == MSP_NULL;
	if (is_text(name, "boolean"))
		return value->type == MSP_BOOLEAN;
	if (is_text(name, "integer"))
		return is_integer(value);
	if (is_text(name, "number"))
		return is_number(value);
	if (is_text(name, "string"))
		return value->type == (binary ? MSP_BINARY : MSP_STRING);
	if (is_text(name, "array"))
		return value->type == MSP_ARRAY;
	if (is_text(name, "object"))
		return value->type == MSP_OBJECT;
	return -1;
}

static bool judge_type(const struct msp_value *node, const struct msp_value *value)
{
	const struct msp_value *type = msp_value_member(node, "type");
	bool has = false;
	if (!type)
		return true;
	if (type->type != MSP_ARRAY)
		return has_type(node, type, value) != 0;
	for (uint32_t i = 0; i < type->count; i++) {
		int one = has_type(node, &type->as.items[i], value);
		if (one < 0)
			return true;
		has = has || one > 0;
	}
	return has || type->count == 0;
}

/* JSON has no other values. */
static bool is_choice(const struct msp_value *value)
{
	return value->type != MSP_BINARY && (value->type != MSP_NUMBER || isfinite(value->as.number));
}

static bool judge_choices(const struct msp_value *node, const struct msp_value *value)
{
	const struct msp_value *choices = keyword(node, "enum", MSP_ARRAY), *only = keyword(node, "const", MSP_ANY);
	bool found = !choices;
	for (uint32_t i = 0; choices && i < choices->count; i++)
		found = found || !is_choice(&choices->as.items[i]) || equal(&choices->as.items[i], value);
	return found && (!only || !is_choice(only) || equal(only, value));
}

static bool judge_limits(const struct msp_value *node, const struct msp_value *value)
{
	static const char *const names[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
	for (int i = 0; i < 4 && is_number(value); i++) {
		const struct msp_value *limit = msp_value_member(node, names[i]);
		if (!limit || !is_number(limit))
			continue;
		long double beyond = number_of(value) - number_of(limit);
		/* The difference of what is not equal may be rounded to none. */
		if (number_of(value) == number_of(limit) ? i >= 2 : (i % 2 == 0) == (beyond < 0))
			return false;
	}
	return true;
}

static bool names(const struct msp_value *object, const struct msp_member *member)
{
	for (uint32_t i = 0; object && i < object->count; i++) {
		const struct msp_member *other = &object->as.members[i];
		if (other->name_size == member->name_size && memcmp(other->name, member->name, member->name_size) == 0)
			return true;
	}
	return false;
}

static const struct msp_value *find(const struct msp_value *object, const char *name, size_t size)
{
	const struct msp_member wanted = {.name = name, .name_size = (uint32_t)size};
	for (uint32_t i = 0; object->type == MSP_OBJECT && i < object->count; i++) {
		const struct msp_value one = {.type = MSP_OBJECT, .count = 1, .as.members = &object->as.members[i]};
		if (names(&one, &wanted))
			return &object->as.members[i].value;
	}
	return NULL;
}

static bool judge_members(struct judging *judging, const struct msp_value *node, const struct msp_value *value)
{
	const struct msp_value *properties = keyword(node, "properties", MSP_OBJECT);
	const struct msp_value *required = keyword(node, "required", MSP_ARRAY);
	const struct msp_value *additional = keyword(node, "additionalProperties", MSP_ANY);
	const struct msp_value *patterns = keyword(node, "patternProperties", MSP_OBJECT);
	if (value->type != MSP_OBJECT)
		return true;
	for (uint32_t i = 0; required && i < required->count; i++) {
		const struct msp_value *name = &required->as.items[i];
		if (name->type == MSP_STRING && !find(value, name->as.string, name->count))
			return false;
	}
	for (uint32_t i = 0; i < value->count; i++) {
		const struct msp_member *member = &value->as.members[i];
		const struct msp_value *property = properties ? find(properties, member->name, member->name_size) : NULL;
		if (!property && additional && !(patterns && patterns->count))
			property = additional;
		if (property && !judge(judging, property, &member->value))
			return false;
	}
	return true;
}

/* Tuples accept whatever follows them. */
static bool judge_items(struct judging *judging, const struct msp_value *node, const struct msp_value *value)
{
	const struct msp_value *items = msp_value_member(node, "items"), *prefix = msp_value_member(node, "prefixItems");
	for (uint32_t i = 0; items && items->type != MSP_ARRAY && !prefix && value->type == MSP_ARRAY && i < value->count;
	     i++) {
		if (!judge(judging, items, &value->as.items[i]))
			return false;
	}
	return true;
}

static bool judge_combinations(struct judging *judging, const struct msp_value *node, const struct msp_value *value)
{
	static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
	const struct msp_value *not = keyword(node, "not", MSP_OBJECT);
	for (int which = 0; which < 3; which++) {
		const struct msp_value *list = keyword(node, lists[which], MSP_ARRAY);
		uint32_t accepting = 0;
		for (uint32_t i = 0; list && i < list->count; i++)
			accepting += judge(judging, &list->as.items[i], value);
		if (list && list->count && (which == 0 ? accepting < list->count : which == 1 ? accepting < 1 : accepting != 1))
			return false;
	}
	return !not || !judge(judging, not, value);
}

/* Of the pointers that schema_cook makes; anything else leads to a schema that accepts everything. */
static const struct msp_value *reference_follow(const struct judging *judging, const struct msp_value *reference)
{
	static const struct msp_value anything = {.type = MSP_BOOLEAN, .as.boolean = true};
	const struct msp_value *definitions = msp_value_member(judging->root, "$defs"), *found = NULL;
	if (is_text(reference, "#"))
		return judging->root;
	if (reference->type == MSP_STRING && reference->count == 9 && memcmp(reference->as.string, "#/$defs/", 8) == 0)
		found = definitions ? find(definitions, reference->as.string + 8, 1) : NULL;
	return found ? found : &anything;
}

static bool judge(struct judging *judging, const struct msp_value *node, const struct msp_value *value)
{
	if (judging->fuel-- <= 0 || judging->depth >= DEPTH_MAX)
		judging->endless = true;
	if (judging->endless || node->type != MSP_OBJECT)
		return node->type != MSP_BOOLEAN || node->as.boolean;
	const struct msp_value *reference = msp_value_member(node, "$ref");
	judging->depth++;
	bool accepted = !reference || judge(judging, reference_follow(judging, reference), value);
	if (!reference || judging->siblings)
		accepted = accepted && judge_type(node, value) && judge_choices(node, value) && judge_limits(node, value) &&
		           judge_members(judging, node, value) && judge_items(judging, node, value) &&
		           judge_combinations(judging, node, value);
	judging->depth--;
	return accepted;
}

enum schema_verdict schema_judge(const struct msp_value *json_schema, const struct msp_value *value, bool siblings)
{
	struct judging judging = {.root = json_schema, .siblings = siblings, .fuel = FUEL};
	bool accepted = judge(&judging, json_schema, value);
	return judging.endless ? SCHEMA_ENDLESS : accepted ? SCHEMA_ACCEPTS : SCHEMA_REFUSES;
}
