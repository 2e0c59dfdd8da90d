/* Fetching: the question for new entries, and the prefetch queue: entries that came and were not handed out yet, or
 * were and are still borrowed. */
#ifndef REDIS_FETCH_H
#define REDIS_FETCH_H

#include "session.h"

struct redis_fetch {
	struct redis_entries *list;       /* owned; in the order of arrival */
	bool stopped;                     /* nothing is asked for: before the first receive, and when leaving */
	bool asked;                       /* an answer is due */
	struct msp_receive_limits limits; /* of the last receive */
	size_t mean_bytes;                /* what a message is taken to be like */
	int64_t unblock_at_ms;            /* when stopped: when the server is told again to end the question */
};

void redis_fetch_init(struct redis_fetch *fetch);
void redis_fetch_done(struct redis_fetch *fetch);

/* Takes the entries. */
void redis_fetch_add(struct redis_fetch *fetch, struct redis_entries *entries);
/* The first that hold messages which were not handed out yet, or NULL. */
struct redis_entries *redis_fetch_ready(const struct redis_fetch *fetch);
/* Frees the entries when nobody needs them any more. */
void redis_fetch_release(struct redis_fetch *fetch, struct redis_entries *entries);
/* Drops all that was not handed out yet; returns how many messages that were. */
size_t redis_fetch_drop(struct redis_fetch *fetch);
/* Whether a redelivered message waits or is being computed. */
bool redis_fetch_has_redelivered(const struct redis_fetch *fetch);

/* Asks for new entries when there are none and they may be asked for. */
void redis_fetch_drive(struct redis_fetch *fetch, struct redis_session *session);
/* Takes the answer. */
void redis_fetch_reply(struct redis_fetch *fetch, struct redis_session *session, redisReply *reply,
                       struct redis_news *news);
/* The answer that was due never comes. False: none was. */
bool redis_fetch_cut(struct redis_fetch *fetch);

/* Ends the question, so that no entry is delivered to nobody: to be called until it is false. */
bool redis_fetch_stop(struct redis_fetch *fetch, struct redis_session *session);

#endif
