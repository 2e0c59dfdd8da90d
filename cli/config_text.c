/* How configuration is shown without giving secrets away. */
#include "config.h"

#include <ctype.h>
#include <strings.h>

#define MASK "********"

static bool ends_with(const char *text, const char *end)
{
	size_t text_size = strlen(text), end_size = strlen(end);
	return text_size >= end_size && !strcasecmp(text + text_size - end_size, end);
}

bool config_key_is_secret(const char *key)
{
	static const char *const ends[] = {"password",   "passwd", "secret",  "token",
	                                   "passphrase", ".key",   "key.pem", "jaas.config"};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_with(key, ends[i]))
			return true;
	return false;
}

enum msp_status config_append_url(struct msp_buffer *buffer, const char *url)
{
	const char *authority = strstr(url, "://");
	authority = authority ? authority + 3 : url;
	const char *end = authority + strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', (size_t)(end - authority));
	/* A password may hold a slash that nobody escaped. */
	if (!at && (at = strrchr(authority, '@')) && !strchr(authority, ':'))
		at = NULL;
	const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
	if (!colon)
		return msp_buffer_append_string(buffer, url);
	enum msp_status status = msp_buffer_append(buffer, url, (size_t)(colon + 1 - url));
	if (status == MSP_OK)
		status = msp_buffer_append_string(buffer, MASK);
	return status == MSP_OK ? msp_buffer_append_string(buffer, at) : status;
}

/* Plain where no YAML reader could take it for anything but this string of characters. */
static bool scalar_is_plain(const char *text)
{
	if (!isalnum((unsigned char)*text) && *text != '/' && *text != '_' && *text != '.' && *text != '$')
		return false;
	for (const char *c = text; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("/_.+-=:,;@~$*()", *c))
			return false;
		if (*c == ':' && (!c[1] || c[1] == ' '))
			return false;
	}
	return true;
}

static enum msp_status quoted_char_append(struct msp_buffer *buffer, unsigned char c)
{
	if (c == '"' || c == '\\')
		return msp_buffer_printf(buffer, "\\%c", c);
	if (c == '\n')
		return msp_buffer_append_string(buffer, "\\n");
	if (c < 0x20 || c == 0x7f)
		return msp_buffer_printf(buffer, "\\x%02x", c);
	return msp_buffer_append_char(buffer, (char)c);
}

enum msp_status config_append_scalar(struct msp_buffer *buffer, const char *text)
{
	if (scalar_is_plain(text))
		return msp_buffer_append_string(buffer, text);
	enum msp_status status = msp_buffer_append_char(buffer, '"');
	for (; *text && status == MSP_OK; text++)
		status = quoted_char_append(buffer, (unsigned char)*text);
	return status == MSP_OK ? msp_buffer_append_char(buffer, '"') : status;
}
