/* Entries that came in one reply, as messages. */
#ifndef REDIS_ENTRIES_H
#define REDIS_ENTRIES_H

#include "entry.h"
#include <msp/transport.h>

/* On the heap; a list of its consumer. */
struct redis_entries {
	struct redis_entries *next;
	redisReply *reply; /* owned; what the messages borrow from */
	struct msp_arena arena;
	struct msp_message *messages; /* in the arena */
	size_t count;                 /* of messages: > 0 */
	size_t bytes;                 /* of all of them, see msp_message_size */
	size_t given;                 /* how many were handed out */
	size_t batches;               /* how many of the batches that they were handed out in are alive */
	bool redelivered;             /* one message that was delivered before, and is not settled or in flight yet */
};

/* Finds the entries in what XREAD and XREADGROUP answer, [[topic, entries]]; NULL: nothing came. False: the answer is
 * something else. */
bool redis_entries_find(const redisReply *reply, const redisReply **ret_entries);
/* Makes messages of `rows`, an array of at least one [id, fields] inside `reply`. Takes the reply, also on failure.
 */
enum msp_status redis_entries_new(redisReply *reply, const redisReply *rows, const char *topic,
                                  struct redis_entries **ret_entries, struct msp_error *err) MSP_NODISCARD;
void redis_entries_free(struct redis_entries *entries);

/* How many of the messages from `given` on are within the limits: at least one. */
size_t redis_entries_fit(const struct redis_entries *entries, const struct msp_receive_limits *limits);
size_t redis_entries_mean_bytes(const struct redis_entries *entries);
/* Whether a list of entries has this one. */
bool redis_entries_have(const struct redis_entries *list, const char *id);

#endif
