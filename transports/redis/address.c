#include "address.h"
#include <msp/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DEFAULT_PORT "6379"
#define DATABASE_MAX 65535

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place. False: an escape is broken, or is a NUL. */
static bool percent_decode(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static enum msp_status database_parse(const char *text, struct redis_address *address, struct msp_error *err)
{
	char *end;
	long number = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || number > DATABASE_MAX)
		return msp_error_set(err, MSP_E_INVALID, "the broker's URL has no number of a database where one is expected");
	address->database = (int)number;
	return MSP_OK;
}

/* Cuts "[user]:password@" off. */
static enum msp_status credentials_take(char **rest, struct redis_address *address, struct msp_error *err)
{
	char *at = strrchr(*rest, '@');
	if (!at)
		return MSP_OK;
	*at = '\0';
	char *user = *rest, *colon = strchr(user, ':');
	*rest = at + 1;
	if (!colon)
		return msp_error_set(err, MSP_E_INVALID, "the broker's URL has a user without \":password\"");
	*colon = '\0';
	if (!percent_decode(user) || !percent_decode(colon + 1))
		return msp_error_set(err, MSP_E_INVALID, "the broker's URL has a broken %%XX in its user or password");
	address->user = user[0] ? user : NULL;
	address->password = colon + 1;
	return MSP_OK;
}

static enum msp_status unix_parse(char *rest, struct redis_address *address, struct msp_error *err)
{
	char *query = strchr(rest, '?');
	if (query)
		*query++ = '\0';
	if (query && strncmp(query, "db=", 3) != 0)
		return msp_error_set(err, MSP_E_INVALID, "a unix:// URL knows ?db=N and nothing else");
	enum msp_status status = query ? database_parse(query + 3, address, err) : MSP_OK;
	if (status != MSP_OK)
		return status;
	if (rest[0] != '/' || !rest[1] || !percent_decode(rest))
		return msp_error_set(err, MSP_E_INVALID, "the broker's URL must be of the form unix:///run/redis.sock");
	address->path = rest;
	snprintf(address->name, sizeof(address->name), "unix://%s", rest);
	return MSP_OK;
}

/* "host", "host:port", "[v6]" or "[v6]:port" */
static bool host_parse(char *rest, struct redis_address *address)
{
	char *after = rest;
	address->host = rest;
	if (rest[0] == '[') {
		after = strchr(rest, ']');
		if (!after)
			return false;
		address->host = rest + 1;
		*after++ = '\0';
	}
	char *colon = strchr(after, ':');
	if (after != rest && after[0] && colon != after)
		return false;
	if (colon)
		*colon = '\0';
	address->port = colon ? colon + 1 : DEFAULT_PORT;
	char *end;
	long number = strtol(address->port, &end, 10);
	return address->host[0] && address->port[0] >= '0' && address->port[0] <= '9' && !*end && number > 0 &&
	       number < 65536;
}

static enum msp_status tcp_parse(char *rest, struct redis_address *address, struct msp_error *err)
{
	char *slash = strchr(rest, '/');
	if (slash)
		*slash++ = '\0';
	if (slash && slash[0]) {
		enum msp_status status = database_parse(slash, address, err);
		if (status != MSP_OK)
			return status;
	}
	if (!host_parse(rest, address))
		return msp_error_set(err, MSP_E_INVALID, "the broker's URL must be of the form redis://host:6379/0");
	snprintf(address->name, sizeof(address->name), "redis://%s:%s/%d", address->host, address->port, address->database);
	return MSP_OK;
}

static enum msp_status url_parse(struct redis_address *address, struct msp_error *err)
{
	static const char tcp[] = "redis://", tls[] = "rediss://", local[] = "unix://";
	char *url = address->storage;
	if (strncasecmp(url, tls, sizeof(tls) - 1) == 0)
		return msp_error_set(err, MSP_E_UNSUPPORTED,
		                     "this build cannot speak TLS to Redis; use redis:// through a tunnel, or unix://");
	bool is_local = strncasecmp(url, local, sizeof(local) - 1) == 0;
	if (!is_local && strncasecmp(url, tcp, sizeof(tcp) - 1) != 0)
		return msp_error_set(err, MSP_E_INVALID, "the broker's URL must be of the form redis://host:6379/0");
	char *rest = url + (is_local ? sizeof(local) : sizeof(tcp)) - 1;
	enum msp_status status = credentials_take(&rest, address, err);
	if (status != MSP_OK)
		return status;
	return is_local ? unix_parse(rest, address, err) : tcp_parse(rest, address, err);
}

enum msp_status redis_address_parse(const char *url, struct redis_address *address, struct msp_error *err)
{
	*address = (struct redis_address){.storage = strdup(url)};
	if (!address->storage)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a URL");
	enum msp_status status = url_parse(address, err);
	if (status != MSP_OK)
		redis_address_done(address);
	return status;
}

void redis_address_done(struct redis_address *address)
{
	if (address->storage && address->password)
		explicit_bzero(address->password, strlen(address->password));
	free(address->storage);
	*address = (struct redis_address){.storage = NULL};
}
