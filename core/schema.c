#include <msp/schema.h>

#include "text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Where validation stands: a list from the value up to the root. Lives on the stack. */
struct path_node {
	const struct path_node *parent; /* NULL: the whole value */
	const char *name;               /* of a member; NULL: an item of an array */
	size_t name_size;
	size_t index;
	const char *field_name; /* the schema's name for it or for what contains it, to be quoted; NULL: none */
};

/* Appends the reference token of `node`; false when it does not go in. */
static bool path_add_token(const struct path_node *node, char path[MSP_PATH_SIZE], size_t *size)
{
	char index[MSP_TEXT_INTEGER_SIZE];
	if (node->name)
		return msp_text_pointer(path, MSP_PATH_SIZE, size, node->name, node->name_size);
	size_t length = msp_text_integer(index, (int64_t)node->index);
	return msp_text_pointer(path, MSP_PATH_SIZE, size, index, length);
}

/* Writes the tokens from the root down to `node`; false once one did not fit. */
static bool path_write(const struct path_node *node, char *path, size_t *size)
{
	return !node->parent || (path_write(node->parent, path, size) && path_add_token(node, path, size));
}

/* Fills `violation` and returns false, so that a refusal is one line. The text begins with what it is about. */
static MSP_PRINTF(3, 4) bool violate(struct msp_violation *violation, const struct path_node *node, const char *format,
                                     ...)
{
	size_t path_size = 0;
	(void)path_write(node, violation->path, &path_size);
	violation->path[path_size] = '\0';

	char text[MSP_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	struct msp_error whole; /* cuts where a character ends */
	if (node->field_name)
		msp_error_set(&whole, MSP_E_INVALID, "%s\"%s\" %s", node->name ? "" : "item of ", node->field_name, text);
	else
		msp_error_set(&whole, MSP_E_INVALID, "the value %s", text);
	memcpy(violation->text, whole.text, sizeof(violation->text));
	return false;
}

static bool refuse_type(const struct msp_field *field, const struct msp_value *value, const struct path_node *node,
                        struct msp_violation *violation)
{
	static const char *const nouns[] = {
	    [MSP_NULL] = "null",       [MSP_BOOLEAN] = "a boolean", [MSP_INTEGER] = "an integer",
	    [MSP_NUMBER] = "a number", [MSP_STRING] = "a string",   [MSP_BINARY] = "binary",
	    [MSP_ARRAY] = "an array",  [MSP_OBJECT] = "an object",  [MSP_ANY] = "any value",
	};
	return violate(violation, node, "must be %s%s, not %s", nouns[field->type],
	               field->nullable && field->type != MSP_NULL ? " or null" : "", nouns[value->type]);
}

/* What a value without a type of its own must still be: finite in all its parts. */
static bool any_validate(const struct msp_value *value, const struct path_node *node, struct msp_violation *violation)
{
	if (value->type == MSP_NUMBER)
		return isfinite(value->as.number) || violate(violation, node, "must be finite");
	if (value->type == MSP_ARRAY) {
		for (uint32_t i = 0; i < value->count; i++) {
			struct path_node item = {.parent = node, .index = i};
			if (!any_validate(&value->as.items[i], &item, violation))
				return false;
		}
	} else if (value->type == MSP_OBJECT) {
		for (uint32_t i = 0; i < value->count; i++) {
			const struct msp_member *member = &value->as.members[i];
			struct path_node inner = {.parent = node, .name = member->name, .name_size = member->name_size};
			if (!any_validate(&member->value, &inner, violation))
				return false;
		}
	}
	return true;
}

static bool refuse_bound(const char *relation, double bound, const struct path_node *node,
                         struct msp_violation *violation)
{
	char text[MSP_TEXT_NUMBER_SIZE];
	msp_text_number(text, bound);
	return violate(violation, node, "must be at %s %s", relation, text);
}

static bool number_validate(const struct msp_field *field, struct msp_value *value, const struct path_node *node,
                            struct msp_violation *violation)
{
	if (value->type == MSP_INTEGER)
		*value = msp_value_number((double)value->as.integer);
	else if (value->type != MSP_NUMBER)
		return refuse_type(field, value, node, violation);

	double number = value->as.number;
	if (!isfinite(number))
		return violate(violation, node, "must be finite");
	if (field->minimum.set && number < field->minimum.value)
		return refuse_bound("least", field->minimum.value, node, violation);
	if (field->maximum.set && number > field->maximum.value)
		return refuse_bound("most", field->maximum.value, node, violation);
	return true;
}

/* The numbers that int64_t has: -2^63 <= number < 2^63. */
static bool is_int64(double number)
{
	return number >= -0x1p63 && number < 0x1p63;
}

/* Compared as integers, because a double has no room for all of an int64_t. */
static bool is_below(int64_t integer, double minimum)
{
	return is_int64(minimum) ? integer < (int64_t)ceil(minimum) : minimum > 0;
}

static bool is_above(int64_t integer, double maximum)
{
	return is_int64(maximum) ? integer > (int64_t)floor(maximum) : maximum < 0;
}

static bool integer_validate(const struct msp_field *field, struct msp_value *value, const struct path_node *node,
                             struct msp_violation *violation)
{
	if (value->type == MSP_NUMBER) {
		double number = value->as.number;
		if (!isfinite(number))
			return violate(violation, node, "must be finite");
		if (number != floor(number))
			return violate(violation, node, "must be an integer, not a number with a fraction");
		if (!is_int64(number))
			return violate(violation, node, "must be an integer of 64 bits");
		*value = msp_value_integer((int64_t)number);
	} else if (value->type != MSP_INTEGER) {
		return refuse_type(field, value, node, violation);
	}
	if (field->minimum.set && is_below(value->as.integer, field->minimum.value))
		return refuse_bound("least", field->minimum.value, node, violation);
	if (field->maximum.set && is_above(value->as.integer, field->maximum.value))
		return refuse_bound("most", field->maximum.value, node, violation);
	return true;
}

/* strlen(name) == size and equal bytes; `bytes` may hold U+0000. */
static bool is_name(const char *name, const char *bytes, size_t size)
{
	return strnlen(name, size + 1) == size && (size == 0 || memcmp(name, bytes, size) == 0);
}

static bool string_validate(const struct msp_field *field, const struct msp_value *value, const struct path_node *node,
                            struct msp_violation *violation)
{
	if (value->type != MSP_STRING)
		return refuse_type(field, value, node, violation);
	if (!field->enumeration)
		return true;
	char choices[MSP_ERROR_TEXT_SIZE] = "";
	size_t length = 0;
	for (const char *const *choice = field->enumeration; *choice; choice++) {
		if (is_name(*choice, value->as.string, value->count))
			return true;
	}
	for (const char *const *choice = field->enumeration; *choice && length < sizeof(choices); choice++)
		length += (size_t)snprintf(choices + length, sizeof(choices) - length, "%s\"%s\"", length ? ", " : "", *choice);
	return violate(violation, node, "must be one of %s", choices);
}

/* The member of that name, looked for from index `from` on and round to it again: members mostly come in the order of
 * the schema. */
static struct msp_member *member_find(const struct msp_value *object, const char *name, uint32_t from)
{
	struct msp_member *members = object->as.members;
	for (uint32_t i = from; i < object->count; i++) {
		if (is_name(name, members[i].name, members[i].name_size))
			return &members[i];
	}
	for (uint32_t i = 0; i < from; i++) {
		if (is_name(name, members[i].name, members[i].name_size))
			return &members[i];
	}
	return NULL;
}

static bool schema_names(const struct msp_schema *schema, const struct msp_member *member)
{
	for (size_t i = 0; i < schema->field_count; i++) {
		if (is_name(schema->fields[i].name, member->name, member->name_size))
			return true;
	}
	return false;
}

static bool additional_validate(const struct msp_schema *schema, const struct msp_value *object,
                                const struct path_node *node, struct msp_violation *violation)
{
	for (uint32_t i = 0; i < object->count; i++) {
		const struct msp_member *member = &object->as.members[i];
		if (schema_names(schema, member))
			continue;
		struct path_node inner = {.parent = node, .name = member->name, .name_size = member->name_size};
		if (!schema->additional)
			return violate(violation, &inner, "has a name that the schema does not have");
		if (!any_validate(&member->value, &inner, violation))
			return false;
	}
	return true;
}

static bool field_validate(const struct msp_field *field, struct msp_value *value, const struct path_node *node,
                           struct msp_violation *violation);

static bool object_validate(const struct msp_schema *schema, struct msp_value *object, const struct path_node *node,
                            struct msp_violation *violation)
{
	uint32_t next = 0, known = 0;
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct msp_field *field = &schema->fields[i];
		struct msp_member *member = member_find(object, field->name, next);
		if (!member && field->optional)
			continue;
		struct path_node inner = {.parent = node, .name = field->name, .field_name = field->name};
		inner.name_size = member ? member->name_size : strlen(field->name);
		if (!member)
			return violate(violation, &inner, "is required");
		if (!field_validate(field, &member->value, &inner, violation))
			return false;
		next = (uint32_t)(member - object->as.members) + 1;
		known++;
	}
	/* Names are unique on both sides, so that equal counts leave nothing over. */
	return known == object->count || additional_validate(schema, object, node, violation);
}

static bool array_validate(const struct msp_field *field, struct msp_value *array, const struct path_node *node,
                           struct msp_violation *violation)
{
	for (uint32_t i = 0; i < array->count; i++) {
		struct path_node item = {.parent = node, .index = i, .field_name = node->field_name};
		if (!field_validate(field->items, &array->as.items[i], &item, violation))
			return false;
	}
	return true;
}

static bool field_validate(const struct msp_field *field, struct msp_value *value, const struct path_node *node,
                           struct msp_violation *violation)
{
	if (value->type == MSP_NULL && field->nullable)
		return true;
	switch (field->type) {
	case MSP_NUMBER:
		return number_validate(field, value, node, violation);
	case MSP_INTEGER:
		return integer_validate(field, value, node, violation);
	case MSP_STRING:
		return string_validate(field, value, node, violation);
	case MSP_ANY:
		return any_validate(value, node, violation);
	case MSP_ARRAY:
		if (value->type == MSP_ARRAY && field->items)
			return array_validate(field, value, node, violation);
		break;
	case MSP_OBJECT:
		if (value->type == MSP_OBJECT && field->object)
			return object_validate(field->object, value, node, violation);
		break;
	case MSP_NULL:
	case MSP_BOOLEAN:
	case MSP_BINARY:
		break;
	}
	return value->type == field->type ? any_validate(value, node, violation)
	                                  : refuse_type(field, value, node, violation);
}

bool msp_schema_validate(const struct msp_schema *schema, struct msp_value *value, struct msp_violation *ret_violation)
{
	static const struct msp_field whole = {.type = MSP_OBJECT};
	struct path_node root = {.parent = NULL};
	if (value->type != MSP_OBJECT)
		return refuse_type(&whole, value, &root, ret_violation);
	return object_validate(schema, value, &root, ret_violation);
}
