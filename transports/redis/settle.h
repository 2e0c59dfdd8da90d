/* Settling: results are published and their inputs acknowledged.
 *
 * At least once: all results are sent, each is answered, and then what was published is acknowledged.
 * Exactly once: one script does both for each message; see settle_script.c. */
#ifndef REDIS_SETTLE_H
#define REDIS_SETTLE_H

#include "session.h"

enum redis_step {
	REDIS_STEP_NONE,    /* nothing is in flight */
	REDIS_STEP_PUBLISH, /* results are to be sent, perhaps again */
	REDIS_STEP_LOADING, /* the server is given the script first */
	REDIS_STEP_PUBLISHING,
	REDIS_STEP_ACKNOWLEDGE,
	REDIS_STEP_ACKNOWLEDGING,
	REDIS_STEP_REPLICATE,
	REDIS_STEP_REPLICATING,
	REDIS_STEP_DONE,
};

struct redis_settle {
	enum redis_step step;
	const struct msp_batch *batch; /* in flight; borrowed, like the next */
	struct msp_outgoing *outgoing;
	uint64_t generation;           /* of the session when the batch was received */
	enum msp_settle_answer answer; /* in REDIS_STEP_DONE */
	size_t due;                    /* answers about results */
	bool is_lost;                  /* one of them said that the group is gone */
	int64_t resume_ms;             /* after an error: not before; 0: at once */
	struct msp_error error;        /* why it takes long; MSP_OK: it is only slow */
	char script[41];               /* name that the server gave to the script; "": it is not loaded */
};

void redis_settle_begin(struct redis_settle *settle, const struct msp_batch *batch, uint64_t generation,
                        struct msp_outgoing *outgoing);
/* Begun and not done. */
bool redis_settle_is_under_way(const struct redis_settle *settle);
/* Sends what can be sent now. Returns in how many milliseconds it has something to do; -1: when an answer comes. */
int64_t redis_settle_drive(struct redis_settle *settle, struct redis_session *session, struct redis_news *news);
/* Takes an answer to REDIS_LOADED and the kinds after it. */
void redis_settle_reply(struct redis_settle *settle, struct redis_session *session, enum redis_kind kind, size_t index,
                        redisReply *reply, struct redis_news *news);
/* Answers that were due never come, because of `why`. */
void redis_settle_cut(struct redis_settle *settle, const struct msp_error *why);

#endif
