/* A JSON Schema becomes a table. */
#include "schema_shape.h"

/* What a schema may cost, all that its references repeat included. */
#define STEPS_MAX 131072

/* ---- fields ---- */

static enum msp_type shape_type(const struct msp_schema_shape *shape)
{
	switch (shape->types & ~MSP_SHAPE_NULL) {
	case 0:
		return MSP_NULL;
	case MSP_SHAPE_BOOLEAN:
		return MSP_BOOLEAN;
	case MSP_SHAPE_INTEGER:
		return MSP_INTEGER;
	case MSP_SHAPE_FRACTION:
	case MSP_SHAPE_NUMBER:
		return MSP_NUMBER;
	case MSP_SHAPE_STRING:
		return shape->encoding == MSP_SCHEMA_PLAIN    ? MSP_STRING
		       : shape->encoding == MSP_SCHEMA_BASE64 ? MSP_BINARY
		                                              : MSP_ANY;
	case MSP_SHAPE_ARRAY:
		return MSP_ARRAY;
	case MSP_SHAPE_OBJECT:
		return MSP_OBJECT;
	default:
		return MSP_ANY;
	}
}

/* Lists all that a field of any type does not say. */
static bool any_list(struct msp_schema_parser *parser, const struct msp_schema_shape *shape)
{
	static const char reason[] = "is said of one type among others; it is not checked";
	const struct msp_schema_limit *limits[] = {&shape->minimum, &shape->maximum};
	if (shape->types != MSP_SHAPE_ANY && shape->narrowed &&
	    !msp_schema_omit(parser, shape->narrowed, shape->narrowed_by, "allows several types; anything is accepted"))
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (limits[i]->set && !msp_schema_omit(parser, limits[i]->place, limits[i]->keyword, reason))
			return false;
	}
	for (const struct msp_schema_members *members = shape->members; members; members = members->next) {
		if (!msp_schema_omit(parser, members->place, members->keyword, reason))
			return false;
	}
	for (const struct msp_schema_part *items = shape->items; items; items = items->next) {
		if (!msp_schema_omit(parser, items->place->parent, "items", reason))
			return false;
	}
	return true;
}

static bool bound_put(struct msp_schema_parser *parser, const struct msp_schema_limit *limit, enum msp_schema_side side,
                      enum msp_type type, struct msp_bound *bound)
{
	return !limit->set || msp_schema_limit_bound(limit, side, type, bound) ||
	       msp_schema_omit(parser, limit->place, limit->keyword, "is rounded to the next bound that a double can be");
}

static bool bounds_put(struct msp_schema_parser *parser, const struct msp_schema_shape *shape, struct msp_field *field)
{
	if (!bound_put(parser, &shape->minimum, MSP_SCHEMA_LOWER, field->type, &field->minimum) ||
	    !bound_put(parser, &shape->maximum, MSP_SCHEMA_UPPER, field->type, &field->maximum))
		return false;
	if (!field->minimum.set || !field->maximum.set || field->minimum.value <= field->maximum.value)
		return true;
	field->minimum = field->maximum = (struct msp_bound){.set = false};
	return msp_schema_omit(parser, shape->minimum.place, shape->minimum.keyword,
	                       "is above the maximum; neither is checked");
}

static bool items_put(struct msp_schema_parser *parser, const struct msp_schema_level *level, struct msp_field *field)
{
	const struct msp_schema_part *parts = level->shape->items;
	bool nothing = false;
	if (!parts)
		return true;
	if (level->depth >= MSP_SCHEMA_NESTING_MAX)
		return msp_schema_omit(parser, parts->place->parent, "items", "is nested too deep and not checked");
	struct msp_field *items = msp_schema_alloc(parser, parser->arena, 1, sizeof(*items));
	if (!items || !msp_schema_field_parse(parser, parts, level, items, &nothing))
		return false;
	if (nothing)
		return msp_schema_omit(parser, parts->place, "false", "cannot be said; anything is accepted");
	field->items = items;
	return true;
}

static bool object_put(struct msp_schema_parser *parser, const struct msp_schema_level *level, struct msp_field *field)
{
	const struct msp_schema_members *members = level->shape->members;
	struct msp_schema *object = NULL;
	if (!members)
		return true;
	if (level->depth >= MSP_SCHEMA_NESTING_MAX)
		return msp_schema_omit(parser, members->place, members->keyword, "is nested too deep and not checked");
	if (!msp_schema_object_parse(parser, level, msp_schema_field_parse, &object))
		return false;
	field->object = object;
	return true;
}

/* Puts a text for people in, if there is one that a table can have. */
static bool text_put(struct msp_schema_parser *parser, const struct msp_value *text, const char **ret_text)
{
	if (!text || !msp_schema_sayable(text->as.string, text->count))
		return true;
	*ret_text = msp_schema_text(parser, text->as.string, text->count);
	return *ret_text != NULL;
}

bool msp_schema_field_parse(struct msp_schema_parser *parser, const struct msp_schema_part *parts,
                            const struct msp_schema_level *outer, struct msp_field *ret_field, bool *ret_nothing)
{
	struct msp_schema_shape shape;
	struct msp_schema_chosen chosen;
	struct msp_schema_level level = {.outer = outer, .shape = &shape, .depth = outer->depth + 1};
	if (!msp_schema_gather(parser, parts, outer, &shape) || !msp_schema_choose(parser, &shape, &chosen))
		return false;
	*ret_nothing = shape.types == 0;
	if (*ret_nothing)
		return true;
	struct msp_field field = {.type = shape_type(&shape)};
	field.nullable = (shape.types & MSP_SHAPE_NULL) && field.type != MSP_NULL && field.type != MSP_ANY;
	bool parsed = text_put(parser, shape.description, &field.description) &&
	              msp_schema_chosen_put(parser, &chosen, &shape, &field);
	if (field.type == MSP_ANY)
		parsed = parsed && any_list(parser, &shape);
	else if (field.type == MSP_INTEGER || field.type == MSP_NUMBER)
		parsed = parsed && bounds_put(parser, &shape, &field);
	else if (field.type == MSP_ARRAY)
		parsed = parsed && items_put(parser, &level, &field);
	else if (field.type == MSP_OBJECT)
		parsed = parsed && object_put(parser, &level, &field);
	*ret_field = field;
	return parsed;
}

/* ---- the whole ---- */

static bool text_begins(const struct msp_value *text, const char *prefix)
{
	size_t size = strlen(prefix);
	return text && text->type == MSP_STRING && text->count >= size && memcmp(text->as.string, prefix, size) == 0;
}

/* What the draft makes of keywords beside `$ref`. */
static void siblings_decide(struct msp_schema_parser *parser)
{
	const struct msp_value *draft = msp_value_member(parser->root, "$schema");
	parser->siblings_count = text_begins(draft, "https://json-schema.org/draft/2019-09/schema") ||
	                         text_begins(draft, "https://json-schema.org/draft/2020-12/schema");
	parser->siblings_known = parser->siblings_count || text_begins(draft, "http://json-schema.org/draft-07/schema") ||
	                         text_begins(draft, "http://json-schema.org/draft-06/schema");
}

/* False without `status` when no object is accepted. */
static bool root_parse(struct msp_schema_parser *parser, struct msp_schema **ret_schema)
{
	struct msp_schema_shape shape;
	struct msp_schema_chosen chosen;
	struct msp_schema_level level = {.shape = &shape};
	struct msp_schema_part part = {.schema = parser->root};
	struct msp_field whole = {.type = MSP_OBJECT};
	part.place = msp_schema_place_new(parser, NULL, NULL);
	if (!part.place || !msp_schema_gather(parser, &part, NULL, &shape) || !msp_schema_choose(parser, &shape, &chosen))
		return false;
	return (shape.types & MSP_SHAPE_OBJECT) && msp_schema_chosen_put(parser, &chosen, &shape, &whole) &&
	       msp_schema_object_parse(parser, &level, msp_schema_field_parse, ret_schema) &&
	       text_put(parser, shape.title, &(*ret_schema)->title) &&
	       text_put(parser, shape.description, &(*ret_schema)->description);
}

static enum msp_status failure_say(const struct msp_schema_parser *parser, struct msp_error *err)
{
	if (parser->exhausted)
		return msp_error_set(err, MSP_E_LIMIT, "the schema has too many parts, with what its references repeat");
	if (parser->status == MSP_E_LIMIT)
		return msp_error_set(err, MSP_E_LIMIT, "the table of the schema does not fit into its memory");
	if (parser->status == MSP_E_NO_MEMORY)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the table of the schema");
	return msp_error_set(err, MSP_E_INVALID, "the schema accepts no object");
}

enum msp_status msp_schema_parse(const struct msp_value *json_schema, struct msp_arena *arena,
                                 const struct msp_schema **ret_schema, struct msp_schema_omissions *ret_omissions,
                                 struct msp_error *err)
{
	struct msp_schema_omissions omissions = {.count = 0};
	struct msp_schema_parser parser = {
	    .root = json_schema,
	    .arena = arena,
	    .steps_left = STEPS_MAX,
	    .omissions = ret_omissions ? ret_omissions : &omissions,
	};
	struct msp_schema *schema = NULL;
	if (json_schema->type != MSP_OBJECT && json_schema->type != MSP_BOOLEAN)
		return msp_error_set(err, MSP_E_INVALID, "a JSON Schema is an object, not %s",
		                     msp_type_name(json_schema->type));
	*parser.omissions = omissions;
	msp_arena_init(&parser.scratch, SIZE_MAX);
	siblings_decide(&parser);
	bool parsed = root_parse(&parser, &schema);
	msp_arena_done(&parser.scratch);
	if (!parsed)
		return failure_say(&parser, err);
	*ret_schema = schema;
	return MSP_OK;
}
