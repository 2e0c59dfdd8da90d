#include "value_recipe.h"

#include <math.h>
#include <stdlib.h>

#define MAX_COUNT 8
#define MAX_TEXT  64

/* The bytes that are left. */
struct source {
	const char *data;
	size_t left;
	struct msp_arena *arena;
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* ---- cooking ---- */

static struct msp_value value_take(struct source *source, int depth);

static void bytes_take(struct source *source, void *target, size_t size)
{
	size_t taken = size < source->left ? size : source->left;
	memset(target, 0, size);
	if (taken)
		memcpy(target, source->data, taken);
	source->data += taken;
	source->left -= taken;
}

static unsigned char byte_take(struct source *source)
{
	unsigned char byte;
	bytes_take(source, &byte, 1);
	return byte;
}

static char *text_take(struct source *source, uint32_t *ret_size)
{
	*ret_size = byte_take(source) % MAX_TEXT;
	char *text = msp_arena_alloc(source->arena, *ret_size);
	must(text != NULL);
	bytes_take(source, text, *ret_size);
	return text;
}

static struct msp_value array_take(struct source *source, int depth)
{
	struct msp_value array;
	must(msp_value_array(source->arena, byte_take(source) % MAX_COUNT, &array));
	for (uint32_t i = 0; i < array.count; i++)
		array.as.items[i] = value_take(source, depth + 1);
	return array;
}

static struct msp_value object_take(struct source *source, int depth)
{
	struct msp_value object;
	must(msp_value_object(source->arena, byte_take(source) % MAX_COUNT, &object));
	for (uint32_t i = 0; i < object.count; i++) {
		struct msp_member *member = &object.as.members[i];
		member->name = text_take(source, &member->name_size);
		member->value = value_take(source, depth + 1);
	}
	return object;
}

static struct msp_value value_take(struct source *source, int depth)
{
	struct msp_value value = {.type = (enum msp_type)(byte_take(source) % MSP_ANY)};
	if (depth > VALUE_RECIPE_DEPTH && (value.type == MSP_ARRAY || value.type == MSP_OBJECT))
		value.type = MSP_NULL;
	switch (value.type) {
	case MSP_BOOLEAN:
		value.as.boolean = byte_take(source) % 2;
		break;
	case MSP_INTEGER:
		bytes_take(source, &value.as.integer, sizeof(value.as.integer));
		break;
	case MSP_NUMBER:
		bytes_take(source, &value.as.number, sizeof(value.as.number));
		break;
	case MSP_STRING:
	case MSP_BINARY:
		value.as.string = text_take(source, &value.count);
		break;
	case MSP_ARRAY:
		return array_take(source, depth);
	case MSP_OBJECT:
		return object_take(source, depth);
	case MSP_NULL:
	case MSP_ANY:
		break;
	}
	return value;
}

struct msp_value value_cook(struct msp_bytes recipe, struct msp_arena *arena)
{
	struct source source = {.data = recipe.data, .left = recipe.size, .arena = arena};
	return value_take(&source, 0);
}

/* ---- judging ---- */

static void value_look(const struct msp_value *value, int depth, struct value_verdict *verdict);

static bool name_is_unique(const struct msp_value *object, uint32_t index)
{
	const struct msp_member *member = &object->as.members[index];
	for (uint32_t i = 0; i < index; i++) {
		const struct msp_member *other = &object->as.members[i];
		if (other->name_size == member->name_size && memcmp(other->name, member->name, member->name_size) == 0)
			return false;
	}
	return true;
}

static void members_look(const struct msp_value *object, int depth, struct value_verdict *verdict)
{
	for (uint32_t i = 0; i < object->count; i++) {
		const struct msp_member *member = &object->as.members[i];
		if (!msp_bytes_are_utf8(msp_bytes_of(member->name, member->name_size)))
			verdict->utf8 = false;
		if (memchr(member->name, 0, member->name_size))
			verdict->writable = false;
		if (!name_is_unique(object, i))
			verdict->unique = false;
		value_look(&member->value, depth + 1, verdict);
	}
}

static void value_look(const struct msp_value *value, int depth, struct value_verdict *verdict)
{
	if ((value->type == MSP_ARRAY || value->type == MSP_OBJECT) && depth >= VALUE_RECIPE_DEPTH)
		verdict->writable = false;
	if (value->type == MSP_NUMBER && !isfinite(value->as.number))
		verdict->writable = false;
	if (value->type == MSP_STRING && !msp_bytes_are_utf8(msp_bytes_of(value->as.string, value->count)))
		verdict->utf8 = false;
	if (value->type == MSP_BINARY)
		verdict->binary = true;
	if (value->type == MSP_OBJECT)
		members_look(value, depth, verdict);
	for (uint32_t i = 0; value->type == MSP_ARRAY && i < value->count; i++)
		value_look(&value->as.items[i], depth + 1, verdict);
}

struct value_verdict value_judge(const struct msp_value *value)
{
	struct value_verdict verdict = {.utf8 = true, .writable = true, .unique = true};
	value_look(value, 0, &verdict);
	verdict.writable = verdict.writable && verdict.utf8;
	return verdict;
}
