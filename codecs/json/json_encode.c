/* Encoding: straight into the buffer, in one pass. */
#include "json_codec.h"
#include "json_number.h"
#include <math.h>

struct writer {
	struct msp_buffer *buffer;
	struct msp_error *err;
	size_t indent;
	int depth; /* arrays and objects that are open */
	int max_depth;
};

static enum msp_status value_write(struct writer *writer, const struct msp_value *value);

static enum msp_status text_refuse(const struct writer *writer, enum msp_status status, size_t size)
{
	if (status == MSP_E_LIMIT)
		return msp_error_set(writer->err, status, "the JSON text is larger than %zu bytes", writer->buffer->max_size);
	return msp_error_set(writer->err, status, "no memory for %zu bytes of JSON", writer->buffer->size + size);
}

/* Inline, because most texts are constants of one or two bytes. */
static inline enum msp_status text_write(struct writer *writer, const char *text, size_t size)
{
	struct msp_buffer *buffer = writer->buffer;
	enum msp_status status = msp_buffer_reserve(buffer, size);
	if (status != MSP_OK)
		return text_refuse(writer, status, size);
	memcpy(buffer->data + buffer->size, text, size);
	buffer->size += size;
	return MSP_OK;
}

/* The letter after the backslash; 'u': four hexadecimal digits follow; 0: the byte needs no escape. */
static const char escapes[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',         'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\',
};

static enum msp_status escape_write(struct writer *writer, unsigned char byte)
{
	static const char hexadecimal[] = "0123456789abcdef";
	const char escape[] = {'\\', escapes[byte], '0', '0', hexadecimal[byte >> 4], hexadecimal[byte & 15]};
	return text_write(writer, escape, escapes[byte] == 'u' ? sizeof(escape) : 2);
}

static enum msp_status string_write(struct writer *writer, const char *string, size_t size)
{
	if (!msp_bytes_are_utf8(msp_bytes_of(string, size)))
		return msp_error_set(writer->err, MSP_E_INVALID, "a string is not UTF-8");
	enum msp_status status = text_write(writer, "\"", 1);
	size_t start = 0;
	for (size_t i = 0; status == MSP_OK && i < size; i++) {
		unsigned char byte = (unsigned char)string[i];
		if (!escapes[byte])
			continue;
		status = text_write(writer, string + start, i - start);
		if (status == MSP_OK)
			status = escape_write(writer, byte);
		start = i + 1;
	}
	if (status == MSP_OK)
		status = text_write(writer, string + start, size - start);
	return status == MSP_OK ? text_write(writer, "\"", 1) : status;
}

static enum msp_status number_write(struct writer *writer, double number)
{
	char text[JSON_NUMBER_SIZE];
	if (!isfinite(number))
		return msp_error_set(writer->err, MSP_E_INVALID, "JSON has no %s", isnan(number) ? "NaN" : "infinity");
	return text_write(writer, text, json_number_write(number, text));
}

static enum msp_status integer_write(struct writer *writer, int64_t integer)
{
	char text[JSON_NUMBER_SIZE];
	return text_write(writer, text, json_integer_write(integer, text));
}

/* What stands before an item: nothing, or a new line with the indent of its level. */
static enum msp_status line_write(struct writer *writer)
{
	if (writer->indent == 0)
		return MSP_OK;
	enum msp_status status = text_write(writer, "\n", 1);
	for (int level = 0; status == MSP_OK && level < writer->depth; level++)
		status = text_write(writer, "        ", writer->indent);
	return status;
}

static enum msp_status item_start(struct writer *writer, uint32_t index)
{
	enum msp_status status = MSP_OK;
	if (index > 0)
		status = writer->indent == 0 ? text_write(writer, ", ", 2) : text_write(writer, ",", 1);
	return status == MSP_OK ? line_write(writer) : status;
}

static enum msp_status items_write(struct writer *writer, const struct msp_value *array)
{
	enum msp_status status = MSP_OK;
	for (uint32_t i = 0; status == MSP_OK && i < array->count; i++) {
		status = item_start(writer, i);
		if (status == MSP_OK)
			status = value_write(writer, &array->as.items[i]);
	}
	return status;
}

static enum msp_status member_write(struct writer *writer, const struct msp_member *member)
{
	/* jansson could not read it back. */
	if (member->name_size > 0 && memchr(member->name, 0, member->name_size))
		return msp_error_set(writer->err, MSP_E_INVALID, "U+0000 in a member name");
	enum msp_status status = string_write(writer, member->name, member->name_size);
	if (status == MSP_OK)
		status = text_write(writer, ": ", 2);
	return status == MSP_OK ? value_write(writer, &member->value) : status;
}

static enum msp_status members_write(struct writer *writer, const struct msp_value *object)
{
	enum msp_status status = MSP_OK;
	for (uint32_t i = 0; status == MSP_OK && i < object->count; i++) {
		status = item_start(writer, i);
		if (status == MSP_OK)
			status = member_write(writer, &object->as.members[i]);
	}
	return status;
}

static enum msp_status container_write(struct writer *writer, const struct msp_value *value)
{
	bool array = value->type == MSP_ARRAY;
	if (writer->depth == writer->max_depth)
		return msp_error_set(writer->err, MSP_E_LIMIT, "nested deeper than %d levels", writer->max_depth);
	enum msp_status status = text_write(writer, array ? "[" : "{", 1);
	writer->depth++;
	if (status == MSP_OK)
		status = array ? items_write(writer, value) : members_write(writer, value);
	writer->depth--;
	if (status == MSP_OK && value->count > 0)
		status = line_write(writer);
	return status == MSP_OK ? text_write(writer, array ? "]" : "}", 1) : status;
}

/* Recurses at most max_depth times. */
static enum msp_status value_write(struct writer *writer, const struct msp_value *value)
{
	switch (value->type) {
	case MSP_NULL:
		return text_write(writer, "null", 4);
	case MSP_BOOLEAN:
		return value->as.boolean ? text_write(writer, "true", 4) : text_write(writer, "false", 5);
	case MSP_INTEGER:
		return integer_write(writer, value->as.integer);
	case MSP_NUMBER:
		return number_write(writer, value->as.number);
	case MSP_STRING:
		return string_write(writer, value->as.string, value->count);
	case MSP_ARRAY:
	case MSP_OBJECT:
		return container_write(writer, value);
	case MSP_BINARY:
		return msp_error_set(writer->err, MSP_E_INVALID, "JSON has no binary values");
	case MSP_ANY:
		break;
	}
	return msp_error_set(writer->err, MSP_E_INVALID, "a value without a type");
}

enum msp_status json_encode(const struct json_codec *codec, const struct msp_value *value, struct msp_buffer *buffer,
                            struct msp_error *err)
{
	size_t size = buffer->size;
	locale_t locale = uselocale(codec->c_locale);
	struct writer writer = {
	    .buffer = buffer,
	    .err = err,
	    .indent = (size_t)codec->indent,
	    .max_depth = codec->max_depth,
	};
	enum msp_status status = value_write(&writer, value);
	uselocale(locale);
	if (status != MSP_OK)
		buffer->size = size;
	return status;
}
