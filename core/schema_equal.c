#include <msp/schema.h>

static bool bounds_equal(const struct msp_bound *a, const struct msp_bound *b)
{
	return a->set == b->set && (!a->set || a->value == b->value);
}

static bool enumerations_equal(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

/* NULL accepts anything, and so equals only itself. */
static bool fields_equal(const struct msp_field *a, const struct msp_field *b, bool named)
{
	if (!a || !b)
		return a == b;
	if (named && (strcmp(a->name, b->name) != 0 || a->optional != b->optional))
		return false;
	if (a->type != b->type || a->nullable != b->nullable || !bounds_equal(&a->minimum, &b->minimum) ||
	    !bounds_equal(&a->maximum, &b->maximum) || !enumerations_equal(a->enumeration, b->enumeration) ||
	    !fields_equal(a->items, b->items, false))
		return false;
	return a->object && b->object ? msp_schema_equal(a->object, b->object) : a->object == b->object;
}

bool msp_schema_equal(const struct msp_schema *a, const struct msp_schema *b)
{
	if (a == b)
		return true;
	if (a->field_count != b->field_count || a->additional != b->additional)
		return false;
	for (size_t i = 0; i < a->field_count; i++)
		if (!fields_equal(&a->fields[i], &b->fields[i], true))
			return false;
	return true;
}
