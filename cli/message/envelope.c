#include "envelope.h"

#include "base64.h"
#include "builtin.h"

#include <msp/escape.h>

/* An envelope is at most a few times as large as the largest message that there can be. */
#define MAX_MEMORY  ((size_t)1 << 32)
#define KEEP_MEMORY ((size_t)1 << 20)
#define MAX_DEPTH   8
#define MAX_MEMBERS 8

enum msp_status envelope_init(struct envelope *envelope, struct msp_error *err)
{
	const struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	const struct msp_codec_ops *ops;
	envelope->codec = NULL;
	msp_arena_init(&envelope->arena, MAX_MEMORY);
	enum msp_status status = builtin_json(&ops, err);
	return status == MSP_OK ? ops->open(&config, &envelope->codec, err) : status;
}

void envelope_done(struct envelope *envelope)
{
	if (!envelope->codec)
		return;
	msp_codec_free(envelope->codec);
	msp_arena_done(&envelope->arena);
	envelope->codec = NULL;
}

void envelope_forget(struct envelope *envelope)
{
	msp_arena_reset(&envelope->arena, KEEP_MEMORY);
}

/* ---- writing ---- */

static struct msp_value text_value(struct msp_bytes text)
{
	return (struct msp_value){.type = MSP_STRING, .count = (uint32_t)text.size, .as.string = text.data};
}

static bool bytes_value(struct msp_arena *arena, struct msp_bytes bytes, struct msp_value *ret_value)
{
	struct msp_bytes text;
	if (!bytes.data) {
		*ret_value = msp_value_null();
		return true;
	}
	if (msp_bytes_are_utf8(bytes)) {
		*ret_value = text_value(bytes);
		return true;
	}
	if (!base64_encode(arena, bytes, &text) || !msp_value_object(arena, 1, ret_value))
		return false;
	msp_value_set(ret_value, 0, "base64", text_value(text));
	return true;
}

/* Names and values in turn, in order, so that repeated names survive. */
static bool headers_value(struct msp_arena *arena, const struct msp_message *message, struct msp_value *ret_value)
{
	if (!msp_value_array(arena, (uint32_t)(2 * message->header_count), ret_value))
		return false;
	for (size_t i = 0; i < message->header_count; i++)
		if (!bytes_value(arena, message->headers[i].name, &ret_value->as.items[2 * i]) ||
		    !bytes_value(arena, message->headers[i].value, &ret_value->as.items[2 * i + 1]))
			return false;
	return true;
}

static bool message_value(struct msp_arena *arena, const struct msp_message *message, struct msp_value *ret_value)
{
	struct msp_value key, headers, payload;
	uint32_t count = 0;
	if (!msp_value_object(arena, MAX_MEMBERS, ret_value) || !bytes_value(arena, message->key, &key) ||
	    !headers_value(arena, message, &headers) || !bytes_value(arena, message->value, &payload))
		return false;
	msp_value_set(ret_value, count++, "topic", msp_value_string(message->topic));
	if (message->partition != MSP_PARTITION_ANY)
		msp_value_set(ret_value, count++, "partition", msp_value_integer(message->partition));
	if (message->offset != MSP_OFFSET_NONE)
		msp_value_set(ret_value, count++, "offset", msp_value_integer(message->offset));
	if (message->id)
		msp_value_set(ret_value, count++, "id", msp_value_string(message->id));
	if (message->timestamp_ms != MSP_TIMESTAMP_NONE)
		msp_value_set(ret_value, count++, "ts", msp_value_integer(message->timestamp_ms));
	msp_value_set(ret_value, count++, "key", key);
	msp_value_set(ret_value, count++, "headers", headers);
	msp_value_set(ret_value, count++, "payload", payload);
	ret_value->count = count;
	return true;
}

/* A terminal obeys some characters that JSON does not have escaped. To a reader of JSON both are the same. */
static enum msp_status line_escape(struct msp_buffer *buffer, size_t start)
{
	struct msp_bytes line = msp_bytes_of(buffer->data + start, buffer->size - start);
	if (msp_escape_plain_size(line) == line.size)
		return MSP_OK;
	struct msp_buffer escaped;
	msp_buffer_init(&escaped, buffer->max_size - start);
	enum msp_status status = MSP_OK;
	while (line.size > 0 && status == MSP_OK) {
		char escape[MSP_ESCAPE_SIZE];
		size_t plain = msp_escape_plain_size(line);
		size_t taken = plain ? plain : msp_escape_next(line, escape);
		status = msp_buffer_append(&escaped, plain ? line.data : escape, plain ? plain : strlen(escape));
		line = msp_bytes_of((const char *)line.data + taken, line.size - taken);
	}
	buffer->size = start;
	if (status == MSP_OK)
		status = msp_buffer_append(buffer, escaped.data, escaped.size);
	msp_buffer_done(&escaped);
	return status;
}

enum msp_status envelope_encode(struct envelope *envelope, const struct msp_message *message, struct msp_buffer *buffer,
                                struct msp_error *err)
{
	struct msp_value value;
	size_t start = buffer->size;
	envelope_forget(envelope);
	if (!message_value(&envelope->arena, message, &value))
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	enum msp_status status = msp_codec_encode(envelope->codec, &value, buffer, NULL, err);
	if (status == MSP_OK && (line_escape(buffer, start) != MSP_OK || msp_buffer_append_char(buffer, '\n') != MSP_OK))
		status = msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	return status;
}

/* ---- reading ---- */

static enum msp_status bytes_read(struct msp_arena *arena, const char *name, const struct msp_value *value,
                                  struct msp_bytes *ret_bytes, struct msp_error *err)
{
	if (value->type == MSP_NULL) {
		*ret_bytes = MSP_BYTES_ABSENT;
		return MSP_OK;
	}
	if (value->type == MSP_STRING) {
		*ret_bytes = msp_bytes_of(value->count ? value->as.string : "", value->count);
		return MSP_OK;
	}
	const struct msp_value *base64 = msp_value_member(value, "base64");
	if (!base64 || base64->type != MSP_STRING || value->count != 1)
		return msp_error_set(err, MSP_E_INVALID, "\"%s\" must be a string, null or {\"base64\": \"…\"}", name);
	enum msp_status status = base64_decode(arena, msp_bytes_of(base64->as.string, base64->count), ret_bytes);
	if (status == MSP_E_INVALID)
		return msp_error_set(err, status, "\"%s\" is not valid base64", name);
	return status == MSP_OK ? MSP_OK : msp_error_set(err, status, "out of memory");
}

static enum msp_status integer_read(const char *name, const struct msp_value *value, int64_t min, int64_t max,
                                    int64_t *ret_integer, struct msp_error *err)
{
	if (value->type != MSP_INTEGER || value->as.integer < min || value->as.integer > max)
		return msp_error_set(err, MSP_E_INVALID, "\"%s\" must be an integer from %lld to %lld", name, (long long)min,
		                     (long long)max);
	*ret_integer = value->as.integer;
	return MSP_OK;
}

/* Header `index` of ["name", "value", …] or {"name": "value", …}. */
static enum msp_status header_read(struct msp_arena *arena, const struct msp_value *value, uint32_t index,
                                   struct msp_header *ret_header, struct msp_error *err)
{
	if (value->type == MSP_OBJECT) {
		const struct msp_member *member = &value->as.members[index];
		ret_header->name = msp_bytes_of(member->name, member->name_size);
		return bytes_read(arena, "headers", &member->value, &ret_header->value, err);
	}
	const struct msp_value *items = &value->as.items[2 * index];
	enum msp_status status = bytes_read(arena, "headers", &items[0], &ret_header->name, err);
	if (status == MSP_OK && !ret_header->name.data)
		return msp_error_set(err, MSP_E_INVALID, "the name of a header cannot be null");
	return status == MSP_OK ? bytes_read(arena, "headers", &items[1], &ret_header->value, err) : status;
}

static enum msp_status headers_read(struct msp_arena *arena, const struct msp_value *value,
                                    struct msp_message *ret_message, struct msp_error *err)
{
	bool is_object = value->type == MSP_OBJECT;
	if (!is_object && (value->type != MSP_ARRAY || value->count % 2))
		return msp_error_set(err, MSP_E_INVALID, "\"headers\" must be a list of names and values in turn");
	uint32_t count = is_object ? value->count : value->count / 2;
	struct msp_header *headers = msp_arena_alloc_array(arena, count, sizeof(*headers));
	if (!headers)
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		enum msp_status status = header_read(arena, value, i, &headers[i], err);
		if (status != MSP_OK)
			return status;
	}
	ret_message->headers = headers;
	ret_message->header_count = count;
	return MSP_OK;
}

static bool name_is(const struct msp_member *member, const char *name)
{
	return msp_bytes_equal(msp_bytes_of(member->name, member->name_size), msp_bytes_of_string(name));
}

/* Where the message stood, and what kcat adds to that. */
static bool is_about_position(const struct msp_member *member)
{
	static const char *const names[] = {"topic", "offset", "id", "tstype", "broker"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name_is(member, names[i]))
			return true;
	return false;
}

static enum msp_status member_read(struct msp_arena *arena, const struct msp_member *member,
                                   struct msp_message *message, struct msp_error *err)
{
	int64_t partition = 0;
	if (name_is(member, "payload"))
		return bytes_read(arena, "payload", &member->value, &message->value, err);
	if (name_is(member, "key"))
		return bytes_read(arena, "key", &member->value, &message->key, err);
	if (name_is(member, "headers"))
		return headers_read(arena, &member->value, message, err);
	if (name_is(member, "ts"))
		return integer_read("ts", &member->value, INT64_MIN + 1, INT64_MAX, &message->timestamp_ms, err);
	if (!name_is(member, "partition"))
		return is_about_position(member)
		           ? MSP_OK
		           : msp_error_set(err, MSP_E_INVALID, "an envelope has no member of that name: %.*s",
		                           (int)member->name_size, member->name);
	enum msp_status status = integer_read("partition", &member->value, -1, INT32_MAX, &partition, err);
	message->partition = (int32_t)partition;
	return status;
}

enum msp_status envelope_decode(struct envelope *envelope, struct msp_bytes line, struct msp_message *ret_message,
                                struct msp_error *err)
{
	struct msp_value value;
	enum msp_status status = msp_codec_decode(envelope->codec, line, MSP_NO_HEADERS, &envelope->arena, &value, err);
	if (status != MSP_OK)
		return status;
	if (!msp_value_member(&value, "payload"))
		return msp_error_set(err, MSP_E_INVALID, "an envelope is an object with at least \"payload\"");
	*ret_message = (struct msp_message){
	    .timestamp_ms = MSP_TIMESTAMP_NONE, .topic = "", .partition = MSP_PARTITION_ANY, .offset = MSP_OFFSET_NONE};
	for (uint32_t i = 0; i < value.count && status == MSP_OK; i++)
		status = member_read(&envelope->arena, &value.as.members[i], ret_message, err);
	return status;
}
