/* How configuration is shown without giving secrets away. */
#include "config.h"

#include <ctype.h>
#include <msp/escape.h>
#include <stdio.h>
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
	/* A token and what it is made of; a key or certificate written out instead of a path. */
	return strcasestr(key, "sasl.oauthbearer.") || (strcasestr(key, "ssl.") && ends_with(key, ".pem"));
}

/* What stands where a port should, but is none: a password whose host has been forgotten. Or an absent range. */
static struct msp_bytes misplaced_secret(const char *authority, const char *end)
{
	for (const char *host = authority; host < end;) {
		size_t size = strcspn(host, ",");
		const char *stop = size < (size_t)(end - host) ? host + size : end;
		const char *bracket = memrchr(host, ']', (size_t)(stop - host));
		const char *from = bracket ? bracket : host;
		const char *colon = memchr(from, ':', (size_t)(stop - from));
		bool is_port = colon && colon + 1 + strspn(colon + 1, "0123456789") >= stop;
		if (colon && (colon == authority || !is_port))
			return msp_bytes_of(colon + 1, (size_t)(end - colon - 1));
		host = stop + 1;
	}
	return MSP_BYTES_ABSENT;
}

/* What is secret before the host, or an absent range. */
static struct msp_bytes userinfo_secret(const char *url)
{
	const char *scheme_end = strstr(url, "://");
	if (!scheme_end && !strncasecmp(url, "sqlite:", strlen("sqlite:"))) /* a file may be named a@b */
		return MSP_BYTES_ABSENT;
	const char *authority = scheme_end ? scheme_end + 3 : url;
	const char *end = authority + strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', (size_t)(end - authority));
	/* A password may hold a slash that nobody escaped. */
	if (!at && (at = strrchr(authority, '@')) && !strchr(authority, ':'))
		at = NULL;
	if (!at)
		return scheme_end ? misplaced_secret(authority, end) : MSP_BYTES_ABSENT;
	const char *colon = memchr(authority, ':', (size_t)(at - authority));
	if (colon)
		return msp_bytes_of(colon + 1, (size_t)(at - colon - 1));
	return scheme_end ? msp_bytes_of(authority, (size_t)(at - authority)) : MSP_BYTES_ABSENT;
}

/* One "name=value" of the query, with the separator before it. */
static enum msp_status parameter_append(struct msp_buffer *buffer, const char *parameter, size_t size)
{
	char name[64];
	size_t name_size = 1 + strcspn(parameter + 1, "=&");
	snprintf(name, sizeof(name), "%.*s", (int)(name_size - 1), parameter + 1);
	if (name_size >= size || !config_key_is_secret(name))
		return msp_buffer_append(buffer, parameter, size);
	enum msp_status status = msp_buffer_append(buffer, parameter, name_size + 1);
	return status == MSP_OK ? msp_buffer_append_string(buffer, MASK) : status;
}

static enum msp_status query_append(struct msp_buffer *buffer, const char *text)
{
	size_t size = strcspn(text, "?");
	enum msp_status status = msp_buffer_append(buffer, text, size);
	for (text += size; *text && status == MSP_OK; text += size) {
		size = 1 + strcspn(text + 1, "&");
		status = parameter_append(buffer, text, size);
	}
	return status;
}

enum msp_status config_append_url(struct msp_buffer *buffer, const char *url)
{
	struct msp_bytes secret = userinfo_secret(url);
	if (!secret.size)
		return query_append(buffer, url);
	const char *start = secret.data;
	enum msp_status status = msp_buffer_append(buffer, url, (size_t)(start - url));
	if (status == MSP_OK)
		status = msp_buffer_append_string(buffer, MASK);
	return status == MSP_OK ? query_append(buffer, start + secret.size) : status;
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

/* Whether a character of three bytes is one that YAML does not read as it stands in quotes: a byte-order mark, and two
 * that are none. */
static bool is_unreadable(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	return size == 3 && at[0] == 0xEF &&
	       ((at[1] == 0xBB && at[2] == 0xBF) || (at[1] == 0xBF && (at[2] == 0xBE || at[2] == 0xBF)));
}

/* Appends the first character of `text` as it stands in quotes, and moves on behind it. A byte that is not UTF-8 stays:
 * YAML has no escape for it. */
static enum msp_status quoted_char_append(struct msp_buffer *buffer, const char **text)
{
	char escape[MSP_ESCAPE_SIZE];
	const char *at = *text;
	size_t size = msp_escape_next(msp_bytes_of_string(at), escape);
	*text += size;
	if (*at == '"' || *at == '\\')
		return msp_buffer_printf(buffer, "\\%c", *at);
	if (is_unreadable(at, size))
		return msp_buffer_printf(buffer, "\\u%04x",
		                         at[1] == '\xBB' ? 0xFEFFU : 0xFFC0U | ((unsigned char)at[2] & 0x3FU));
	bool stands_as_it_is = !escape[0] || escape[1] == 'x';
	return stands_as_it_is ? msp_buffer_append(buffer, at, size) : msp_buffer_append_string(buffer, escape);
}

enum msp_status config_append_scalar(struct msp_buffer *buffer, const char *text)
{
	if (scalar_is_plain(text))
		return msp_buffer_append_string(buffer, text);
	enum msp_status status = msp_buffer_append_char(buffer, '"');
	while (*text && status == MSP_OK)
		status = quoted_char_append(buffer, &text);
	return status == MSP_OK ? msp_buffer_append_char(buffer, '"') : status;
}
