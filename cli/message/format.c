#include "format.h"

#include "input.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_LINE_BYTES ((size_t)1 << 32)

/* A token with its letter, or literal bytes with letter 0. */
struct format_item {
	char letter;
	struct msp_bytes literal; /* owned */
};

static void format_clear(struct format *format)
{
	memset(format, 0, sizeof(*format));
	format->null_text = "";
	msp_buffer_init(&format->line, MAX_LINE_BYTES);
}

static enum msp_status item_add(struct format *format, char letter, struct msp_bytes literal, struct msp_error *err)
{
	struct format_item *items = realloc(format->items, (format->count + 1) * sizeof(*items));
	if (!items) {
		free((void *)(uintptr_t)literal.data);
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	}
	format->items = items;
	items[format->count++] = (struct format_item){letter, literal};
	return MSP_OK;
}

/* Adds what `text` means, its first `size` bytes, as literal bytes. */
static enum msp_status literal_add(struct format *format, const char *text, size_t size, struct msp_error *err)
{
	struct msp_bytes literal = MSP_BYTES_ABSENT;
	char *copy = strndup(text, size);
	if (!copy)
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	enum msp_status status = size ? input_unescape(copy, &literal, err) : MSP_OK;
	free(copy);
	return status == MSP_OK && size ? item_add(format, 0, literal, err) : status;
}

/* Adds the token at `text`, which starts with '%'. */
static enum msp_status token_add(struct format *format, const char *text, struct msp_error *err)
{
	if (text[1] == '%')
		return literal_add(format, "%", 1, err);
	if (text[1] && strchr("sSRkKThtpo", text[1]))
		return item_add(format, text[1], MSP_BYTES_ABSENT, err);
	return msp_error_set(err, MSP_E_INVALID,
	                     "-f has no token %%%.1s; there are %%s %%S %%R %%k %%K %%T %%h %%t %%p %%o %%%%", text + 1);
}

enum msp_status format_init(struct format *format, const char *text, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	format_clear(format);
	while (*text && status == MSP_OK) {
		size_t size = strcspn(text, "%");
		status = literal_add(format, text, size, err);
		text += size;
		if (*text && status == MSP_OK) {
			status = token_add(format, text, err);
			text += status == MSP_OK ? 2 : 0;
		}
	}
	return status;
}

enum msp_status format_init_delimited(struct format *format, const char *delimiter, const char *key_delimiter,
                                      struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	format_clear(format);
	if (key_delimiter) {
		status = item_add(format, 'k', MSP_BYTES_ABSENT, err);
		if (status == MSP_OK)
			status = literal_add(format, key_delimiter, strlen(key_delimiter), err);
	}
	if (status == MSP_OK)
		status = item_add(format, 's', MSP_BYTES_ABSENT, err);
	return status == MSP_OK ? literal_add(format, delimiter, strlen(delimiter), err) : status;
}

void format_init_envelope(struct format *format, struct envelope *envelope)
{
	format_clear(format);
	format->envelope = envelope;
}

void format_done(struct format *format)
{
	for (size_t i = 0; i < format->count; i++)
		free((void *)(uintptr_t)format->items[i].literal.data);
	free(format->items);
	msp_buffer_done(&format->line);
	memset(format, 0, sizeof(*format));
}

/* ---- writing ---- */

static void bytes_write(const struct format *format, struct output *out, struct msp_bytes bytes)
{
	output_text(out, bytes.data ? bytes : msp_bytes_of_string(format->null_text));
}

static void size_write(struct output *out, struct msp_bytes bytes)
{
	output_printf(out, "%lld", bytes.data ? (long long)bytes.size : -1LL);
}

static void binary_size_write(struct output *out, struct msp_bytes bytes)
{
	uint32_t size = bytes.data ? (uint32_t)bytes.size : UINT32_MAX;
	const unsigned char octets[] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16),
	                                (unsigned char)(size >> 8), (unsigned char)size};
	output_text(out, msp_bytes_of(octets, sizeof(octets)));
}

/* Null is told from empty here whatever the flags, as by kcat. */
static void headers_write(struct output *out, const struct msp_message *message)
{
	for (size_t i = 0; i < message->header_count; i++) {
		output_write(out, ",", i > 0);
		output_text(out, message->headers[i].name);
		output_write(out, "=", 1);
		output_text(out, message->headers[i].value.data ? message->headers[i].value : msp_bytes_of_string("NULL"));
	}
}

static void position_write(struct output *out, const struct msp_message *message)
{
	if (message->id)
		output_text(out, msp_bytes_of_string(message->id));
	else
		output_printf(out, "%lld", (long long)message->offset);
}

static void item_write(const struct format *format, const struct format_item *item, const struct msp_message *message,
                       struct output *out)
{
	switch (item->letter) {
	case 's':
		bytes_write(format, out, message->value);
		break;
	case 'S':
		size_write(out, message->value);
		break;
	case 'R':
		binary_size_write(out, message->value);
		break;
	case 'k':
		bytes_write(format, out, message->key);
		break;
	case 'K':
		size_write(out, message->key);
		break;
	case 'T':
		output_printf(out, "%lld",
		              message->timestamp_ms == MSP_TIMESTAMP_NONE ? -1LL : (long long)message->timestamp_ms);
		break;
	case 'h':
		headers_write(out, message);
		break;
	case 't':
		output_text(out, msp_bytes_of_string(message->topic));
		break;
	case 'p':
		output_printf(out, "%d", (int)message->partition);
		break;
	case 'o':
		position_write(out, message);
		break;
	default:
		output_bytes(out, item->literal);
	}
}

enum msp_status format_write(struct format *format, const struct msp_message *message, struct output *out,
                             struct msp_error *err)
{
	if (!format->envelope) {
		for (size_t i = 0; i < format->count; i++)
			item_write(format, &format->items[i], message, out);
		return MSP_OK;
	}
	msp_buffer_clear(&format->line);
	enum msp_status status = envelope_encode(format->envelope, message, &format->line, err);
	if (status == MSP_OK)
		output_bytes(out, msp_buffer_bytes(&format->line));
	return status;
}
