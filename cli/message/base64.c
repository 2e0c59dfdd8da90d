#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_encode(struct msp_arena *arena, struct msp_bytes bytes, struct msp_bytes *ret_text)
{
	const unsigned char *data = bytes.data;
	size_t size = (bytes.size + 2) / 3 * 4;
	char *text = msp_arena_alloc(arena, size);
	if (!text)
		return false;
	char *end = text;
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		unsigned group =
		    (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
		*end++ = digits[group >> 18];
		*end++ = digits[group >> 12 & 63];
		*end++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*end++ = left > 2 ? digits[group & 63] : '=';
	}
	*ret_text = msp_bytes_of(text, size);
	return true;
}

/* 0 to 63, or -1. */
static int digit_value(char c)
{
	const char *found = c ? strchr(digits, c) : NULL;
	return found ? (int)(found - digits) : -1;
}

/* How many of the last characters are padding: 0, 1, 2. */
static size_t padding_count(const char *text, size_t size)
{
	if (!size || text[size - 1] != '=')
		return 0;
	return text[size - 2] == '=' ? 2 : 1;
}

enum msp_status base64_decode(struct msp_arena *arena, struct msp_bytes text, struct msp_bytes *ret_bytes)
{
	const char *c = text.data;
	if (text.size % 4)
		return MSP_E_INVALID;
	size_t padding = padding_count(c, text.size), size = text.size / 4 * 3 - padding, end = 0;
	unsigned char *bytes = msp_arena_alloc(arena, size);
	if (!bytes)
		return msp_arena_status(arena);
	unsigned group = 0;
	for (size_t i = 0; i < text.size; i++) {
		int value = i >= text.size - padding ? 0 : digit_value(c[i]);
		if (value < 0)
			return MSP_E_INVALID;
		group = group << 6 | (unsigned)value;
		if (i % 4 != 3)
			continue;
		for (int shift = 16; shift >= 0; shift -= 8, end++)
			if (end < size)
				bytes[end] = (unsigned char)(group >> shift);
			else if (group >> shift & 255)
				return MSP_E_INVALID; /* bits that padding would lose */
		group = 0;
	}
	*ret_bytes = msp_bytes_of(bytes, size);
	return MSP_OK;
}
