#include "link.h"
#include <assert.h>
#include <errno.h>
#include <msp/backoff.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "reply.h"

#define READ_BYTES  ((size_t)64 << 10)
#define READS_MAX   8                 /* per serve */
#define OUT_KEPT    ((size_t)1 << 20) /* what an idle link keeps of its buffer */
#define OUT_MAX     ((size_t)1 << 31)
#define POLL_MAX_MS 1000
/* How long an address may take to connect while there is another: some networks swallow what goes to one of them. */
#define ADDRESS_MS 500

/* Kinds of our own, below those of the owner. */
enum greeting { GREETING_AUTH = -1, GREETING_MUST = -2, GREETING_MAY = -3, GREETING_ID = -4 };

void rds_link_init(struct rds_link *link, const struct rds_link_config *config)
{
	*link = (struct rds_link){.config = *config, .fd = -1};
	msp_buffer_init(&link->out, OUT_MAX);
	msp_error_set(&link->error, MSP_E_UNAVAILABLE, "%s: not connected yet", config->address->name);
}

static void link_close(struct rds_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->state = RDS_LINK_DOWN;
	rds_parser_done(&link->parser);
	link->first = link->count = link->sent = 0;
	link->out_failed = false;
	link->patience_ms = 0;
	link->client_id = 0;
	msp_buffer_done(&link->out);
}

void rds_link_done(struct rds_link *link)
{
	link_close(link);
	free(link->expected);
	link->expected = NULL;
	link->capacity = 0;
}

void rds_link_fail(struct rds_link *link, const struct msp_error *why)
{
	if (link->state == RDS_LINK_DOWN)
		return;
	link->error = *why;
	link->error.retriable = true;
	link_close(link);
	link->retry_at_ms = msp_monotonic_ms() + link->config.retry_ms;
	link->config.events->down(link->config.context);
}

static void link_fail_text(struct rds_link *link, const char *text)
{
	struct msp_error why;
	msp_error_set(&why, MSP_E_UNAVAILABLE, "%s: %s", link->config.address->name, text);
	rds_link_fail(link, &why);
}

/* ---- commands ---- */

static char *put_room(struct rds_link *link, size_t size)
{
	if (!link->out_failed && msp_buffer_reserve(&link->out, size) != MSP_OK)
		link->out_failed = true;
	return link->out_failed ? NULL : link->out.data + link->out.size;
}

/* "<sign><number>\r\n", at most 24 bytes. */
static size_t header_write(char *to, char sign, uint64_t number)
{
	char digits[20];
	size_t count = 0, size = 0;
	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	to[size++] = sign;
	while (count > 0)
		to[size++] = digits[--count];
	to[size++] = '\r';
	to[size++] = '\n';
	return size;
}

void rds_put_array(struct rds_link *link, size_t count)
{
	char *to = put_room(link, 24);
	if (to)
		link->out.size += header_write(to, '*', count);
}

void rds_put_joined(struct rds_link *link, struct msp_bytes left, struct msp_bytes right)
{
	char *to = put_room(link, left.size + right.size + 26);
	if (!to)
		return;
	char *begin = to;
	to += header_write(to, '$', left.size + right.size);
	if (left.size > 0)
		memcpy(to, left.data, left.size);
	to += left.size;
	if (right.size > 0)
		memcpy(to, right.data, right.size);
	to += right.size;
	*to++ = '\r';
	*to++ = '\n';
	link->out.size += (size_t)(to - begin);
}

void rds_put_bytes(struct rds_link *link, struct msp_bytes bytes)
{
	rds_put_joined(link, bytes, MSP_BYTES_ABSENT);
}

void rds_put_integer(struct rds_link *link, int64_t integer)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)integer);
	rds_put_string(link, text);
}

void rds_put_command(struct rds_link *link, const char *word, ...)
{
	va_list words;
	size_t count = 1;
	va_start(words, word);
	while (va_arg(words, const char *))
		count++;
	va_end(words);
	rds_put_array(link, count);
	va_start(words, word);
	for (; word; word = va_arg(words, const char *))
		rds_put_string(link, word);
	va_end(words);
}

static bool expected_grow(struct rds_link *link)
{
	size_t capacity = link->capacity ? 2 * link->capacity : 64;
	struct rds_expected *expected = malloc(capacity * sizeof(*expected));
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

static void expect(struct rds_link *link, int kind, size_t index)
{
	if (link->count == link->capacity && !expected_grow(link)) {
		link->out_failed = true;
		return;
	}
	if (link->count == 0)
		link->quiet_since_ms = msp_monotonic_ms();
	link->expected[(link->first + link->count++) % link->capacity] = (struct rds_expected){kind, index};
}

void rds_link_expect(struct rds_link *link, int kind, size_t index)
{
	assert(kind >= 0 && link->state == RDS_LINK_UP);
	expect(link, kind, index);
}

/* ---- sending ---- */

/* False: the connection is broken. */
static bool out_send(struct rds_link *link)
{
	while (link->sent < link->out.size) {
		ssize_t size = send(link->fd, link->out.data + link->sent, link->out.size - link->sent, MSG_NOSIGNAL);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		link->sent += (size_t)size;
		link->quiet_since_ms = msp_monotonic_ms();
	}
	link->sent = 0;
	if (link->out.capacity > OUT_KEPT)
		msp_buffer_done(&link->out);
	msp_buffer_clear(&link->out);
	return true;
}

/* What is unsent stays in the buffer, and the next serve meets the same failure. */
void rds_link_flush(struct rds_link *link)
{
	if (link->state >= RDS_LINK_GREETING && !link->out_failed)
		(void)out_send(link);
}

/* ---- connecting ---- */

static void link_greet(struct rds_link *link)
{
	const struct rds_address *address = link->config.address;
	link->state = RDS_LINK_GREETING;
	if (!rds_parser_init(&link->parser)) {
		link->out_failed = true;
		return;
	}
	if (address->password) {
		rds_put_array(link, address->user ? 3 : 2);
		rds_put_string(link, "AUTH");
		if (address->user)
			rds_put_string(link, address->user);
		rds_put_string(link, address->password);
		expect(link, GREETING_AUTH, 0);
	}
	char database[16];
	snprintf(database, sizeof(database), "%d", address->database);
	rds_put_command(link, "SELECT", database, (char *)NULL);
	expect(link, GREETING_MUST, 0);
	rds_put_command(link, "CLIENT", "SETNAME", link->config.name, (char *)NULL);
	expect(link, GREETING_MAY, 0);
	rds_put_command(link, "CLIENT", "ID", (char *)NULL);
	expect(link, GREETING_ID, 0);
	rds_link_flush(link);
}

/* Tries the host's addresses from the index-th on. */
static void link_connect(struct rds_link *link, size_t index)
{
	struct msp_error why;
	link->state = RDS_LINK_CONNECTING;
	link->quiet_since_ms = msp_monotonic_ms();
	do {
		link->address_index = index;
		link->fd = rds_connect(link->config.address, index++, &link->has_more_addresses, &why);
	} while (link->fd < 0 && link->has_more_addresses);
	if (link->fd < 0)
		rds_link_fail(link, &why);
}

static void address_failed(struct rds_link *link, const char *text)
{
	if (!link->has_more_addresses) {
		link_fail_text(link, text);
		return;
	}
	close(link->fd);
	link_connect(link, link->address_index + 1);
}

/* The socket has become writable, or has an error. */
static void link_connected(struct rds_link *link)
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
static void auth_error(const struct rds_link *link, const redisReply *reply, struct msp_error *ret_why)
{
	char code[24], what[sizeof(link->config.address->name) + 8];
	snprintf(code, sizeof(code), "%.*s", (int)strcspn(reply->str, " "), reply->str);
	snprintf(what, sizeof(what), "%s: AUTH", link->config.address->name);
	rds_text_error(what, code, ret_why);
}

static void greeting_reply(struct rds_link *link, int kind, redisReply *reply)
{
	struct msp_error why = {.status = MSP_OK};
	if (kind == GREETING_AUTH && reply->type == REDIS_REPLY_ERROR)
		auth_error(link, reply, &why);
	if (kind == GREETING_MUST && reply->type == REDIS_REPLY_ERROR)
		rds_reply_error(link->config.address->name, reply, &why);
	if (kind == GREETING_ID && reply->type == REDIS_REPLY_INTEGER)
		link->client_id = reply->integer;
	freeReplyObject(reply);
	if (why.status != MSP_OK) {
		rds_link_fail(link, &why);
	} else if (kind == GREETING_ID) {
		link->state = RDS_LINK_UP;
	}
}

/* ---- receiving ---- */

/* Hands out the answers that are complete. False: the link is down. */
static bool replies_parse(struct rds_link *link)
{
	for (;;) {
		redisReply *reply;
		if (!rds_parser_next(&link->parser, &reply)) {
			link_fail_text(link, rds_parser_complaint(&link->parser));
			return false;
		}
		if (!reply)
			return true;
		if (link->count == 0) {
			freeReplyObject(reply);
			link_fail_text(link, "the server answered without being asked");
			return false;
		}
		struct rds_expected expected = link->expected[link->first];
		link->first = (link->first + 1) % link->capacity;
		link->count--;
		int fd = link->fd;
		if (expected.kind < 0)
			greeting_reply(link, expected.kind, reply);
		else
			link->config.events->reply(link->config.context, expected.kind, expected.index, reply);
		if (link->fd != fd)
			return false;
	}
}

static void link_read(struct rds_link *link)
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

static bool link_waits(const struct rds_link *link)
{
	return link->state == RDS_LINK_CONNECTING || link->count > 0;
}

/* How long it waits in silence. */
static int64_t link_silence_ms(const struct rds_link *link)
{
	int64_t most_ms = (int64_t)link->config.timeout_ms + link->patience_ms;
	bool has_choice = link->state == RDS_LINK_CONNECTING && link->has_more_addresses;
	return has_choice && most_ms > ADDRESS_MS ? ADDRESS_MS : most_ms;
}

int rds_link_prepare(struct rds_link *link, struct pollfd *poll)
{
	int64_t now_ms = msp_monotonic_ms();
	if (link->state == RDS_LINK_DOWN && now_ms >= link->retry_at_ms)
		link_connect(link, 0);
	*poll = (struct pollfd){.fd = link->fd, .events = POLLIN};
	if (link->state == RDS_LINK_CONNECTING || link->sent < link->out.size)
		poll->events |= POLLOUT;
	int64_t due_ms = now_ms + POLL_MAX_MS;
	if (link->state == RDS_LINK_DOWN)
		due_ms = link->retry_at_ms;
	else if (link_waits(link))
		due_ms = link->quiet_since_ms + link_silence_ms(link);
	if (link->out_failed)
		due_ms = now_ms;
	int64_t left_ms = due_ms - now_ms;
	return left_ms < 0 ? 0 : left_ms > POLL_MAX_MS ? POLL_MAX_MS : (int)left_ms;
}

void rds_link_serve(struct rds_link *link, const struct pollfd *poll)
{
	if (link->state == RDS_LINK_DOWN || poll->fd != link->fd)
		return;
	if (link->state == RDS_LINK_CONNECTING && poll->revents)
		link_connected(link);
	else if (poll->revents & (POLLIN | POLLHUP | POLLERR))
		link_read(link);
	if (link->state >= RDS_LINK_GREETING && link->out_failed)
		link_fail_text(link, "no memory for a command");
	if (link->state >= RDS_LINK_GREETING && !out_send(link))
		link_fail_text(link, strerror(errno));
	int64_t silent_ms = msp_monotonic_ms() - link->quiet_since_ms;
	if (link->state == RDS_LINK_DOWN || !link_waits(link) || silent_ms < link_silence_ms(link))
		return;
	if (link->state == RDS_LINK_CONNECTING)
		address_failed(link, "the server does not answer");
	else
		link_fail_text(link, "the server does not answer");
}
