#include "link.h"
#include <assert.h>
#include <errno.h>
#include <msp/clock.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "reply.h"

#define READ_BYTES  ((size_t)64 << 10)
#define READS_MAX   8                 /* per serve */
#define OUT_KEPT    ((size_t)1 << 20) /* what an idle link keeps of its buffer */
#define POLL_MAX_MS 1000
/* How long a step may take while there is another way: some networks swallow what goes to one of several addresses, and
 * what a name meant before may serve when the name service is silent. */
#define ADDRESS_MS 500

/* Kinds of our own, below those of the owner. */
enum greeting { GREETING_AUTH = -1, GREETING_MUST = -2, GREETING_MAY = -3, GREETING_ID = -4 };

void redis_link_init(struct redis_link *link, const struct redis_link_config *config)
{
	*link = (struct redis_link){.config = *config, .fd = -1, .round_trip_us = -1};
	redis_output_init(&link->out);
	msp_error_set(&link->error, MSP_E_UNAVAILABLE, "%s: not connected yet", config->endpoint->address.name);
}

static void link_close(struct redis_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->state = REDIS_LINK_DOWN;
	redis_parser_done(&link->parser);
	redis_lookup_unref(link->lookup);
	link->lookup = NULL;
	link->first = link->count = link->sent = 0;
	link->extra_ms = 0;
	link->client_id = 0;
	redis_output_done(&link->out);
}

void redis_link_done(struct redis_link *link)
{
	link_close(link);
	free(link->expected);
	link->expected = NULL;
	link->capacity = 0;
}

void redis_link_fail(struct redis_link *link, const struct msp_error *why)
{
	if (link->state == REDIS_LINK_DOWN)
		return;
	link->error = *why;
	link->error.retriable = true;
	link_close(link);
	link->retry_at_ms = msp_monotonic_ms() + link->config.endpoint->options.retry_ms;
	link->config.events->down(link->config.context);
}

static void link_fail_text(struct redis_link *link, const char *text)
{
	struct msp_error why;
	msp_error_set(&why, MSP_E_UNAVAILABLE, "%s: %s", link->config.endpoint->address.name, text);
	redis_link_fail(link, &why);
}

/* ---- what is expected ---- */

static bool expected_grow(struct redis_link *link)
{
	size_t capacity = link->capacity ? 2 * link->capacity : 64;
	struct redis_expected *expected = malloc(capacity * sizeof(*expected));
	if (!expected)
		return false;
	for (size_t i = 0; i < link->count; i++)
		expected[i] = link->expected[(link->first + i) % link->capacity];
	free(link->expected);
	link->expected = expected;
	link->capacity = capacity;
	link->first = 0;
	return true;
}

static void expect(struct redis_link *link, int kind, size_t index)
{
	if (link->count == link->capacity && !expected_grow(link)) {
		link->out.failed = true;
		return;
	}
	if (link->count == 0) {
		link->asked_ns = msp_monotonic_ns();
		link->quiet_since_ms = link->asked_ns / 1000000;
	}
	link->expected[(link->first + link->count++) % link->capacity] = (struct redis_expected){kind, index};
}

void redis_link_expect(struct redis_link *link, int kind, size_t index)
{
	assert(kind >= 0 && link->state == REDIS_LINK_UP);
	expect(link, kind, index);
}

/* ---- sending ---- */

/* False: the connection is broken. */
static bool out_send(struct redis_link *link)
{
	struct msp_buffer *out = &link->out.bytes;
	while (link->sent < out->size) {
		ssize_t size = send(link->fd, out->data + link->sent, out->size - link->sent, MSG_NOSIGNAL);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		link->sent += (size_t)size;
		link->quiet_since_ms = msp_monotonic_ms();
	}
	link->sent = 0;
	if (out->capacity > OUT_KEPT)
		msp_buffer_done(out);
	msp_buffer_clear(out);
	return true;
}

/* What is unsent stays in the buffer, and the next serve meets the same failure. */
void redis_link_flush(struct redis_link *link)
{
	if (link->state >= REDIS_LINK_GREETING && !link->out.failed)
		(void)out_send(link);
}

/* ---- connecting ---- */

static void link_greet(struct redis_link *link)
{
	const struct redis_address *address = &link->config.endpoint->address;
	struct redis_output *out = &link->out;
	link->state = REDIS_LINK_GREETING;
	if (!redis_parser_init(&link->parser)) {
		out->failed = true;
		return;
	}
	if (address->password) {
		redis_put_array(out, address->user ? 3 : 2);
		redis_put_string(out, "AUTH");
		if (address->user)
			redis_put_string(out, address->user);
		redis_put_string(out, address->password);
		expect(link, GREETING_AUTH, 0);
	}
	char database[16];
	snprintf(database, sizeof(database), "%d", address->database);
	redis_put_command(out, "SELECT", database, (char *)NULL);
	expect(link, GREETING_MUST, 0);
	redis_put_command(out, "CLIENT", "SETNAME", link->config.name, (char *)NULL);
	expect(link, GREETING_MAY, 0);
	redis_put_command(out, "CLIENT", "ID", (char *)NULL);
	expect(link, GREETING_ID, 0);
	redis_link_flush(link);
}

/* Tries the addresses from the index-th on. */
static void address_try(struct redis_link *link, size_t index)
{
	int error = 0;
	link->state = REDIS_LINK_CONNECTING;
	link->quiet_since_ms = msp_monotonic_ms();
	for (; index < link->addresses.count; index++) {
		link->address_index = index;
		link->fd = redis_connect(&link->addresses.list[index], link->addresses.sizes[index]);
		if (link->fd >= 0)
			return;
		error = errno;
	}
	link_fail_text(link, strerror(error));
}

static bool has_more_addresses(const struct redis_link *link)
{
	return link->address_index + 1 < link->addresses.count;
}

static void address_failed(struct redis_link *link, const char *text)
{
	if (!has_more_addresses(link)) {
		link_fail_text(link, text);
		return;
	}
	close(link->fd);
	link->fd = -1;
	address_try(link, link->address_index + 1);
}

static void link_connect(struct redis_link *link)
{
	struct msp_error why;
	link->state = REDIS_LINK_RESOLVING;
	link->quiet_since_ms = msp_monotonic_ms();
	if (redis_resolver_begin(&link->config.endpoint->resolver, &link->addresses, &link->lookup, &why) != MSP_OK)
		redis_link_fail(link, &why);
	else if (!link->lookup)
		address_try(link, 0);
}

/* The lookup has ended, or takes too long: then what the name meant before may still be true. */
static void link_resolved(struct redis_link *link)
{
	struct msp_error why;
	struct redis_lookup *lookup = link->lookup;
	link->lookup = NULL;
	if (redis_resolver_end(&link->config.endpoint->resolver, lookup, &link->addresses, &why) == MSP_OK)
		address_try(link, 0);
	else
		redis_link_fail(link, &why);
}

/* The socket has become writable, or has an error. */
static void link_connected(struct redis_link *link)
{
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error == 0)
		link_greet(link);
	else
		address_failed(link, strerror(error));
}

/* Only the code of what is said about AUTH: a server without that command repeats its words, also the password. */
static void auth_error(const struct redis_link *link, const redisReply *reply, struct msp_error *ret_why)
{
	char code[24], what[sizeof(link->config.endpoint->address.name) + 8];
	snprintf(code, sizeof(code), "%.*s", (int)strcspn(reply->str, " "), reply->str);
	snprintf(what, sizeof(what), "%s: AUTH", link->config.endpoint->address.name);
	redis_text_error(what, code, ret_why);
}

static void greeting_reply(struct redis_link *link, int kind, redisReply *reply)
{
	struct msp_error why = {.status = MSP_OK};
	if (kind == GREETING_AUTH && reply->type == REDIS_REPLY_ERROR)
		auth_error(link, reply, &why);
	if (kind == GREETING_MUST && reply->type == REDIS_REPLY_ERROR)
		redis_reply_error(link->config.endpoint->address.name, reply, &why);
	if (kind == GREETING_ID && reply->type == REDIS_REPLY_INTEGER)
		link->client_id = reply->integer;
	freeReplyObject(reply);
	if (why.status != MSP_OK) {
		redis_link_fail(link, &why);
	} else if (kind == GREETING_ID) {
		link->state = REDIS_LINK_UP;
		link->connects++;
	}
}

/* ---- receiving ---- */

/* Only what was asked when nothing else was owed: other answers also waited for those before them. */
static void round_trip_note(struct redis_link *link)
{
	if (link->asked_ns != 0)
		link->round_trip_us = (msp_monotonic_ns() - link->asked_ns) / 1000;
	link->asked_ns = 0;
}

/* Hands out the answers that are complete. False: the link is down. */
static bool replies_parse(struct redis_link *link)
{
	for (;;) {
		redisReply *reply;
		if (!redis_parser_next(&link->parser, &reply)) {
			link_fail_text(link, redis_parser_complaint(&link->parser));
			return false;
		}
		if (!reply)
			return true;
		if (link->count == 0) {
			freeReplyObject(reply);
			link_fail_text(link, "the server answered without being asked");
			return false;
		}
		struct redis_expected expected = link->expected[link->first];
		link->first = (link->first + 1) % link->capacity;
		link->count--;
		round_trip_note(link);
		int fd = link->fd;
		if (expected.kind < 0)
			greeting_reply(link, expected.kind, reply);
		else
			link->config.events->reply(link->config.context, expected.kind, expected.index, reply);
		if (link->fd != fd)
			return false;
	}
}

static void link_read(struct redis_link *link)
{
	char bytes[READ_BYTES];
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t size = recv(link->fd, bytes, sizeof(bytes), 0);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (size <= 0) {
			link_fail_text(link, size == 0 ? "the server closed the connection" : strerror(errno));
			return;
		}
		link->quiet_since_ms = msp_monotonic_ms();
		if (redisReaderFeed(link->parser.reader, bytes, (size_t)size) != REDIS_OK) {
			link_fail_text(link, "no memory for an answer");
			return;
		}
		if (!replies_parse(link) || (size_t)size < sizeof(bytes))
			return;
	}
}

/* ---- the owner's loop ---- */

static bool link_waits(const struct redis_link *link)
{
	return link->state == REDIS_LINK_RESOLVING || link->state == REDIS_LINK_CONNECTING || link->count > 0;
}

/* How long it waits in silence. */
static int64_t link_silence_ms(const struct redis_link *link)
{
	int64_t most_ms = link->config.endpoint->options.timeout_ms + link->extra_ms;
	bool has_choice = (link->state == REDIS_LINK_CONNECTING && has_more_addresses(link)) ||
	                  (link->state == REDIS_LINK_RESOLVING && redis_resolver_knows(&link->config.endpoint->resolver));
	return has_choice && most_ms > ADDRESS_MS ? ADDRESS_MS : most_ms;
}

static int link_fd(const struct redis_link *link)
{
	return link->lookup ? redis_lookup_fd(link->lookup) : link->fd;
}

int redis_link_prepare(struct redis_link *link, struct pollfd *poll)
{
	int64_t now_ms = msp_monotonic_ms();
	if (link->state == REDIS_LINK_DOWN && now_ms >= link->retry_at_ms)
		link_connect(link);
	*poll = (struct pollfd){.fd = link_fd(link), .events = POLLIN};
	if (link->state == REDIS_LINK_CONNECTING || link->sent < link->out.bytes.size)
		poll->events |= POLLOUT;
	int64_t due_ms = now_ms + POLL_MAX_MS;
	if (link->state == REDIS_LINK_DOWN)
		due_ms = link->retry_at_ms;
	else if (link_waits(link))
		due_ms = link->quiet_since_ms + link_silence_ms(link);
	if (link->out.failed)
		due_ms = now_ms;
	int64_t left_ms = due_ms - now_ms;
	return left_ms < 0 ? 0 : left_ms > POLL_MAX_MS ? POLL_MAX_MS : (int)left_ms;
}

static void link_serve_socket(struct redis_link *link, short events)
{
	if (link->state == REDIS_LINK_RESOLVING && events)
		link_resolved(link);
	else if (link->state == REDIS_LINK_CONNECTING && events)
		link_connected(link);
	else if (events & (POLLIN | POLLHUP | POLLERR))
		link_read(link);
	if (link->state >= REDIS_LINK_GREETING && link->out.failed)
		link_fail_text(link, "no memory for a command");
	if (link->state >= REDIS_LINK_GREETING && !out_send(link))
		link_fail_text(link, strerror(errno));
}

void redis_link_serve(struct redis_link *link, const struct pollfd *poll)
{
	static const char silence[] = "the server does not answer";
	if (link->state == REDIS_LINK_DOWN || poll->fd != link_fd(link))
		return;
	link_serve_socket(link, poll->revents);
	int64_t silent_ms = msp_monotonic_ms() - link->quiet_since_ms;
	if (link->state == REDIS_LINK_DOWN || !link_waits(link) || silent_ms < link_silence_ms(link))
		return;
	if (link->state == REDIS_LINK_RESOLVING)
		link_resolved(link);
	else if (link->state == REDIS_LINK_CONNECTING)
		address_failed(link, silence);
	else
		link_fail_text(link, silence);
}
