/* A link: one connection that never blocks, with the answers that the server still owes.
 *
 * Commands are written into `out`, and what to do with each answer is noted in a queue. A link connects by itself, also
 * again after a failure, and greets the server (password, database, name) before it is up. hiredis is used as the
 * parser of answers; sockets are ours, because hiredis would raise SIGPIPE and block.
 *
 * The owner calls redis_link_prepare, polls, and calls redis_link_serve, again and again. [owner thread] */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include "command.h"
#include "endpoint.h"
#include "parser.h"
#include <poll.h>

struct redis_link_events {
	/* An answer. `kind` and `index` are those of redis_link_expect. Takes the reply. */
	void (*reply)(void *context, int kind, size_t index, redisReply *reply);
	/* The connection is lost, or could not be made; link->error says why. Nothing that was sent before will be
	 * answered. Not called by redis_link_done. */
	void (*down)(void *context);
};

struct redis_link_config {
	struct redis_endpoint *endpoint; /* borrowed until done */
	const char *name;                /* by which the server lists this client; borrowed until done */
	const struct redis_link_events *events;
	void *context;
};

enum redis_link_state {
	REDIS_LINK_DOWN,
	REDIS_LINK_RESOLVING, /* the server's name is looked up */
	REDIS_LINK_CONNECTING,
	REDIS_LINK_GREETING,
	REDIS_LINK_UP,
};

struct redis_expected {
	int kind;
	size_t index;
};

struct redis_link {
	struct redis_link_config config;
	enum redis_link_state state;
	int fd;
	struct redis_parser parser;
	struct redis_output out; /* what is to be sent; the first `sent` bytes are */
	size_t sent;
	struct redis_expected *expected; /* owned; a ring */
	size_t first, count, capacity;
	int64_t retry_at_ms, quiet_since_ms;
	int extra_ms;                     /* how much longer than timeout.ms an answer that was asked to wait may take */
	struct redis_lookup *lookup;      /* in REDIS_LINK_RESOLVING */
	struct redis_addresses addresses; /* those that are tried, from the address_index-th on */
	size_t address_index;
	struct msp_error error;
	int64_t client_id;     /* as the server counts; 0: unknown */
	uint64_t connects;     /* how often it came up */
	int64_t asked_ns;      /* when something was asked while nothing was owed; 0: that is answered */
	int64_t round_trip_us; /* of the last such question; -1: there was none yet */
};

void redis_link_init(struct redis_link *link, const struct redis_link_config *config);
/* Closes. What is still expected is forgotten. */
void redis_link_done(struct redis_link *link);

/* Connects when it is time to. Fills what to poll for; returns in how many milliseconds to serve at the latest. */
int redis_link_prepare(struct redis_link *link, struct pollfd *poll);
/* Reads and writes what is possible, calls the events. Parses a bounded amount, so that it returns soon. */
void redis_link_serve(struct redis_link *link, const struct pollfd *poll);
/* Sends what is possible now. A failure shows at the next serve. */
void redis_link_flush(struct redis_link *link);
/* Gives the connection up. */
void redis_link_fail(struct redis_link *link, const struct msp_error *why);

static inline bool redis_link_is_up(const struct redis_link *link)
{
	return link->state == REDIS_LINK_UP;
}

/* Notes what the answer to the command just written is for; only when the link is up. `kind` is not negative. */
void redis_link_expect(struct redis_link *link, int kind, size_t index);

#endif
