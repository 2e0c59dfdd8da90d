#include "schema_shape.h"

#include "schema_keyword.h"

/* Schemas that hold at one place stand in each other at most this deep. */
#define IN_PLACE_MAX 64

/* Members of a schema that are read as fast as anything else takes a step. */
#define READ_PER_STEP 16

/* Where gathering stands: the schemas that hold at this place, innermost first. Lives on the stack. */
struct gathering {
	struct msp_schema_parser *parser;
	const struct msp_schema_level *outer;
	const struct gathering *around; /* NULL: none */
	const struct msp_value *node;
	int depth;
	bool shallow; /* within a field of its own kind: without members and items, which would never end */
};

static bool gather(const struct gathering *around, struct msp_schema_shape *shape, const struct msp_value *node,
                   struct msp_schema_place *place);

static struct msp_schema_shape shape_any(void)
{
	return (struct msp_schema_shape){.types = MSP_SHAPE_ANY};
}

/* ---- alternatives ---- */

/* What of `anyOf` or `oneOf` a table can say. */
struct alternatives {
	struct msp_schema_shape only; /* the one that is not just null; with several, what is common to them */
	unsigned count;               /* of these */
	unsigned nulls;               /* of those that are just null */
};

static void alternatives_add(struct alternatives *alternatives, const struct msp_schema_shape *shape,
                             const struct msp_schema_place *place, const char *keyword)
{
	struct msp_schema_shape *only = &alternatives->only;
	if (shape->types == 0)
		return;
	if (shape->types == MSP_SHAPE_NULL) {
		alternatives->nulls++;
		return;
	}
	if (alternatives->count++ == 0) {
		*only = *shape;
		return;
	}
	/* Several: whatever is not common to them is forgotten. */
	struct msp_schema_shape common = {
	    .types = only->types | shape->types,
	    .says_number = only->says_number || shape->says_number,
	    .encoding = only->encoding,
	    .narrowed = place,
	    .narrowed_by = keyword,
	};
	if (!(only->types & MSP_SHAPE_STRING))
		common.encoding = shape->encoding;
	else if ((shape->types & MSP_SHAPE_STRING) && shape->encoding != only->encoding)
		common.encoding = MSP_SCHEMA_MIXED;
	*only = common;
}

static bool alternatives_apply(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                               struct alternatives *alternatives, const struct msp_schema_place *place,
                               enum msp_schema_keyword keyword)
{
	const char *name = msp_schema_keyword_name(keyword);
	unsigned null = alternatives->nulls ? shape->types & MSP_SHAPE_NULL : 0;
	unsigned accepting = alternatives->nulls + (alternatives->count && (alternatives->only.types & MSP_SHAPE_NULL));
	if (alternatives->count)
		msp_schema_shape_merge(shape, &alternatives->only);
	else
		msp_schema_shape_narrow(shape, 0, place, name);
	shape->types |= null;
	if (alternatives->count > 1)
		return msp_schema_omit(parser, place, name, "has several alternatives; only their types are checked");
	if (keyword == MSP_KEYWORD_ONE_OF && accepting > 1)
		return msp_schema_omit(parser, place, name, "has null more than once; it is accepted");
	return true;
}

static bool gather_alternatives(const struct gathering *here, struct msp_schema_shape *shape,
                                const struct msp_schema_keywords *keywords, enum msp_schema_keyword keyword,
                                const struct msp_schema_place *place)
{
	struct msp_schema_parser *parser = here->parser;
	const struct msp_value *list = keywords->by[keyword];
	if (!list)
		return true;
	if (list->type != MSP_ARRAY || list->count == 0)
		return msp_schema_malformed(parser, place, keyword);
	const char *name = msp_schema_keyword_name(keyword);
	struct alternatives alternatives = {.count = 0};
	size_t listed = parser->omissions->count;
	bool more = parser->omissions->more;
	for (uint32_t i = 0; i < list->count; i++) {
		struct msp_schema_shape shape_of_one = shape_any();
		struct msp_schema_place *within = msp_schema_place_item(parser, place, name, i);
		if (!within || !gather(here, &shape_of_one, &list->as.items[i], within))
			return false;
		alternatives_add(&alternatives, &shape_of_one, place, name);
		if (alternatives.count > 1) {
			/* What one of several leaves out is left out with all of them. */
			parser->omissions->count = listed;
			parser->omissions->more = more;
		}
	}
	return alternatives_apply(parser, shape, &alternatives, place, keyword);
}

static bool gather_all_of(const struct gathering *here, struct msp_schema_shape *shape,
                          const struct msp_schema_keywords *keywords, const struct msp_schema_place *place)
{
	const struct msp_value *list = keywords->by[MSP_KEYWORD_ALL_OF];
	if (!list)
		return true;
	if (list->type != MSP_ARRAY)
		return msp_schema_malformed(here->parser, place, MSP_KEYWORD_ALL_OF);
	for (uint32_t i = 0; i < list->count; i++) {
		struct msp_schema_place *within = msp_schema_place_item(here->parser, place, "allOf", i);
		if (!within || !gather(here, shape, &list->as.items[i], within))
			return false;
	}
	return true;
}

/* ---- references ---- */

static bool is_within(const struct gathering *here, const struct msp_value *target)
{
	for (; here; here = here->around) {
		if (here->node == target)
			return true;
	}
	return false;
}

static bool is_around(const struct msp_schema_level *level, const struct msp_value *target)
{
	for (; level; level = level->outer) {
		for (size_t i = 0; i < level->shape->reference_count; i++) {
			if (level->shape->references[i] == target)
				return true;
		}
	}
	return false;
}

static bool gather_reference(const struct gathering *here, struct msp_schema_shape *shape,
                             const struct msp_value *reference, const struct msp_schema_place *place)
{
	struct msp_schema_parser *parser = here->parser;
	const struct msp_value *target;
	struct msp_schema_place *target_place;
	if (!msp_schema_resolve(parser, reference, place, &target, &target_place))
		return false;
	if (!target)
		return msp_schema_omit(parser, place, "$ref", "leads to nothing that is known; anything is accepted");
	if (is_within(here, target))
		return msp_schema_omit(parser, place, "$ref", "leads to itself and is ignored");
	struct gathering there = *here;
	if (is_around(here->outer, target)) {
		there.shallow = true;
		if (!msp_schema_omit(parser, place, "$ref", "is recursive; what is inside is not checked"))
			return false;
	}
	msp_schema_shape_note(shape, target);
	return gather(&there, shape, target, target_place);
}

/* Lists the keywords of `keywords` from `first` on that could refuse one of `types`. */
static bool list_unsaid(struct msp_schema_parser *parser, const struct msp_schema_keywords *keywords,
                        enum msp_schema_keyword first, unsigned types, const struct msp_schema_place *place,
                        const char *reason)
{
	for (size_t i = first; i < MSP_KEYWORD_COUNT; i++) {
		enum msp_schema_keyword keyword = (enum msp_schema_keyword)i;
		const struct msp_value *value = keywords->by[i];
		if (value && keyword != MSP_KEYWORD_REF && (msp_schema_keyword_types(keyword, value) & types) &&
		    !msp_schema_omit(parser, place, msp_schema_keyword_name(keyword), reason))
			return false;
	}
	return true;
}

static void gather_annotations(struct msp_schema_shape *shape, const struct msp_schema_keywords *keywords)
{
	const struct msp_value *title = keywords->by[MSP_KEYWORD_TITLE],
	                       *description = keywords->by[MSP_KEYWORD_DESCRIPTION];
	if (title && title->type == MSP_STRING && !shape->title)
		shape->title = title;
	if (description && description->type == MSP_STRING && !shape->description)
		shape->description = description;
}

/* A schema that is an object. */
static bool gather_keywords(const struct gathering *here, struct msp_schema_shape *shape,
                            struct msp_schema_place *place)
{
	struct msp_schema_parser *parser = here->parser;
	struct msp_schema_keywords keywords;
	msp_schema_keywords_read(here->node, &keywords);
	const struct msp_value *id = keywords.by[MSP_KEYWORD_ID], *reference = keywords.by[MSP_KEYWORD_REF];
	const struct msp_value *patterns = keywords.by[MSP_KEYWORD_PATTERN_PROPERTIES];
	place->embedded = place->embedded || (id && id->type == MSP_STRING && place->parent);
	gather_annotations(shape, &keywords);
	if (reference && !gather_reference(here, shape, reference, place))
		return false;
	if (reference && !parser->siblings_count)
		return parser->siblings_known ||
		       list_unsaid(parser, &keywords, 0, shape->types, place, "stands beside $ref and is ignored");

	if (!msp_schema_shape_add(parser, shape, &keywords, place, here->shallow) ||
	    !gather_all_of(here, shape, &keywords, place) ||
	    !gather_alternatives(here, shape, &keywords, MSP_KEYWORD_ANY_OF, place) ||
	    !gather_alternatives(here, shape, &keywords, MSP_KEYWORD_ONE_OF, place))
		return false;
	if (patterns && (msp_schema_keyword_types(MSP_KEYWORD_PATTERN_PROPERTIES, patterns) & shape->types) &&
	    !msp_schema_omit(parser, place, "patternProperties", "is not checked"))
		return false;
	return list_unsaid(parser, &keywords, MSP_KEYWORD_SAID, shape->types, place, "is not checked");
}

/* Adds to `shape` what `node` asks. */
static bool gather(const struct gathering *around, struct msp_schema_shape *shape, const struct msp_value *node,
                   struct msp_schema_place *place)
{
	struct gathering here = *around;
	here.around = around;
	here.node = node;
	here.depth++;
	if (!msp_schema_step(here.parser, 1 + (node->type == MSP_OBJECT ? node->count / READ_PER_STEP : 0)))
		return false;
	if (node->type == MSP_BOOLEAN && !node->as.boolean)
		msp_schema_shape_narrow(shape, 0, place, "false");
	if (node->type == MSP_BOOLEAN)
		return true;
	if (node->type != MSP_OBJECT)
		return msp_schema_omit(here.parser, place, "schema", "is none; anything is accepted");
	if (here.depth > IN_PLACE_MAX)
		return msp_schema_omit(here.parser, place, "schema", "is combined too deep; anything is accepted");
	return gather_keywords(&here, shape, place);
}

bool msp_schema_gather(struct msp_schema_parser *parser, const struct msp_schema_part *parts,
                       const struct msp_schema_level *outer, struct msp_schema_shape *ret_shape)
{
	const struct gathering start = {.parser = parser, .outer = outer};
	*ret_shape = shape_any();
	if (!outer)
		msp_schema_shape_note(ret_shape, parser->root);
	for (const struct msp_schema_part *part = parts; part; part = part->next) {
		if (!gather(&start, ret_shape, part->schema, part->place))
			return false;
	}
	return true;
}
