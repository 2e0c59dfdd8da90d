#include "json_refusal.h"

struct cause {
	enum json_error_code code;
	const char *start; /* of jansson's text; "": any */
	const char *text;
};

/* The first that fits is the cause. */
static const struct cause causes[] = {
    {json_error_invalid_utf8, "", "not UTF-8"},
    {json_error_end_of_input_expected, "", "nothing may follow the value"},
    {json_error_null_byte_in_key, "", "U+0000 in a member name is not supported"},
    {json_error_duplicate_key, "", "the same member name twice in one object"},
    {json_error_numeric_overflow, "too big", "integer out of range, 64 bits are supported"},
    {json_error_numeric_overflow, "", "number out of range of a double"},
    {json_error_premature_end_of_input, "", "the text ends too early"},
    {json_error_invalid_syntax, "string or '}'", "expected a member name or '}'"},
    {json_error_invalid_syntax, "':'", "expected ':'"},
    {json_error_invalid_syntax, "'}'", "expected ',' or '}'"},
    {json_error_invalid_syntax, "']'", "expected ',' or ']'"},
    {json_error_invalid_syntax, "unexpected token", "expected a value"},
    {json_error_invalid_syntax, "unexpected newline", "unescaped control character in a string"},
    {json_error_invalid_syntax, "control character", "unescaped control character in a string"},
    {json_error_invalid_syntax, "invalid escape", "invalid escape in a string"},
    {json_error_invalid_syntax, "invalid Unicode", "unpaired surrogate in a string"},
    {json_error_invalid_syntax, "invalid token", "invalid token"},
};

static const char *cause_text(const json_error_t *error)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct cause *cause = &causes[i];
		if (cause->code == json_error_code(error) && strncmp(error->text, cause->start, strlen(cause->start)) == 0)
			return cause->text;
	}
	return "syntax error";
}

static bool text_is_blank(struct msp_bytes text)
{
	const char *bytes = text.data;
	size_t i = 0;
	while (i < text.size && memchr(" \t\r\n", bytes[i], 4))
		i++;
	return i == text.size;
}

static bool text_starts_with(struct msp_bytes text, const char *start)
{
	size_t size = strlen(start);
	return text.size >= size && memcmp(text.data, start, size) == 0;
}

/* What is wrong with the text as a whole, or NULL. */
static const char *text_defect(struct msp_bytes text)
{
	if (text.size == 0)
		return "empty";
	if (text_is_blank(text))
		return "nothing but white space";
	if (text_starts_with(text, "\xEF\xBB\xBF"))
		return "starts with a byte-order mark";
	if (text_starts_with(text, "\xFF\xFE") || text_starts_with(text, "\xFE\xFF"))
		return "UTF-16, only UTF-8 is supported";
	return NULL;
}

/* The number of the byte that opens level max_depth + 1, or 0. A text that ends or breaks before has none. */
static size_t too_deep_at(struct msp_bytes text, int max_depth)
{
	const char *bytes = text.data;
	bool in_string = false;
	for (size_t i = 0, depth = 0; i < text.size; i++) {
		if (in_string && bytes[i] == '\\')
			i++;
		else if (bytes[i] == '"')
			in_string = !in_string;
		else if (!in_string && (bytes[i] == '[' || bytes[i] == '{') && ++depth > (size_t)max_depth)
			return i + 1;
		else if (!in_string && (bytes[i] == ']' || bytes[i] == '}'))
			depth--;
	}
	return 0;
}

enum msp_status json_refuse(struct msp_bytes text, const json_error_t *error, int max_depth, struct msp_error *err)
{
	const char *defect = text_defect(text);
	if (defect)
		return msp_error_set(err, MSP_E_INVALID, "invalid JSON: %s", defect);
	const char *nul = memchr(text.data, '\0', text.size);
	if (nul)
		return msp_error_set(err, MSP_E_INVALID, "invalid JSON: NUL at byte %zu",
		                     (size_t)(nul - (const char *)text.data) + 1);
	if (json_error_code(error) == json_error_stack_overflow)
		return json_refuse_size(text, max_depth, err);
	return msp_error_set(err, MSP_E_INVALID, "invalid JSON: %s, near byte %d", cause_text(error), error->position);
}

enum msp_status json_refuse_size(struct msp_bytes text, int max_depth, struct msp_error *err)
{
	size_t byte = too_deep_at(text, max_depth);
	if (byte)
		return msp_error_set(err, MSP_E_LIMIT, "nested deeper than %d levels at byte %zu", max_depth, byte);
	return msp_error_set(err, MSP_E_LIMIT, "%zu bytes of JSON need more memory than is allowed", text.size);
}
