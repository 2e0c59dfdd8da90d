/* What comes again: entries that were delivered and not settled, to this consumer in an earlier life or to one that is
 * dead. Each is delivered alone, one after the other in the whole process, so that one which ends it is known by its
 * count. */
#ifndef RDS_RECOVERY_H
#define RDS_RECOVERY_H

#include "entry.h"
#include "lease.h"

struct rds_consumer;

struct rds_recovery {
	bool own_due;         /* our own list is to be read: at the start, and when an answer with entries was lost */
	int64_t own_at_ms;    /* and now and then: a server may deliver to a connection that we gave up long ago */
	bool is_asking;       /* an answer is due */
	bool is_fetching;     /* which is an entry */
	int64_t look_at_ms;   /* when to look for dead consumers again */
	int64_t looked_at_ms; /* when the server was last seen to be there */
	int64_t leases_at_ms; /* from when on everyone who lives has a lease again */
	char *lease_prefix;   /* owned */
	char *owner;          /* owned; whose list is worked on, or NULL */
	char owner_token[RDS_TOKEN_SIZE]; /* its lease when it was found dead; "": it had none */
	char last[RDS_ID_SIZE];           /* the list was read up to here */
	bool has_more;                    /* there may be more behind */
	char (*ids)[RDS_ID_SIZE];         /* owned; of entries to be fetched */
	size_t count, next;
	int64_t turn; /* to fetch one; see turn.h */
};

enum msp_status rds_recovery_init(struct rds_recovery *recovery, const struct rds_consumer *consumer,
                                  struct msp_error *err) MSP_NODISCARD;
void rds_recovery_done(struct rds_recovery *recovery);

/* While there is something to recover, no new entries are asked for. */
bool rds_recovery_is_active(const struct rds_recovery *recovery);
/* The group is there, after the server or the group was away. */
void rds_recovery_joined(struct rds_consumer *consumer);
/* Asks the next question, when it is time. An entry is fetched only when `may_fetch`, because that counts. Returns in
 * how many milliseconds it has something to do; -1: when an answer comes. */
int64_t rds_recovery_drive(struct rds_consumer *consumer, bool may_fetch);
/* Takes the answer. */
void rds_recovery_reply(struct rds_consumer *consumer, int kind, redisReply *reply);
/* Answers that were due never come; what was fetched may be ours. */
void rds_recovery_cut(struct rds_consumer *consumer);
/* Lets others have their turn, unless an entry is fetched or computed. */
void rds_recovery_rest(struct rds_consumer *consumer);
/* Forgets everything and begins with our own list. */
void rds_recovery_restart(struct rds_consumer *consumer);

#endif
