/* A link: one connection that never blocks, with the answers that it still owes.
 *
 * Commands are written into a buffer, and what to do with each answer is noted in a queue. A link connects by itself,
 * also again after a failure, and greets the server (password, database, name) before it is up. hiredis is used as the
 * parser of answers; sockets are ours, because hiredis would raise SIGPIPE and block.
 *
 * The owner calls rds_link_prepare, polls, and calls rds_link_serve, again and again. [owner thread] */
#ifndef RDS_LINK_H
#define RDS_LINK_H

#include "address.h"
#include "parser.h"
#include <msp/bytes.h>
#include <poll.h>
#include <stdint.h>

struct rds_link;

struct rds_link_events {
	/* An answer. `kind` and `index` are those of rds_link_expect. Takes the reply. */
	void (*reply)(void *context, int kind, size_t index, redisReply *reply);
	/* The connection is lost, or could not be made; link->error says why. Nothing that was sent before will be
	 * answered. Not called by rds_link_done. */
	void (*down)(void *context);
};

struct rds_link_config {
	const struct rds_address *address; /* borrowed until done */
	const char *name;                  /* by which the server lists this client; borrowed until done */
	int retry_ms;                      /* between two tries to connect */
	int timeout_ms;                    /* a server that owes answers and says nothing for so long is given up */
	const struct rds_link_events *events;
	void *context;
};

enum rds_link_state { RDS_LINK_DOWN, RDS_LINK_CONNECTING, RDS_LINK_GREETING, RDS_LINK_UP };

struct rds_expected {
	int kind;
	size_t index;
};

struct rds_link {
	struct rds_link_config config;
	enum rds_link_state state;
	int fd;
	struct rds_parser parser;
	struct msp_buffer out; /* what is to be sent; the first `sent` bytes are */
	size_t sent;
	bool out_failed;               /* a command could not be written for want of memory */
	struct rds_expected *expected; /* owned; a ring */
	size_t first, count, capacity;
	int64_t retry_at_ms, quiet_since_ms;
	int patience_ms;      /* how much longer than timeout_ms an answer that was asked to wait may take */
	size_t address_index; /* which of the host's addresses is tried */
	bool has_more_addresses;
	struct msp_error error;
	int64_t client_id; /* as the server counts; 0: unknown */
};

void rds_link_init(struct rds_link *link, const struct rds_link_config *config);
/* Closes. What is still expected is forgotten. */
void rds_link_done(struct rds_link *link);

/* Connects when it is time to. Fills what to poll for; returns in how many milliseconds to serve at the latest. */
int rds_link_prepare(struct rds_link *link, struct pollfd *poll);
/* Reads and writes what is possible, calls the events. Parses a bounded amount, so that it returns soon. */
void rds_link_serve(struct rds_link *link, const struct pollfd *poll);
/* Sends what is possible now. A failure shows at the next serve. */
void rds_link_flush(struct rds_link *link);
/* Gives the connection up. */
void rds_link_fail(struct rds_link *link, const struct msp_error *why);

static inline bool rds_link_is_up(const struct rds_link *link)
{
	return link->state == RDS_LINK_UP;
}

/* ---- writing commands: `count` words, the first is the command; only when the link is up ---- */

void rds_put_array(struct rds_link *link, size_t count);
void rds_put_bytes(struct rds_link *link, struct msp_bytes bytes);
/* One word of two parts. */
void rds_put_joined(struct rds_link *link, struct msp_bytes left, struct msp_bytes right);
static inline void rds_put_string(struct rds_link *link, const char *string)
{
	rds_put_bytes(link, msp_bytes_of_string(string));
}
void rds_put_integer(struct rds_link *link, int64_t integer);
/* A whole command of strings, ended by NULL. */
void rds_put_command(struct rds_link *link, const char *word, ...) __attribute__((sentinel));
/* Notes what the answer to the command just written is for. `kind` is not negative. */
void rds_link_expect(struct rds_link *link, int kind, size_t index);

#endif
