/* A value that a schema accepts with something odd in it: the verdict is the same the second time, and a violation
 * points at a place that exists, or where a field is missing. */
#include "fuzz.h"
#include "schema_example.h"
#include "value_recipe.h"

static const char *const colours[] = {"red", "green", "", NULL};

static const struct msp_field point_fields[] = {
    {.name = "x", .type = MSP_NUMBER, .minimum = MSP_BOUND(-1), .maximum = MSP_BOUND(1)},
    {.name = "~y/", .type = MSP_INTEGER, .optional = true, .nullable = true, .minimum = MSP_BOUND(0)},
};
static const struct msp_schema point = {
    .fields = point_fields,
    .field_count = sizeof(point_fields) / sizeof(point_fields[0]),
};
static const struct msp_field point_item = {.name = "item", .type = MSP_OBJECT, .object = &point};

static const struct msp_field fields[] = {
    {.name = "", .type = MSP_BOOLEAN},
    {.name = "colour", .type = MSP_STRING, .enumeration = colours, .nullable = true},
    {.name = "count", .type = MSP_INTEGER, .minimum = MSP_BOUND(-5), .maximum = MSP_BOUND(5)},
    {.name = "points", .type = MSP_ARRAY, .items = &point_item},
    {.name = "blob", .type = MSP_BINARY, .optional = true},
    {.name = "anything", .type = MSP_ANY, .optional = true},
};
static const struct msp_schema closed = {.fields = fields, .field_count = sizeof(fields) / sizeof(fields[0])};
static const struct msp_schema open = {
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .additional = true,
};

/* The first byte picks the schema and the field that the rest of the bytes replaces. */
static struct msp_value value_make(const struct msp_schema *schema, const uint8_t *data, size_t size,
                                   struct msp_arena *arena)
{
	struct msp_value cooked = value_cook(msp_bytes_of(data + 1, size - 1), arena), value;
	uint32_t place = (data[0] >> 1) % 8;
	if (place == 7)
		return cooked;
	must(schema_example(schema, data[0], arena, &value), "there is memory");
	if (place < value.count)
		value.as.members[place].value = cooked;
	return value;
}

/* Reads one reference token and undoes its escapes (RFC 6901). Returns its end in `pointer`. */
static const char *token_read(const char *pointer, char token[MSP_PATH_SIZE])
{
	size_t size = 0;
	for (; *pointer && *pointer != '/'; pointer++) {
		token[size] = *pointer;
		if (*pointer == '~') {
			must(pointer[1] == '0' || pointer[1] == '1', "a tilde stands for an escape");
			token[size] = *++pointer == '0' ? '~' : '/';
		}
		size++;
	}
	token[size] = 0;
	return pointer;
}

static const struct msp_value *step(const struct msp_value *value, const char *token)
{
	if (value->type == MSP_OBJECT)
		return msp_value_member(value, token);
	char *end;
	unsigned long index = strtoul(token, &end, 10);
	must(value->type == MSP_ARRAY && !*end && index < value->count, "an index stands in its array");
	return &value->as.items[index];
}

static void pointer_check(const struct msp_value *value, const char *pointer)
{
	while (*pointer) {
		char token[MSP_PATH_SIZE];
		must(*pointer == '/', "a token begins with a slash");
		must(value != NULL, "only the last token may name a field that is missing");
		pointer = token_read(pointer + 1, token);
		value = step(value, token);
	}
}

static void violation_check(const struct msp_value *value, const struct msp_violation *violation)
{
	must(strlen(violation->path) < MSP_PATH_SIZE, "the path ends");
	must(msp_bytes_are_utf8(msp_bytes_of_string(violation->path)), "the path is UTF-8");
	must(violation->text[0] && !strpbrk(violation->text, "\r\n"), "a violation is one sentence");
	must(msp_bytes_are_utf8(msp_bytes_of_string(violation->text)), "the sentence is UTF-8");
	pointer_check(value, violation->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const struct msp_schema *schema = data[0] % 2 ? &open : &closed;
	struct msp_violation first, second;
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	struct msp_value value = value_make(schema, data, size, &arena);
	struct value_verdict verdict = value_judge(&value);
	if (!verdict.utf8 || !verdict.unique)
		goto out;
	bool valid = msp_schema_validate(schema, &value, &first);
	must(msp_schema_validate(schema, &value, &second) == valid, "the verdict stays");
	if (!valid) {
		violation_check(&value, &first);
		must(strcmp(first.path, second.path) == 0 && strcmp(first.text, second.text) == 0, "so does its reason");
	}
out:
	msp_arena_done(&arena);
	return 0;
}
