/* The script that publishes results and acknowledges their inputs as one. */
#ifndef REDIS_SETTLE_SCRIPT_H
#define REDIS_SETTLE_SCRIPT_H

#include "session.h"

extern const char redis_settle_script[];

/* Results, and the messages of a batch that they belong to. */
struct redis_results {
	const struct msp_message *messages;
	const struct msp_outgoing *outgoing;
	size_t count;
};

/* Where the part that begins there ends: a call settles so many messages at most. */
size_t redis_script_end(size_t count, size_t begin);
/* Writes the call that settles what is pending of the part that begins there. False: nothing is. */
bool redis_script_put(const struct redis_results *results, struct redis_session *session, const char *script,
                      size_t begin);

#endif
