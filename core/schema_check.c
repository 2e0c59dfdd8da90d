/* Is the table of a schema itself in order? */
#include <msp/schema.h>

#include <math.h>

static enum msp_status bounds_check(const struct msp_field *field, const char *name, struct msp_error *err)
{
	const struct msp_bound *minimum = &field->minimum, *maximum = &field->maximum;
	if (!minimum->set && !maximum->set)
		return MSP_OK;
	if (field->type != MSP_INTEGER && field->type != MSP_NUMBER)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has bounds and is no number", name);
	if ((minimum->set && isnan(minimum->value)) || (maximum->set && isnan(maximum->value)))
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has a bound that is no number", name);
	if (minimum->set && maximum->set && minimum->value > maximum->value)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has a minimum above its maximum", name);
	return MSP_OK;
}

static enum msp_status enumeration_check(const struct msp_field *field, const char *name, struct msp_error *err)
{
	if (!field->enumeration)
		return MSP_OK;
	if (field->type != MSP_STRING)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has an enumeration and is no string", name);
	if (!field->enumeration[0])
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has an empty enumeration", name);
	for (const char *const *choice = field->enumeration; *choice; choice++) {
		if (!msp_bytes_are_utf8(msp_bytes_of_string(*choice)))
			return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has an enumeration that is not UTF-8", name);
	}
	return MSP_OK;
}

static enum msp_status schema_check(const struct msp_schema *schema, int depth, struct msp_error *err);

/* `name` is the field's own, or that of the array whose items it describes. */
static enum msp_status field_check(const struct msp_field *field, const char *name, int depth, struct msp_error *err)
{
	if (depth > MSP_SCHEMA_NESTING_MAX)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" is nested more than %d deep", name,
		                     MSP_SCHEMA_NESTING_MAX);
	if ((size_t)field->type > (size_t)MSP_ANY)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has no known type", name);
	if (field->items && field->type != MSP_ARRAY)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has items and is no array", name);
	if (field->object && field->type != MSP_OBJECT)
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has fields and is no object", name);
	if (field->description && !msp_bytes_are_utf8(msp_bytes_of_string(field->description)))
		return msp_error_set(err, MSP_E_INVALID, "field \"%s\" has a description that is not UTF-8", name);
	enum msp_status status = bounds_check(field, name, err);
	if (status == MSP_OK)
		status = enumeration_check(field, name, err);
	if (status == MSP_OK && field->items)
		status = field_check(field->items, name, depth + 1, err);
	if (status == MSP_OK && field->object)
		status = schema_check(field->object, depth + 1, err);
	return status;
}

static enum msp_status name_check(const struct msp_schema *schema, size_t index, struct msp_error *err)
{
	const char *name = schema->fields[index].name;
	if (!name || name[0] == '\0')
		return msp_error_set(err, MSP_E_INVALID, "field %zu has no name", index);
	if (!msp_bytes_are_utf8(msp_bytes_of_string(name)))
		return msp_error_set(err, MSP_E_INVALID, "field %zu has a name that is not UTF-8", index);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(schema->fields[i].name, name) == 0)
			return msp_error_set(err, MSP_E_INVALID, "field \"%s\" is there twice", name);
	}
	return MSP_OK;
}

static enum msp_status schema_check(const struct msp_schema *schema, int depth, struct msp_error *err)
{
	if (schema->field_count > 0 && !schema->fields)
		return msp_error_set(err, MSP_E_INVALID, "the schema counts %zu fields and has none", schema->field_count);
	for (size_t i = 0; i < schema->field_count; i++) {
		enum msp_status status = name_check(schema, i, err);
		if (status == MSP_OK)
			status = field_check(&schema->fields[i], schema->fields[i].name, depth, err);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

enum msp_status msp_schema_check(const struct msp_schema *schema, struct msp_error *err)
{
	return schema_check(schema, 1, err);
}
