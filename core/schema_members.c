/* The members of an object become the fields of a table. */
#include "schema_shape.h"

#include <stdlib.h>

/* A member that the keywords of an object name. */
struct entry {
	const char *name;
	uint32_t name_size;
	const struct msp_schema_members *members;
	const struct msp_value *schema; /* NULL: it is named as required */
	struct entry *same;             /* the next that names this member too */
	bool first;                     /* of those */
};

/* An object that is being made. */
struct making {
	struct msp_schema_parser *parser;
	const struct msp_schema_level *level; /* of the object itself */
	msp_schema_field_fn *field_parse;
	struct entry *entries;
	size_t count;
	size_t closed;   /* how many of its schemas refuse what they do not name */
	bool additional; /* it accepts what it does not name */
	struct msp_field *fields;
	size_t field_count;
};

static bool is_closed(const struct msp_schema_members *members)
{
	return members->additional && members->additional->type == MSP_BOOLEAN && !members->additional->as.boolean &&
	       !members->patterns;
}

/* Whether the shape refuses nothing at all. */
static bool shape_is_any(const struct msp_schema_shape *shape)
{
	return shape->types == MSP_SHAPE_ANY && !shape->choices && !shape->members && !shape->items &&
	       !shape->minimum.set && !shape->maximum.set && shape->encoding == MSP_SCHEMA_PLAIN;
}

/* Lists `additionalProperties` when it is more than yes or no. */
static bool additional_check(struct making *making, const struct msp_schema_members *members)
{
	struct msp_schema_parser *parser = making->parser;
	if (!members->additional || members->additional->type != MSP_OBJECT)
		return true;
	struct msp_schema_omissions *omissions = parser->omissions;
	size_t listed = omissions->count;
	bool more = omissions->more;
	struct msp_schema_shape shape;
	struct msp_schema_part part = {.schema = members->additional};
	part.place = msp_schema_place_new(parser, members->place, "additionalProperties");
	if (!part.place || !msp_schema_gather(parser, &part, making->level, &shape))
		return false;
	bool exact = shape_is_any(&shape) && omissions->count == listed && omissions->more == more;
	omissions->count = listed;
	omissions->more = more;
	return exact || msp_schema_omit(parser, members->place, "additionalProperties",
	                                "accepts anything in members that no field names");
}

static void entry_add(struct making *making, const struct msp_schema_members *members, const char *name,
                      uint32_t name_size, const struct msp_value *schema)
{
	struct entry *entry = &making->entries[making->count++];
	*entry = (struct entry){.name = name, .name_size = name_size, .members = members, .schema = schema};
}

static bool entries_add(struct making *making, const struct msp_schema_members *members)
{
	const struct msp_value *properties = members->properties, *required = members->required;
	for (uint32_t i = 0; properties && i < properties->count; i++) {
		const struct msp_member *member = &properties->as.members[i];
		entry_add(making, members, member->name, member->name_size, &member->value);
	}
	for (uint32_t i = 0; required && i < required->count; i++) {
		const struct msp_value *name = &required->as.items[i];
		if (name->type == MSP_STRING)
			entry_add(making, members, name->as.string, name->count, NULL);
		else if (!msp_schema_malformed(making->parser, members->place, MSP_KEYWORD_REQUIRED))
			return false;
	}
	making->closed += is_closed(members);
	return additional_check(making, members);
}

static int entry_order(const void *a, const void *b)
{
	const struct entry *first = *(const struct entry *const *)a, *second = *(const struct entry *const *)b;
	uint32_t common = first->name_size < second->name_size ? first->name_size : second->name_size;
	int order = common ? memcmp(first->name, second->name, common) : 0;
	if (order == 0)
		order = (first->name_size > second->name_size) - (first->name_size < second->name_size);
	return order ? order : (first > second) - (first < second);
}

static bool same_name(const struct entry *a, const struct entry *b)
{
	return a->name_size == b->name_size && (a->name_size == 0 || memcmp(a->name, b->name, a->name_size) == 0);
}

/* Chains the entries of each name, in n log n steps. */
static bool entries_join(struct making *making)
{
	struct msp_schema_parser *parser = making->parser;
	struct entry **sorted = msp_schema_alloc(parser, &parser->scratch, making->count, sizeof(struct entry *));
	if (!sorted)
		return false;
	for (size_t i = 0; i < making->count; i++)
		sorted[i] = &making->entries[i];
	qsort(sorted, making->count, sizeof(struct entry *), entry_order);
	for (size_t i = 0; i < making->count; i++) {
		sorted[i]->first = i == 0 || !same_name(sorted[i - 1], sorted[i]);
		if (!sorted[i]->first)
			sorted[i - 1]->same = sorted[i];
	}
	return true;
}

/* Everything that the keywords name, in their order. */
static bool entries_read(struct making *making, const struct msp_schema_shape *shape)
{
	struct msp_schema_parser *parser = making->parser;
	size_t count = 0, lists = 0;
	for (const struct msp_schema_members *members = shape->members; members; members = members->next) {
		count += members->properties ? members->properties->count : 0;
		count += members->required ? members->required->count : 0;
		lists++;
	}
	if (!msp_schema_step(parser, count))
		return false;
	making->entries = msp_schema_alloc(parser, &parser->scratch, count, sizeof(struct entry));
	const struct msp_schema_members **ordered = msp_schema_alloc(parser, &parser->scratch, lists, sizeof(ordered[0]));
	if (!making->entries || !ordered)
		return false;
	size_t at = lists;
	for (const struct msp_schema_members *members = shape->members; members; members = members->next)
		ordered[--at] = members;
	for (size_t i = 0; i < lists; i++) {
		if (!entries_add(making, ordered[i]))
			return false;
	}
	return entries_join(making);
}

/* No field can have this name. */
static bool is_nameless(const struct entry *entry)
{
	return entry->name_size == 0 || !msp_schema_sayable(entry->name, entry->name_size);
}

/* What an object refuses because no field names it, it would refuse with such a name, too. */
static bool nameless_admit(struct making *making)
{
	for (size_t i = 0; i < making->count; i++) {
		const struct entry *entry = &making->entries[i];
		if (!is_nameless(entry))
			continue;
		if (entry->schema)
			making->additional = true;
		if (!msp_schema_omit(making->parser, entry->members->place, entry->schema ? "properties" : "required",
		                     "has a name that no field can have"))
			return false;
	}
	return true;
}

/* What several schemas say of one member. */
struct gist {
	struct msp_schema_part *parts;
	const struct msp_schema_members *required; /* that names it; NULL: none does */
	size_t closed;                             /* how many of the closed schemas name it */
};

static bool gist_make(struct making *making, const struct entry *entry, struct gist *ret_gist)
{
	struct msp_schema_parser *parser = making->parser;
	const struct msp_schema_members *last = NULL;
	*ret_gist = (struct gist){.parts = NULL};
	for (; entry; entry = entry->same) {
		if (!entry->schema) {
			ret_gist->required = entry->members;
			continue;
		}
		struct msp_schema_part *part = msp_schema_alloc(parser, &parser->scratch, 1, sizeof(*part));
		struct msp_schema_place *place =
		    part ? msp_schema_place_member(parser, entry->members->place, "properties", entry->name, entry->name_size)
		         : NULL;
		if (!place)
			return false;
		*part = (struct msp_schema_part){ret_gist->parts, entry->schema, place};
		ret_gist->parts = part;
		ret_gist->closed += entry->members != last && is_closed(entry->members);
		last = entry->members;
	}
	return true;
}

static bool member_parse(struct making *making, const struct entry *entry)
{
	struct msp_schema_parser *parser = making->parser;
	struct msp_field *field = &making->fields[making->field_count];
	struct gist gist;
	if (!gist_make(making, entry, &gist))
		return false;
	bool never = gist.closed < making->closed;
	*field = (struct msp_field){.type = MSP_ANY};
	if (!never && gist.parts && !making->field_parse(parser, gist.parts, making->level, field, &never))
		return false;
	if (never && gist.required)
		return msp_schema_omit(parser, gist.required->place, "required", "asks for a member that may not be there");
	if (never) /* A closed object refuses what it does not name. */
		return !making->additional || !gist.parts ||
		       msp_schema_omit(parser, gist.parts->place, "false", "cannot be said; anything is accepted");
	field->name = msp_schema_text(parser, entry->name, entry->name_size);
	field->optional = !gist.required;
	making->field_count++;
	return field->name != NULL;
}

bool msp_schema_object_parse(struct msp_schema_parser *parser, const struct msp_schema_level *level,
                             msp_schema_field_fn *field_parse, struct msp_schema **ret_object)
{
	struct making making = {.parser = parser, .level = level, .field_parse = field_parse};
	if (!entries_read(&making, level->shape))
		return false;
	making.additional = making.closed == 0;
	if (!nameless_admit(&making))
		return false;
	size_t count = 0;
	for (size_t i = 0; i < making.count; i++)
		count += making.entries[i].first;
	making.fields = msp_schema_alloc(parser, parser->arena, count, sizeof(struct msp_field));
	struct msp_schema *object = msp_schema_alloc(parser, parser->arena, 1, sizeof(*object));
	if (!making.fields || !object)
		return false;
	for (size_t i = 0; i < making.count; i++) {
		const struct entry *entry = &making.entries[i];
		if (entry->first && !is_nameless(entry) && !member_parse(&making, entry))
			return false;
	}
	object->fields = making.fields;
	object->field_count = making.field_count;
	object->additional = making.additional;
	*ret_object = object;
	return true;
}
