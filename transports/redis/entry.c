#include "entry.h"
#include "reply.h"
#include <stdlib.h>

/* proto-max-bulk-len of the server, its default: a longer word ends the connection. */
#define WORD_MAX ((size_t)512 << 20)
/* What Lua's unpack can put on its stack. */
#define HEADERS_MAX 2000

#define DIGITS "0123456789"

#define VALUE       MSP_BYTES_LITERAL("value")
#define KEY         MSP_BYTES_LITERAL("key")
#define HEADER      MSP_BYTES_LITERAL("h:")
#define NULL_HEADER MSP_BYTES_LITERAL("n:")
#define NOTHING     MSP_BYTES_LITERAL("null")

size_t redis_entry_fields(const struct msp_message *message)
{
	size_t fields = message->header_count + (message->value.data != NULL) + (message->key.data != NULL);
	return fields > 0 ? fields : 1;
}

struct field {
	struct msp_bytes prefix, name, value; /* called by prefix and name */
};

static struct field field_at(const struct msp_message *message, size_t index)
{
	if (message->value.data && index-- == 0)
		return (struct field){VALUE, MSP_BYTES_ABSENT, message->value};
	if (message->key.data && index-- == 0)
		return (struct field){KEY, MSP_BYTES_ABSENT, message->key};
	if (index >= message->header_count)
		return (struct field){NOTHING, MSP_BYTES_ABSENT, MSP_BYTES_ABSENT};
	const struct msp_header *header = &message->headers[index];
	return (struct field){header->value.data ? HEADER : NULL_HEADER, header->name, header->value};
}

void redis_entry_put(struct redis_output *out, const struct msp_message *message, unsigned parts)
{
	size_t count = redis_entry_fields(message);
	for (size_t i = 0; i < count; i++) {
		struct field field = field_at(message, i);
		if (parts & REDIS_ENTRY_NAMES)
			redis_put_joined(out, field.prefix, field.name);
		if (parts & REDIS_ENTRY_VALUES)
			redis_put_bytes(out, field.value);
	}
}

bool redis_entry_is_alike(const struct msp_message *a, const struct msp_message *b)
{
	if (!a->value.data != !b->value.data || !a->key.data != !b->key.data || a->header_count != b->header_count)
		return false;
	for (size_t i = 0; a->headers != b->headers && i < a->header_count; i++)
		if (!msp_bytes_equal(a->headers[i].name, b->headers[i].name) ||
		    !a->headers[i].value.data != !b->headers[i].value.data)
			return false;
	return true;
}

const char *redis_entry_refusal(const struct msp_message *message)
{
	if (message->header_count > HEADERS_MAX)
		return "the message has more than 2000 headers";
	if (msp_message_size(message) > WORD_MAX - 2 * HEADERS_MAX)
		return "the message is larger than 512 MiB";
	return NULL;
}

/* ---- reading ---- */

static bool bytes_begin_with(struct msp_bytes bytes, struct msp_bytes prefix)
{
	return bytes.size >= prefix.size && memcmp(bytes.data, prefix.data, prefix.size) == 0;
}

static struct msp_bytes bytes_after(struct msp_bytes bytes, struct msp_bytes prefix)
{
	return msp_bytes_of((const char *)bytes.data + prefix.size, bytes.size - prefix.size);
}

static struct msp_bytes word_bytes(const redisReply *word)
{
	return msp_bytes_of(word->str, (size_t)word->len);
}

/* A field that is no value and no key: one more header. */
static void field_parse(struct msp_bytes name, struct msp_bytes value, struct msp_message *message,
                        struct msp_header *headers)
{
	struct msp_header *header = &headers[message->header_count];
	if (bytes_begin_with(name, HEADER)) {
		*header = (struct msp_header){bytes_after(name, HEADER), value};
	} else if (bytes_begin_with(name, NULL_HEADER) && value.size == 0) {
		*header = (struct msp_header){bytes_after(name, NULL_HEADER), MSP_BYTES_ABSENT};
	} else if (msp_bytes_equal(name, NOTHING) && value.size == 0) {
		return;
	} else {
		*header = (struct msp_header){name, value};
		message->defect = MSP_DEFECT_FOREIGN;
	}
	message->header_count++;
}

static enum msp_status fields_parse(const redisReply *fields, struct msp_arena *arena, struct msp_message *message,
                                    struct msp_error *err)
{
	struct msp_header *headers = NULL;
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		struct msp_bytes name = word_bytes(fields->element[i]), value = word_bytes(fields->element[i + 1]);
		if (!message->value.data && msp_bytes_equal(name, VALUE)) {
			message->value = value;
			continue;
		}
		if (!message->key.data && msp_bytes_equal(name, KEY)) {
			message->key = value;
			continue;
		}
		if (!headers)
			headers = msp_arena_alloc_array(arena, (fields->elements - i) / 2, sizeof(*headers));
		if (!headers)
			return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for headers");
		field_parse(name, value, message, headers);
	}
	message->headers = headers;
	return MSP_OK;
}

bool redis_id_is(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len >= REDIS_ID_SIZE)
		return false;
	size_t ms = strspn(reply->str, DIGITS), number = reply->str[ms] == '-' ? strspn(reply->str + ms + 1, DIGITS) : 0;
	return ms > 0 && number > 0 && ms + 1 + number == (size_t)reply->len;
}

int64_t redis_id_ms(const char *id)
{
	unsigned long long ms = strtoull(id, NULL, 10);
	return ms < INT64_MAX ? (int64_t)ms : INT64_MAX;
}

bool redis_id_is_last(const char *id)
{
	return strcmp(id, "18446744073709551615-18446744073709551615") == 0;
}

int redis_id_compare(const char *a, const char *b)
{
	char *a_rest, *b_rest;
	unsigned long long a_ms = strtoull(a, &a_rest, 10), b_ms = strtoull(b, &b_rest, 10);
	if (a_ms != b_ms)
		return a_ms < b_ms ? -1 : 1;
	unsigned long long a_number = *a_rest ? strtoull(a_rest + 1, NULL, 10) : 0;
	unsigned long long b_number = *b_rest ? strtoull(b_rest + 1, NULL, 10) : 0;
	return (a_number > b_number) - (a_number < b_number);
}

/* Names and values, or nil. */
static bool are_fields(const redisReply *fields)
{
	if (!redis_reply_is_array(fields))
		return fields->type == REDIS_REPLY_NIL;
	for (size_t i = 0; i < fields->elements; i++) {
		if (fields->element[i]->type != REDIS_REPLY_STRING)
			return false;
	}
	return fields->elements % 2 == 0;
}

enum msp_status redis_entry_parse(const redisReply *entry, struct msp_arena *arena, struct msp_message *message,
                                  struct msp_error *err)
{
	const redisReply *id = redis_reply_at(entry, 0), *fields = redis_reply_at(entry, 1);
	if (!redis_id_is(id) || entry->elements != 2 || !are_fields(fields))
		return msp_error_set(err, MSP_E_INTERNAL, "the server answers with something else than entries");
	*message = (struct msp_message){
	    .timestamp_ms = redis_id_ms(id->str),
	    .partition = MSP_PARTITION_ANY,
	    .offset = MSP_OFFSET_NONE,
	    .id = id->str,
	};
	if (fields->type == REDIS_REPLY_ARRAY)
		return fields_parse(fields, arena, message, err);
	message->defect = MSP_DEFECT_EXPIRED;
	return MSP_OK;
}
