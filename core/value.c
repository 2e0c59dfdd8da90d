#include <msp/value.h>

#include <assert.h>

static_assert(sizeof(struct msp_value) == 16, "a value is 16 bytes on every platform");

static const char *const type_names[] = {
    [MSP_NULL] = "null",     [MSP_BOOLEAN] = "boolean", [MSP_INTEGER] = "integer",
    [MSP_NUMBER] = "number", [MSP_STRING] = "string",   [MSP_BINARY] = "binary",
    [MSP_ARRAY] = "array",   [MSP_OBJECT] = "object",   [MSP_ANY] = "any",
};

const char *msp_type_name(enum msp_type type)
{
	size_t index = (size_t)type;
	return index < sizeof(type_names) / sizeof(type_names[0]) ? type_names[index] : "unknown";
}

bool msp_value_object(struct msp_arena *arena, uint32_t count, struct msp_value *ret_value)
{
	struct msp_member *members = msp_arena_alloc_array(arena, count, sizeof(members[0]));
	if (!members)
		return false;
	memset(members, 0, count * sizeof(members[0]));
	*ret_value = (struct msp_value){.type = MSP_OBJECT, .count = count, .as.members = members};
	return true;
}

bool msp_value_array(struct msp_arena *arena, uint32_t count, struct msp_value *ret_value)
{
	struct msp_value *items = msp_arena_alloc_array(arena, count, sizeof(items[0]));
	if (!items)
		return false;
	memset(items, 0, count * sizeof(items[0]));
	*ret_value = (struct msp_value){.type = MSP_ARRAY, .count = count, .as.items = items};
	return true;
}

static bool same_bytes(const void *a, const void *b, size_t size)
{
	return size == 0 || memcmp(a, b, size) == 0;
}

const struct msp_value *msp_value_member(const struct msp_value *value, const char *name)
{
	if (value->type != MSP_OBJECT)
		return NULL;
	size_t size = strlen(name);
	const struct msp_member *member = value->as.members;
	for (const struct msp_member *end = member + value->count; member < end; member++) {
		if (member->name_size == size && same_bytes(member->name, name, size))
			return &member->value;
	}
	return NULL;
}

/* Two objects of the same size, whose names are unique: equal when each member of `a` has its equal in `b`. */
static bool objects_equal(const struct msp_value *a, const struct msp_value *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct msp_member *member = &a->as.members[i];
		const struct msp_member *other = NULL;
		/* Members mostly stand in the same order: begin at the same place. */
		for (uint32_t j = 0; j < b->count && !other; j++) {
			const struct msp_member *candidate = &b->as.members[(i + (size_t)j) % b->count];
			if (candidate->name_size == member->name_size &&
			    same_bytes(candidate->name, member->name, member->name_size))
				other = candidate;
		}
		if (!other || !msp_value_equal(&member->value, &other->value))
			return false;
	}
	return true;
}

static bool arrays_equal(const struct msp_value *a, const struct msp_value *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (!msp_value_equal(&a->as.items[i], &b->as.items[i]))
			return false;
	}
	return true;
}

bool msp_value_equal(const struct msp_value *a, const struct msp_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case MSP_BOOLEAN:
		return a->as.boolean == b->as.boolean;
	case MSP_INTEGER:
		return a->as.integer == b->as.integer;
	case MSP_NUMBER:
		return a->as.number == b->as.number;
	case MSP_STRING:
	case MSP_BINARY:
		return a->count == b->count && same_bytes(a->as.string, b->as.string, a->count);
	case MSP_ARRAY:
		return a->count == b->count && arrays_equal(a, b);
	case MSP_OBJECT:
		return a->count == b->count && objects_equal(a, b);
	case MSP_NULL:
	case MSP_ANY:
		break;
	}
	return true;
}

/* A copy of `size` bytes that may be none; NULL when there is no memory. */
static char *bytes_copy(struct msp_arena *arena, const void *data, size_t size)
{
	char *copy = msp_arena_alloc(arena, size);
	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

static bool array_copy(struct msp_arena *arena, const struct msp_value *value, struct msp_value *ret_copy)
{
	if (!msp_value_array(arena, value->count, ret_copy))
		return false;
	for (uint32_t i = 0; i < value->count; i++) {
		if (!msp_value_copy(arena, &value->as.items[i], &ret_copy->as.items[i]))
			return false;
	}
	return true;
}

static bool object_copy(struct msp_arena *arena, const struct msp_value *value, struct msp_value *ret_copy)
{
	if (!msp_value_object(arena, value->count, ret_copy))
		return false;
	for (uint32_t i = 0; i < value->count; i++) {
		const struct msp_member *from = &value->as.members[i];
		struct msp_member *to = &ret_copy->as.members[i];
		to->name = bytes_copy(arena, from->name, from->name_size);
		to->name_size = from->name_size;
		if (!to->name || !msp_value_copy(arena, &from->value, &to->value))
			return false;
	}
	return true;
}

bool msp_value_copy(struct msp_arena *arena, const struct msp_value *value, struct msp_value *ret_copy)
{
	struct msp_value copy = *value;
	bool copied = true;
	if (value->type == MSP_ARRAY) {
		copied = array_copy(arena, value, &copy);
	} else if (value->type == MSP_OBJECT) {
		copied = object_copy(arena, value, &copy);
	} else if (value->type == MSP_STRING || value->type == MSP_BINARY) {
		copy.as.string = bytes_copy(arena, value->as.string, value->count);
		copied = copy.as.string != NULL;
	}
	if (copied)
		*ret_copy = copy;
	return copied;
}
