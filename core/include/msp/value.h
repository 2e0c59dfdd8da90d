/* A value: the tree that codecs make of bytes and models work on. It knows no encoding. */
#ifndef MSP_VALUE_H
#define MSP_VALUE_H

#include <msp/arena.h>
#include <stdint.h>

enum msp_type {
	MSP_NULL,
	MSP_BOOLEAN,
	MSP_INTEGER, /* int64 */
	MSP_NUMBER,  /* double, always finite */
	MSP_STRING,  /* UTF-8, may hold U+0000 */
	MSP_BINARY,
	MSP_ARRAY,
	MSP_OBJECT,
	MSP_ANY, /* in schemas only: any of the above */
};

struct msp_member;

/* A value, 16 bytes. What it points to is owned by the arena it was made in, or is constant. */
struct msp_value {
	enum msp_type type;
	uint32_t count; /* bytes of a string or binary, items of an array, members of an object */
	union {
		bool boolean;
		int64_t integer;
		double number;
		const char *string; /* not NUL-terminated */
		const unsigned char *binary;
		struct msp_value *items;
		struct msp_member *members; /* in the order of the input; names are unique */
	} as;
};

/* A member of an object. */
struct msp_member {
	const char *name; /* UTF-8, not NUL-terminated */
	uint32_t name_size;
	struct msp_value value;
};

static inline struct msp_value msp_value_null(void)
{
	return (struct msp_value){.type = MSP_NULL};
}
static inline struct msp_value msp_value_boolean(bool boolean)
{
	return (struct msp_value){.type = MSP_BOOLEAN, .as.boolean = boolean};
}
static inline struct msp_value msp_value_integer(int64_t integer)
{
	return (struct msp_value){.type = MSP_INTEGER, .as.integer = integer};
}
static inline struct msp_value msp_value_number(double number)
{
	return (struct msp_value){.type = MSP_NUMBER, .as.number = number};
}
/* Borrows the NUL-terminated `string`, which must outlive the value. */
static inline struct msp_value msp_value_string(const char *string)
{
	return (struct msp_value){.type = MSP_STRING, .count = (uint32_t)strlen(string), .as.string = string};
}

/* An object or array with room for exactly `count` members or items, all null and without names. False when there is
 * no memory (msp_arena_status). */
bool msp_value_object(struct msp_arena *arena, uint32_t count, struct msp_value *ret_value) MSP_NODISCARD;
bool msp_value_array(struct msp_arena *arena, uint32_t count, struct msp_value *ret_value) MSP_NODISCARD;
/* Sets member `index` of an object to borrow `name` (NUL-terminated) and hold `value`. */
static inline void msp_value_set(struct msp_value *object, uint32_t index, const char *name, struct msp_value value)
{
	struct msp_member *member = &object->as.members[index];
	member->name = name;
	member->name_size = (uint32_t)strlen(name);
	member->value = value;
}

/* The member of that name, or NULL; also NULL when `value` is no object. */
const struct msp_value *msp_value_member(const struct msp_value *value, const char *name);

/* Same type and content; members in any order; -0.0 equals 0.0; an integer never equals a number. */
bool msp_value_equal(const struct msp_value *a, const struct msp_value *b);

/* A deep copy into `arena`, sharing nothing with `value`. False when there is no memory. */
bool msp_value_copy(struct msp_arena *arena, const struct msp_value *value, struct msp_value *ret_copy) MSP_NODISCARD;

/* "null", "boolean", "integer", "number", "string", "binary", "array", "object", "any". */
const char *msp_type_name(enum msp_type type);

#endif
