/* The consumer: its parts, and the one loop that serves them.
 *
 * Whoever waits, for a message or for a settle, runs the loop: it drives the parts, which write what they have to ask,
 * polls both links, and hands each answer to the part that asked. Parts return news, and consumer_hear acts on them. */
#ifndef REDIS_CONSUMER_H
#define REDIS_CONSUMER_H

#include "fetch.h"
#include "member.h"
#include "pending.h"
#include "settle.h"
#include "stats.h"
#include "transport.h"
#include "wakeup.h"

struct redis_batch {
	struct msp_batch base;
	struct redis_entries *entries; /* borrowed from `fetch` */
	uint64_t generation;           /* of the session when it was received */
	bool alive;
};

#define REDIS_BATCHES 2 /* one in flight, one being computed */

struct redis_consumer {
	struct msp_consumer base;
	struct redis_transport *transport; /* borrowed */
	struct redis_session session;
	struct redis_member member;
	struct redis_fetch fetch;
	struct redis_pending pending;
	struct redis_settle settle;
	struct redis_wakeup wakeup;
	struct redis_batch batches[REDIS_BATCHES];
	struct msp_error pending_error; /* what the next receive has to tell; MSP_OK: nothing */
	int64_t resume_ms;              /* after an error nothing is asked before */
	struct redis_stats stats;
};

/* Makes a consumer with the names of `config`, which has no group and no lease yet; it is freed by its ops. */
enum msp_status redis_consumer_new(struct redis_transport *transport, const struct msp_consumer_config *config,
                                   struct redis_consumer **ret_consumer, struct msp_error *err) MSP_NODISCARD;

#endif
