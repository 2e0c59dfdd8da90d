/* The consumer. Its parts share this struct: receiving (consumer.c), settling (settle.c), the consumer group (group.c)
 * and what comes again (recovery.c).
 *
 * It has two links. `reads` asks for new entries and may be blocked by the server until there are some; everything else
 * goes over `writes`. One loop, rds_consumer_pump, serves both, whoever waits for what. */
#ifndef RDS_CONSUMER_H
#define RDS_CONSUMER_H

#include "group.h"
#include "inbox.h"
#include "lease.h"
#include "link.h"
#include "recovery.h"
#include "settle.h"
#include "wakeup.h"
#include <msp/transport.h>

struct rds_transport;

/* What an answer is for. */
enum rds_kind {
	RDS_ENTRIES, /* reads: new entries */
	RDS_GROUP,   /* writes: the consumer group, from here on */
	RDS_LOADED,  /* the script of settle */
	RDS_SETTLED, /* what it did */
	RDS_ADDED,   /* one result was published */
	RDS_MARKED,  /* a batch was acknowledged */
	RDS_PROBED,  /* whether the group is there */
	RDS_REPLICATED,
	RDS_OWNERS,   /* who holds pending entries */
	RDS_PENDING,  /* which ones */
	RDS_FETCHED,  /* one of them */
	RDS_RELEASED, /* the name was given up */
	RDS_IGNORED,
};

struct rds_batch {
	struct msp_batch base;
	struct rds_page *page; /* borrowed */
	uint64_t term;         /* of the consumer when it was received */
	bool alive;
};

#define RDS_BATCHES 2 /* one in flight, one being computed */

struct rds_consumer {
	struct msp_consumer base;
	struct rds_transport *transport;         /* borrowed */
	char *inputs, *outputs, *errors, *group; /* owned; outputs and errors may be NULL */
	enum msp_guarantee guarantee;
	int retry_ms;

	struct rds_lease lease;
	struct rds_link reads, writes;
	struct rds_wakeup wakeup;

	uint64_t term; /* grows when everything received and not settled becomes void */
	bool group_is_there, group_asked;
	bool leaving;                     /* no group and no lease is asked for any more */
	bool reading;                     /* an answer with new entries is due */
	struct msp_receive_limits limits; /* of the last receive; 0 messages: there was none */
	size_t mean_bytes;
	int64_t resume_at_ms;     /* after an error: not before */
	struct msp_error trouble; /* what the next receive has to tell; MSP_OK: nothing */

	struct rds_page *pages; /* owned; in the order of arrival */
	struct rds_batch batches[RDS_BATCHES];
	struct rds_recovery recovery;
	struct rds_settle settle;
};

/* Makes a consumer that has no names, group and lease yet; it is freed by its ops, and is on the heap. */
void rds_consumer_init(struct rds_consumer *consumer, struct rds_transport *transport, enum msp_guarantee guarantee);
/* Serves both links once, waiting at most until the deadline. `may_fetch`: somebody waits for a batch. */
void rds_consumer_pump(struct rds_consumer *consumer, int64_t deadline_ms, bool may_fetch);
/* Remembers what went wrong, for the next receive, and pauses. */
void rds_consumer_trouble(struct rds_consumer *consumer, const struct msp_error *why);
/* The group is gone: everything that was received and not settled is void. */
void rds_consumer_void(struct rds_consumer *consumer, const struct msp_error *why);
/* The group, and what may be done about it. */
struct rds_group rds_consumer_group(const struct rds_consumer *consumer);

#endif
