#include <msp/escape.h>

#include <stdint.h>
#include <stdio.h>

/* The size of the well-formed UTF-8 sequence at the beginning of `text`, or 0. */
static size_t sequence_size(const unsigned char *text, size_t left)
{
	if (text[0] < 0x80)
		return 1;
	size_t size = text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
	return size <= left && msp_bytes_are_utf8(msp_bytes_of(text, size)) ? size : 0;
}

static uint32_t code_point(const unsigned char *text, size_t size)
{
	static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t code = text[0] & masks[size];
	for (size_t i = 1; i < size; i++)
		code = code << 6 | (text[i] & 0x3F);
	return code;
}

/* Terminals obey U+0080 to U+009F as they obey U+0000 to U+001F; the others are the line and paragraph separators and
 * Unicode's Bidi_Control. */
static bool is_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
	       (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

static char letter_of(uint32_t code)
{
	return code == '\n' ? 'n' : code == '\r' ? 'r' : code == '\t' ? 't' : 0;
}

size_t msp_escape_next(struct msp_bytes text, char ret_escape[MSP_ESCAPE_SIZE])
{
	const unsigned char *at = text.data;
	size_t size = sequence_size(at, text.size);
	ret_escape[0] = '\0';
	if (size == 0) {
		snprintf(ret_escape, MSP_ESCAPE_SIZE, "\\x%02x", at[0]);
		return 1;
	}
	uint32_t code = code_point(at, size);
	if (!is_unsafe(code))
		return size;
	if (letter_of(code))
		snprintf(ret_escape, MSP_ESCAPE_SIZE, "\\%c", letter_of(code));
	else
		snprintf(ret_escape, MSP_ESCAPE_SIZE, "\\u%04x", (unsigned)code & 0xFFFF);
	return size;
}

size_t msp_escape_plain_size(struct msp_bytes text)
{
	const unsigned char *at = text.data;
	size_t plain = 0;
	while (plain < text.size) {
		unsigned char c = at[plain];
		size_t size = c >= 0x20 && c < 0x7F ? 1 : sequence_size(at + plain, text.size - plain);
		if (size == 0 || is_unsafe(code_point(at + plain, size)))
			break;
		plain += size;
	}
	return plain;
}

size_t msp_escape_text(struct msp_bytes text, char *ret_text, size_t size)
{
	const char *from = text.data;
	size_t length = 0;
	for (size_t at = 0; at < text.size;) {
		char escape[MSP_ESCAPE_SIZE];
		size_t taken = msp_escape_next(msp_bytes_of(from + at, text.size - at), escape);
		const char *shown = escape[0] ? escape : from + at;
		size_t shown_size = escape[0] ? strlen(escape) : taken;
		if (length + shown_size >= size)
			break;
		memcpy(ret_text + length, shown, shown_size);
		length += shown_size;
		at += taken;
	}
	ret_text[length] = '\0';
	return length;
}
