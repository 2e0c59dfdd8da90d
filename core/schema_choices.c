/* `enum` and `const`. */
#include "schema_shape.h"

#include <math.h>
#include <stdlib.h>

/* Choices are intersected by comparing each with each, up to so many pairs. */
#define PAIRS_MAX 65536

static bool is_number(const struct msp_value *value)
{
	return value->type == MSP_INTEGER || value->type == MSP_NUMBER;
}

/* An integer has 64 bits; a larger number counts as one that has a fraction. */
static bool is_integer(const struct msp_value *value)
{
	if (value->type == MSP_INTEGER)
		return true;
	double number = value->as.number;
	return number == floor(number) && number >= -0x1p63 && number < 0x1p63;
}

/* The types of which `value` may be, as far as `types` go. */
static unsigned value_types(const struct msp_value *value, unsigned types)
{
	switch (value->type) {
	case MSP_NULL:
		return types & MSP_SHAPE_NULL;
	case MSP_BOOLEAN:
		return types & MSP_SHAPE_BOOLEAN;
	case MSP_INTEGER:
	case MSP_NUMBER:
		return types & (is_integer(value) ? MSP_SHAPE_INTEGER : MSP_SHAPE_FRACTION);
	case MSP_STRING:
		return types & MSP_SHAPE_STRING;
	case MSP_ARRAY:
		return types & MSP_SHAPE_ARRAY;
	case MSP_OBJECT:
		return types & MSP_SHAPE_OBJECT;
	case MSP_BINARY:
	case MSP_ANY:
		break;
	}
	return 0;
}

/* Arrays and objects, of which a table says nothing, are taken for the same. */
static bool is_among(const struct msp_value *value, const struct msp_schema_choices *choices)
{
	for (uint32_t i = 0; i < choices->count; i++) {
		const struct msp_value *choice = &choices->values[i];
		if (is_number(value) && is_number(choice) && msp_schema_compare(value, choice) == 0)
			return true;
		if (value->type == choice->type &&
		    (value->type == MSP_ARRAY || value->type == MSP_OBJECT || msp_value_equal(value, choice)))
			return true;
	}
	return false;
}

static const struct msp_schema_choices *choices_fewest(const struct msp_schema_choices *choices)
{
	const struct msp_schema_choices *fewest = choices;
	for (; choices; choices = choices->next) {
		if (choices->count < fewest->count)
			fewest = choices;
	}
	return fewest;
}

/* Takes out of `chosen` what `other` does not have. */
static bool chosen_intersect(struct msp_schema_parser *parser, struct msp_schema_chosen *chosen,
                             const struct msp_schema_choices *other)
{
	size_t kept = 0;
	if (chosen->count > 0 && other->count > PAIRS_MAX / chosen->count)
		return msp_schema_omit(parser, other->place, other->keyword, "has too many values beside others");
	if (!msp_schema_step(parser, 1 + chosen->count * other->count / 64))
		return false;
	for (size_t i = 0; i < chosen->count; i++) {
		if (is_among(chosen->values[i], other))
			chosen->values[kept++] = chosen->values[i];
	}
	chosen->count = kept;
	return true;
}

bool msp_schema_choose(struct msp_schema_parser *parser, struct msp_schema_shape *shape,
                       struct msp_schema_chosen *ret_chosen)
{
	*ret_chosen = (struct msp_schema_chosen){.count = 0};
	if (!shape->choices)
		return true;
	const struct msp_schema_choices *fewest = choices_fewest(shape->choices);
	struct msp_schema_chosen chosen = {.place = fewest->place, .keyword = fewest->keyword};
	chosen.values = msp_schema_alloc(parser, &parser->scratch, fewest->count, sizeof(chosen.values[0]));
	if (!chosen.values)
		return false;
	for (uint32_t i = 0; i < fewest->count; i++) {
		if (value_types(&fewest->values[i], shape->types))
			chosen.values[chosen.count++] = &fewest->values[i];
	}
	for (const struct msp_schema_choices *other = shape->choices; other; other = other->next) {
		if (other != fewest && !chosen_intersect(parser, &chosen, other))
			return false;
	}

	unsigned types = 0;
	for (size_t i = 0; i < chosen.count; i++)
		types |= value_types(chosen.values[i], shape->types);
	/* A number that is whole stays a number where the schema calls it one. */
	if ((types & MSP_SHAPE_NUMBER) && (shape->says_number || (types & MSP_SHAPE_FRACTION)))
		types |= MSP_SHAPE_NUMBER;
	/* Null may stand beside the choices as an alternative. */
	shape->types &= types | MSP_SHAPE_NULL;
	*ret_chosen = chosen;
	return true;
}

static int string_order(const void *a, const void *b)
{
	const struct msp_value *const *first = *(const struct msp_value *const *const *)a;
	const struct msp_value *const *second = *(const struct msp_value *const *const *)b;
	uint32_t first_size = (*first)->count, second_size = (*second)->count;
	uint32_t common = first_size < second_size ? first_size : second_size;
	int order = common ? memcmp((*first)->as.string, (*second)->as.string, common) : 0;
	if (order == 0)
		order = (first_size > second_size) - (first_size < second_size);
	/* Of the same, the one that stands first. */
	return order ? order : (first > second) - (first < second);
}

/* Takes out what stands there again, in n log n steps. */
static bool strings_unique(struct msp_schema_parser *parser, const struct msp_value **strings, size_t *count)
{
	const struct msp_value ***sorted = msp_schema_alloc(parser, &parser->scratch, *count, sizeof(sorted[0]));
	if (!sorted)
		return false;
	for (size_t i = 0; i < *count; i++)
		sorted[i] = &strings[i];
	qsort(sorted, *count, sizeof(sorted[0]), string_order);
	const struct msp_value *last = NULL;
	for (size_t i = 0; i < *count; i++) {
		const struct msp_value *string = *sorted[i];
		if (last && msp_value_equal(last, string))
			*sorted[i] = NULL;
		else
			last = string;
	}
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++) {
		if (strings[i])
			strings[kept++] = strings[i];
	}
	*count = kept;
	return true;
}

static bool put_strings(struct msp_schema_parser *parser, const struct msp_schema_chosen *chosen,
                        struct msp_field *field)
{
	size_t count = 0;
	const struct msp_value **strings = msp_schema_alloc(parser, &parser->scratch, chosen->count, sizeof(strings[0]));
	if (!strings)
		return false;
	for (size_t i = 0; i < chosen->count; i++) {
		const struct msp_value *value = chosen->values[i];
		if (value->type == MSP_STRING && !msp_schema_sayable(value->as.string, value->count))
			return msp_schema_omit(parser, chosen->place, chosen->keyword, "has a text with U+0000 and is not checked");
		if (value->type == MSP_STRING)
			strings[count++] = value;
	}
	if (!strings_unique(parser, strings, &count))
		return false;
	const char **texts = msp_schema_alloc(parser, parser->arena, count + 1, sizeof(texts[0]));
	for (size_t i = 0; texts && i < count; i++) {
		texts[i] = msp_schema_text(parser, strings[i]->as.string, strings[i]->count);
		if (!texts[i])
			return false;
	}
	field->enumeration = texts;
	return texts != NULL;
}

/* From the least to the greatest of them. */
static bool put_numbers(struct msp_schema_parser *parser, const struct msp_schema_chosen *chosen,
                        struct msp_schema_shape *shape)
{
	const struct msp_value *least = NULL, *greatest = NULL;
	for (size_t i = 0; i < chosen->count; i++) {
		const struct msp_value *value = chosen->values[i];
		if (!is_number(value))
			continue;
		least = least && msp_schema_compare(least, value) <= 0 ? least : value;
		greatest = greatest && msp_schema_compare(greatest, value) >= 0 ? greatest : value;
	}
	if (!least)
		return true;
	struct msp_schema_limit limit = {.set = true, .place = chosen->place, .keyword = chosen->keyword, .value = *least};
	msp_schema_limit_tighten(&shape->minimum, &limit, MSP_SCHEMA_LOWER);
	limit.value = *greatest;
	msp_schema_limit_tighten(&shape->maximum, &limit, MSP_SCHEMA_UPPER);
	return msp_schema_compare(least, greatest) == 0 ||
	       msp_schema_omit(parser, chosen->place, chosen->keyword, "is checked as a range of numbers");
}

static bool has_both(const struct msp_schema_chosen *chosen)
{
	bool has[2] = {false, false};
	for (size_t i = 0; i < chosen->count; i++) {
		if (chosen->values[i]->type == MSP_BOOLEAN)
			has[chosen->values[i]->as.boolean] = true;
	}
	return has[0] && has[1];
}

bool msp_schema_chosen_put(struct msp_schema_parser *parser, const struct msp_schema_chosen *chosen,
                           struct msp_schema_shape *shape, struct msp_field *field)
{
	if (!chosen->keyword || field->type == MSP_NULL)
		return true;
	if (field->type == MSP_STRING)
		return put_strings(parser, chosen, field);
	if (field->type == MSP_INTEGER || field->type == MSP_NUMBER)
		return put_numbers(parser, chosen, shape);
	return (field->type == MSP_BOOLEAN && has_both(chosen)) ||
	       msp_schema_omit(parser, chosen->place, chosen->keyword, "is checked by type only");
}
