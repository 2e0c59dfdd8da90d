#include "schema_example.h"

#include <assert.h>

/* A whole number within the field's bounds, if there is one. */
static double number_example(const struct msp_field *field, unsigned seed)
{
	double low = field->minimum.set ? field->minimum.value : field->maximum.set ? field->maximum.value - 100 : -50;
	double span = field->maximum.set ? field->maximum.value - low : 100;
	double number = (double)(int64_t)(low + span * (seed % 17) / 17);
	return number < low ? low : number;
}

static struct msp_value string_example(const struct msp_field *field, unsigned seed)
{
	static const char *const texts[] = {"", "a", "text", "gr\xc3\xbc\xc3\x9f", "line\nline"};
	const char *const *choices = field->enumeration;
	size_t count = sizeof(texts) / sizeof(texts[0]);
	if (choices)
		for (count = 0; choices[count];)
			count++;
	assert(count > 0);
	return msp_value_string((choices ? choices : texts)[seed % count]);
}

static bool field_example(const struct msp_field *field, unsigned seed, struct msp_arena *arena,
                          struct msp_value *ret_value);

static bool object_example(const struct msp_schema *schema, unsigned seed, struct msp_arena *arena,
                           struct msp_value *ret_value)
{
	if (!schema)
		return msp_value_object(arena, 0, ret_value);
	uint32_t count = (uint32_t)schema->field_count;
	if (!msp_value_object(arena, count + schema->additional, ret_value))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct msp_value value;
		if (!field_example(&schema->fields[i], seed * 31 + i, arena, &value))
			return false;
		msp_value_set(ret_value, i, schema->fields[i].name, value);
	}
	if (schema->additional)
		msp_value_set(ret_value, count, "of no field", msp_value_integer(seed));
	return true;
}

static bool array_example(const struct msp_field *items, unsigned seed, struct msp_arena *arena,
                          struct msp_value *ret_value)
{
	if (!msp_value_array(arena, seed % 4, ret_value))
		return false;
	for (uint32_t i = 0; i < seed % 4; i++) {
		ret_value->as.items[i] = msp_value_integer(i);
		if (items && !field_example(items, seed * 31 + i, arena, &ret_value->as.items[i]))
			return false;
	}
	return true;
}

static bool field_example(const struct msp_field *field, unsigned seed, struct msp_arena *arena,
                          struct msp_value *ret_value)
{
	static const unsigned char bytes[] = {0x00, 0xff, 0x80};
	switch (field->type) {
	case MSP_BOOLEAN:
		*ret_value = msp_value_boolean(seed % 2);
		return true;
	case MSP_INTEGER:
		*ret_value = msp_value_integer((int64_t)number_example(field, seed));
		return true;
	case MSP_NUMBER:
		*ret_value = msp_value_number(number_example(field, seed));
		return true;
	case MSP_STRING:
		*ret_value = string_example(field, seed);
		return true;
	case MSP_BINARY:
		*ret_value = (struct msp_value){.type = MSP_BINARY, .count = seed % 4, .as.binary = bytes};
		return true;
	case MSP_ARRAY:
		return array_example(field->items, seed, arena, ret_value);
	case MSP_OBJECT:
		return object_example(field->object, seed, arena, ret_value);
	case MSP_NULL:
	case MSP_ANY:
		break;
	}
	*ret_value = msp_value_null();
	return true;
}

bool schema_example(const struct msp_schema *schema, unsigned seed, struct msp_arena *arena,
                    struct msp_value *ret_value)
{
	return object_example(schema, seed, arena, ret_value);
}
