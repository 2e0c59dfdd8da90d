#include <msp/bytes.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_FIRST_CAPACITY ((size_t)256)

/* Where the ASCII run that begins at `at` ends. */
static const unsigned char *ascii_end(const unsigned char *at, const unsigned char *end)
{
	while (end - at >= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
		at += 8;
	}
	while (at < end && *at < 0x80)
		at++;
	return at;
}

/* The size of the sequence that a lead byte opens, and the range of its second byte: the one place where overlong
 * forms, surrogates and code points past U+10FFFF differ from what is allowed (RFC 3629, section 4). 0: no lead. */
static size_t sequence_rule(unsigned char lead, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
	*ret_high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
	if (lead < 0xC2 || lead > 0xF4)
		return 0;
	return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* The end of the one multi-byte sequence at `at`, or NULL when it is ill-formed. */
static const unsigned char *sequence_end(const unsigned char *at, const unsigned char *end)
{
	unsigned char low, high;
	size_t size = sequence_rule(*at, &low, &high);
	if (size == 0 || (size_t)(end - at) < size || at[1] < low || at[1] > high)
		return NULL;
	for (size_t i = 2; i < size; i++) {
		if ((at[i] & 0xC0) != 0x80)
			return NULL;
	}
	return at + size;
}

bool msp_bytes_are_utf8(struct msp_bytes bytes)
{
	if (bytes.size == 0)
		return true;
	const unsigned char *at = bytes.data;
	const unsigned char *end = at + bytes.size;
	while ((at = ascii_end(at, end)) < end) {
		/* Text that is not ASCII tends to stay so for a while. */
		do {
			at = sequence_end(at, end);
		} while (at && at < end && *at >= 0x80);
		if (!at)
			return false;
	}
	return true;
}

void msp_buffer_init(struct msp_buffer *buffer, size_t max_size)
{
	*buffer = (struct msp_buffer){.max_size = max_size};
}

void msp_buffer_done(struct msp_buffer *buffer)
{
	free(buffer->data);
	msp_buffer_init(buffer, buffer->max_size);
}

enum msp_status msp_buffer_grow(struct msp_buffer *buffer, size_t extra)
{
	if (buffer->capacity - buffer->size >= extra)
		return MSP_OK;
	if (extra > buffer->max_size - buffer->size)
		return MSP_E_LIMIT;
	size_t wanted = buffer->size + extra;
	size_t capacity = buffer->capacity > buffer->max_size / 2 ? buffer->max_size : 2 * buffer->capacity;
	if (capacity < wanted)
		capacity = wanted;
	if (capacity < BUFFER_FIRST_CAPACITY)
		capacity = buffer->max_size < BUFFER_FIRST_CAPACITY ? buffer->max_size : BUFFER_FIRST_CAPACITY;
	/* One byte more than is counted, for the NUL that vsnprintf writes behind a text that fills the buffer. */
	if (capacity == SIZE_MAX)
		return MSP_E_NO_MEMORY;
	char *data = realloc(buffer->data, capacity + 1);
	if (!data)
		return MSP_E_NO_MEMORY;
	buffer->data = data;
	buffer->capacity = capacity;
	return MSP_OK;
}

enum msp_status msp_buffer_append(struct msp_buffer *buffer, const void *data, size_t size)
{
	enum msp_status status = msp_buffer_reserve(buffer, size);
	if (status != MSP_OK || size == 0)
		return status;
	memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	return MSP_OK;
}

enum msp_status msp_buffer_append_string(struct msp_buffer *buffer, const char *string)
{
	return msp_buffer_append(buffer, string, strlen(string));
}

enum msp_status msp_buffer_printf(struct msp_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return MSP_E_INVALID;
	enum msp_status status = msp_buffer_reserve(buffer, (size_t)length);
	/* Nothing to write, perhaps nowhere to write it to. */
	if (status != MSP_OK || length == 0)
		return status;

	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->size += (size_t)length;
	return MSP_OK;
}
