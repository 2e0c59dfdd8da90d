#include "schema_shape.h"

#include "schema_keyword.h"

#include <math.h>

bool msp_schema_malformed(struct msp_schema_parser *parser, const struct msp_schema_place *place,
                          enum msp_schema_keyword keyword)
{
	return msp_schema_omit(parser, place, msp_schema_keyword_name(keyword), "is malformed and ignored");
}

void msp_schema_shape_narrow(struct msp_schema_shape *shape, unsigned types, const struct msp_schema_place *place,
                             const char *keyword)
{
	if ((shape->types & ~types) && !shape->narrowed) {
		shape->narrowed = place;
		shape->narrowed_by = keyword;
	}
	shape->types &= types;
}

static unsigned type_named(const struct msp_value *name)
{
	static const struct {
		const char *name;
		unsigned types;
	} types[] = {
	    {"null", MSP_SHAPE_NULL},     {"boolean", MSP_SHAPE_BOOLEAN}, {"integer", MSP_SHAPE_INTEGER},
	    {"number", MSP_SHAPE_NUMBER}, {"string", MSP_SHAPE_STRING},   {"array", MSP_SHAPE_ARRAY},
	    {"object", MSP_SHAPE_OBJECT},
	};
	for (size_t i = 0; name->type == MSP_STRING && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strlen(types[i].name) == name->count && memcmp(types[i].name, name->as.string, name->count) == 0)
			return types[i].types;
	}
	return 0;
}

/* The types that `type` names; 0 when it is malformed. */
static unsigned types_named(const struct msp_value *type)
{
	bool several = type->type == MSP_ARRAY;
	const struct msp_value *names = several ? type->as.items : type;
	uint32_t count = several ? type->count : 1;
	unsigned types = 0;
	for (uint32_t i = 0; i < count; i++) {
		unsigned named = type_named(&names[i]);
		if (!named)
			return 0;
		types |= named;
	}
	return types;
}

/* *ret_types: those that are named, or 0. */
static bool add_type(struct msp_schema_parser *parser, struct msp_schema_shape *shape, const struct msp_value *type,
                     const struct msp_schema_place *place, unsigned *ret_types)
{
	*ret_types = type ? types_named(type) : 0;
	if (!type)
		return true;
	if (!*ret_types)
		return msp_schema_malformed(parser, place, MSP_KEYWORD_TYPE);
	shape->says_number = shape->says_number || (*ret_types & MSP_SHAPE_FRACTION);
	msp_schema_shape_narrow(shape, *ret_types, place, "type");
	return msp_schema_step(parser, type->type == MSP_ARRAY ? type->count : 1);
}

/* The types of a value, as far as a schema can tell them apart; 0: JSON has no such value. */
static unsigned value_types(const struct msp_value *value)
{
	static const unsigned types[] = {
	    [MSP_NULL] = MSP_SHAPE_NULL,     [MSP_BOOLEAN] = MSP_SHAPE_BOOLEAN, [MSP_INTEGER] = MSP_SHAPE_NUMBER,
	    [MSP_NUMBER] = MSP_SHAPE_NUMBER, [MSP_STRING] = MSP_SHAPE_STRING,   [MSP_BINARY] = 0,
	    [MSP_ARRAY] = MSP_SHAPE_ARRAY,   [MSP_OBJECT] = MSP_SHAPE_OBJECT,
	};
	return value->type == MSP_NUMBER && !isfinite(value->as.number) ? 0 : types[value->type];
}

static bool add_choices(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                        const struct msp_value *values, uint32_t count, const struct msp_schema_place *place,
                        enum msp_schema_keyword keyword)
{
	unsigned types = 0;
	if (!msp_schema_step(parser, count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		unsigned one = value_types(&values[i]);
		if (!one)
			return msp_schema_malformed(parser, place, keyword);
		types |= one;
	}
	struct msp_schema_choices *choices = msp_schema_alloc(parser, &parser->scratch, 1, sizeof(*choices));
	if (!choices)
		return false;
	const char *name = msp_schema_keyword_name(keyword);
	*choices = (struct msp_schema_choices){shape->choices, values, count, place, name};
	shape->choices = choices;
	msp_schema_shape_narrow(shape, types, place, name);
	return true;
}

static bool add_limit(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                      const struct msp_schema_keywords *keywords, enum msp_schema_keyword keyword,
                      const struct msp_schema_place *place)
{
	const struct msp_value *value = keywords->by[keyword];
	if (!value)
		return true;
	if (value->type != MSP_INTEGER && (value->type != MSP_NUMBER || !isfinite(value->as.number)))
		return msp_schema_malformed(parser, place, keyword);
	bool lower = keyword == MSP_KEYWORD_MINIMUM || keyword == MSP_KEYWORD_EXCLUSIVE_MINIMUM;
	struct msp_schema_limit limit = {.set = true, .value = *value, .place = place};
	limit.exclusive = keyword == MSP_KEYWORD_EXCLUSIVE_MINIMUM || keyword == MSP_KEYWORD_EXCLUSIVE_MAXIMUM;
	limit.keyword = msp_schema_keyword_name(keyword);
	msp_schema_limit_tighten(lower ? &shape->minimum : &shape->maximum, &limit,
	                         lower ? MSP_SCHEMA_LOWER : MSP_SCHEMA_UPPER);
	return true;
}

/* Only what `types` name a string may be a binary value. */
static bool add_encoding(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                         const struct msp_value *encoding, const struct msp_schema_place *place, unsigned types)
{
	if (!encoding || !(shape->types & MSP_SHAPE_STRING))
		return true;
	struct msp_value base64 = msp_value_string("base64");
	if (!(types & MSP_SHAPE_STRING) || !msp_value_equal(encoding, &base64))
		return msp_schema_omit(parser, place, "contentEncoding", "is not checked");
	if (shape->encoding == MSP_SCHEMA_PLAIN)
		shape->encoding = MSP_SCHEMA_BASE64;
	return true;
}

static bool add_scalars(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                        const struct msp_schema_keywords *keywords, const struct msp_schema_place *place)
{
	const struct msp_value *choices = keywords->by[MSP_KEYWORD_ENUM], *only = keywords->by[MSP_KEYWORD_CONST];
	unsigned types;
	if (!add_type(parser, shape, keywords->by[MSP_KEYWORD_TYPE], place, &types))
		return false;
	if (choices && choices->type != MSP_ARRAY && !msp_schema_malformed(parser, place, MSP_KEYWORD_ENUM))
		return false;
	if (choices && choices->type == MSP_ARRAY &&
	    !add_choices(parser, shape, choices->as.items, choices->count, place, MSP_KEYWORD_ENUM))
		return false;
	if (only && !add_choices(parser, shape, only, 1, place, MSP_KEYWORD_CONST))
		return false;
	return add_limit(parser, shape, keywords, MSP_KEYWORD_MINIMUM, place) &&
	       add_limit(parser, shape, keywords, MSP_KEYWORD_MAXIMUM, place) &&
	       add_limit(parser, shape, keywords, MSP_KEYWORD_EXCLUSIVE_MINIMUM, place) &&
	       add_limit(parser, shape, keywords, MSP_KEYWORD_EXCLUSIVE_MAXIMUM, place) &&
	       add_encoding(parser, shape, keywords->by[MSP_KEYWORD_CONTENT_ENCODING], place, types);
}

/* The value of a keyword, if it is of one of two types; otherwise NULL, and listed if it is there at all. */
static const struct msp_value *keyword_of(struct msp_schema_parser *parser, const struct msp_schema_keywords *keywords,
                                          enum msp_schema_keyword keyword, enum msp_type type, enum msp_type other,
                                          const struct msp_schema_place *place)
{
	const struct msp_value *value = keywords->by[keyword];
	if (!value || value->type == type || value->type == other)
		return value;
	(void)msp_schema_malformed(parser, place, keyword); /* `status` tells */
	return NULL;
}

static bool add_members(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                        const struct msp_schema_keywords *keywords, struct msp_schema_place *place)
{
	struct msp_schema_members members = {
	    .next = shape->members,
	    .properties = keyword_of(parser, keywords, MSP_KEYWORD_PROPERTIES, MSP_OBJECT, MSP_OBJECT, place),
	    .required = keyword_of(parser, keywords, MSP_KEYWORD_REQUIRED, MSP_ARRAY, MSP_ARRAY, place),
	    .additional = keyword_of(parser, keywords, MSP_KEYWORD_ADDITIONAL_PROPERTIES, MSP_OBJECT, MSP_BOOLEAN, place),
	    .place = place,
	};
	const struct msp_value *patterns = keywords->by[MSP_KEYWORD_PATTERN_PROPERTIES];
	members.patterns = patterns && msp_schema_keyword_types(MSP_KEYWORD_PATTERN_PROPERTIES, patterns);
	if (!members.properties && !members.required && !members.additional)
		return parser->status == MSP_OK;
	members.keyword = members.properties ? "properties" : members.required ? "required" : "additionalProperties";
	shape->members = msp_schema_alloc(parser, &parser->scratch, 1, sizeof(members));
	if (!shape->members)
		return false;
	*shape->members = members;
	return parser->status == MSP_OK;
}

static bool add_items(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                      const struct msp_schema_keywords *keywords, const struct msp_schema_place *place)
{
	const struct msp_value *items = keywords->by[MSP_KEYWORD_ITEMS];
	if (keywords->by[MSP_KEYWORD_PREFIX_ITEMS])
		return msp_schema_omit(parser, place, "prefixItems", "is a tuple; its items are not checked");
	if (!items)
		return true;
	if (items->type == MSP_ARRAY)
		return msp_schema_omit(parser, place, "items", "is a tuple; its items are not checked");
	struct msp_schema_part *part = msp_schema_alloc(parser, &parser->scratch, 1, sizeof(*part));
	struct msp_schema_place *within = part ? msp_schema_place_new(parser, place, "items") : NULL;
	if (!within)
		return false;
	*part = (struct msp_schema_part){shape->items, items, within};
	shape->items = part;
	return true;
}

bool msp_schema_shape_add(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                          const struct msp_schema_keywords *keywords, struct msp_schema_place *place, bool shallow)
{
	return add_scalars(parser, shape, keywords, place) &&
	       (shallow || (add_members(parser, shape, keywords, place) && add_items(parser, shape, keywords, place)));
}

void msp_schema_shape_note(struct msp_schema_shape *shape, const struct msp_value *target)
{
	if (shape->reference_count < MSP_SHAPE_REFERENCES_MAX)
		shape->references[shape->reference_count++] = target;
}

void msp_schema_shape_merge(struct msp_schema_shape *shape, struct msp_schema_shape *other)
{
	if (other->narrowed)
		msp_schema_shape_narrow(shape, other->types, other->narrowed, other->narrowed_by);
	shape->says_number = shape->says_number || other->says_number;
	if (shape->encoding == MSP_SCHEMA_PLAIN || other->encoding == MSP_SCHEMA_MIXED)
		shape->encoding = other->encoding;
	msp_schema_limit_tighten(&shape->minimum, &other->minimum, MSP_SCHEMA_LOWER);
	msp_schema_limit_tighten(&shape->maximum, &other->maximum, MSP_SCHEMA_UPPER);
	/* Theirs in front: they are few, what is there may be many. */
	struct msp_schema_choices **choices = &other->choices;
	struct msp_schema_members **members = &other->members;
	struct msp_schema_part **items = &other->items;
	while (*choices)
		choices = &(*choices)->next;
	while (*members)
		members = &(*members)->next;
	while (*items)
		items = &(*items)->next;
	*choices = shape->choices;
	*members = shape->members;
	*items = shape->items;
	shape->choices = other->choices;
	shape->members = other->members;
	shape->items = other->items;
	shape->title = shape->title ? shape->title : other->title;
	shape->description = shape->description ? shape->description : other->description;
	for (size_t i = 0; i < other->reference_count; i++)
		msp_schema_shape_note(shape, other->references[i]);
}
