#include <msp/schema.h>

#include <math.h>

/* More than any description has: $schema, title, type, properties, required, additionalProperties, … */
#define MEMBERS_MAX 10

/* An object that is being described; members are counted as they come. */
struct description {
	struct msp_arena *arena;
	struct msp_member members[MEMBERS_MAX];
	uint32_t count;
	bool failed; /* an allocation did; the arena knows why */
};

static void describe(struct description *description, const char *name, struct msp_value value)
{
	description->members[description->count++] = (struct msp_member){name, (uint32_t)strlen(name), value};
}

static void describe_text(struct description *description, const char *name, const char *text)
{
	if (text)
		describe(description, name, msp_value_string(text));
}

static struct msp_value description_array(struct description *description, size_t count)
{
	struct msp_value array = msp_value_null();
	if (!msp_value_array(description->arena, (uint32_t)count, &array))
		description->failed = true;
	return array;
}

/* The description as a value; false when an allocation failed on the way. */
static bool description_finish(struct description *description, struct msp_value *ret_value)
{
	struct msp_value object;
	if (description->failed || !msp_value_object(description->arena, description->count, &object))
		return false;
	memcpy(object.as.members, description->members, description->count * sizeof(description->members[0]));
	*ret_value = object;
	return true;
}

static void describe_type(struct description *description, const struct msp_field *field)
{
	if (field->type == MSP_ANY)
		return;
	struct msp_value name = msp_value_string(field->type == MSP_BINARY ? "string" : msp_type_name(field->type));
	if (!field->nullable || field->type == MSP_NULL) {
		describe(description, "type", name);
		return;
	}
	struct msp_value names = description_array(description, 2);
	if (description->failed)
		return;
	names.as.items[0] = name;
	names.as.items[1] = msp_value_string("null");
	describe(description, "type", names);
}

/* Whole bounds are written without a fraction. */
static void describe_bound(struct description *description, const char *name, const struct msp_bound *bound)
{
	if (!bound->set)
		return;
	bool whole = bound->value == floor(bound->value) && fabs(bound->value) < 0x1p53;
	describe(description, name, whole ? msp_value_integer((int64_t)bound->value) : msp_value_number(bound->value));
}

static void describe_enumeration(struct description *description, const struct msp_field *field)
{
	if (!field->enumeration)
		return;
	size_t count = 0;
	while (field->enumeration[count])
		count++;
	/* "enum" binds null too. */
	struct msp_value values = description_array(description, count + field->nullable);
	if (description->failed)
		return;
	for (size_t i = 0; i < count; i++)
		values.as.items[i] = msp_value_string(field->enumeration[i]);
	describe(description, "enum", values);
}

static void describe_object(struct description *description, const struct msp_schema *schema);

static bool field_describe(const struct msp_field *field, struct msp_arena *arena, struct msp_value *ret_value)
{
	struct description description = {.arena = arena};
	describe_text(&description, "description", field->description);
	describe_type(&description, field);
	if (field->type == MSP_BINARY)
		describe_text(&description, "contentEncoding", "base64");
	describe_bound(&description, "minimum", &field->minimum);
	describe_bound(&description, "maximum", &field->maximum);
	describe_enumeration(&description, field);
	if (field->type == MSP_ARRAY && field->items) {
		struct msp_value items = msp_value_null();
		if (!field_describe(field->items, arena, &items))
			return false;
		describe(&description, "items", items);
	}
	if (field->type == MSP_OBJECT && field->object)
		describe_object(&description, field->object);
	return description_finish(&description, ret_value);
}

static void describe_properties(struct description *description, const struct msp_schema *schema)
{
	struct msp_value properties;
	if (!msp_value_object(description->arena, (uint32_t)schema->field_count, &properties)) {
		description->failed = true;
		return;
	}
	for (uint32_t i = 0; i < properties.count && !description->failed; i++) {
		struct msp_value property = msp_value_null();
		description->failed = !field_describe(&schema->fields[i], description->arena, &property);
		msp_value_set(&properties, i, schema->fields[i].name, property);
	}
	describe(description, "properties", properties);
}

static void describe_required(struct description *description, const struct msp_schema *schema)
{
	size_t count = 0;
	for (size_t i = 0; i < schema->field_count; i++)
		count += !schema->fields[i].optional;
	if (count == 0)
		return;
	struct msp_value names = description_array(description, count);
	for (size_t i = 0, at = 0; i < schema->field_count && !description->failed; i++) {
		if (!schema->fields[i].optional)
			names.as.items[at++] = msp_value_string(schema->fields[i].name);
	}
	describe(description, "required", names);
}

/* What a schema adds to the description of an object. */
static void describe_object(struct description *description, const struct msp_schema *schema)
{
	describe_properties(description, schema);
	describe_required(description, schema);
	if (!schema->additional)
		describe(description, "additionalProperties", msp_value_boolean(false));
}

enum msp_status msp_schema_describe(const struct msp_schema *schema, struct msp_arena *arena,
                                    struct msp_value *ret_value)
{
	struct description description = {.arena = arena};
	describe_text(&description, "$schema", "https://json-schema.org/draft/2020-12/schema");
	describe_text(&description, "title", schema->title);
	describe_text(&description, "description", schema->description);
	describe_text(&description, "type", "object");
	describe_object(&description, schema);
	return description_finish(&description, ret_value) ? MSP_OK : msp_arena_status(arena);
}
