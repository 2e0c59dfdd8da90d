/* Pending entries: what was delivered and not settled, to this consumer in an earlier life or to one that is dead. Each
 * is claimed and delivered alone, one after the other in the whole process, so that one which ends it is known by how
 * often it was delivered. */
#ifndef REDIS_PENDING_H
#define REDIS_PENDING_H

#include "redelivery_lock.h"
#include "session.h"

enum redis_pending_state {
	REDIS_PENDING_OWN,  /* our own list is to be read: at the start, when entries were missed, and now and then */
	REDIS_PENDING_LIST, /* the next ids of the owner's list are to be asked for */
	REDIS_PENDING_LISTING,
	REDIS_PENDING_CLAIM, /* the next of those entries is to be claimed */
	REDIS_PENDING_CLAIMING,
	REDIS_PENDING_REST, /* until due_ms */
	REDIS_PENDING_LOOK, /* the owners of pending entries are to be asked for */
	REDIS_PENDING_LOOKING,
	REDIS_PENDING_DISCARDING, /* an answer is due which does not matter any more; then our own list */
};

struct redis_pending {
	enum redis_pending_state state;
	int64_t due_ms;     /* when to look for dead owners again */
	int looks;          /* how often until our own list is to be read: a server may deliver to a connection long gone */
	int64_t seen_ms;    /* when the server was last seen to be there */
	int64_t trust_ms;   /* from when on everyone who lives has a lease again */
	char *lease_prefix; /* owned */
	char *owner;        /* owned; whose list is worked on, or NULL */
	char owner_token[REDIS_TOKEN_SIZE]; /* its lease when it was found dead; "": it had none */
	char last[REDIS_ID_SIZE];           /* the list was read up to here; "": to its end */
	char (*ids)[REDIS_ID_SIZE];         /* owned; of entries to be claimed */
	size_t count, next;
	int64_t lock_until_ms; /* of the redelivery lock: what we know of it */
};

enum msp_status redis_pending_init(struct redis_pending *pending, const struct redis_session *session,
                                   struct msp_error *err) MSP_NODISCARD;
void redis_pending_done(struct redis_pending *pending);

/* While there is something to come, no new entries are asked for. */
bool redis_pending_is_active(const struct redis_pending *pending);
/* An entry is being claimed. */
bool redis_pending_is_claiming(const struct redis_pending *pending);

/* What the consumer says of its other parts. */
struct redis_pending_view {
	const struct redis_entries *list; /* what is here */
	bool is_fetching;                 /* new entries are on their way: those are in our own list and not here */
	bool may_claim; /* somebody waits for a message, and none is ready; a claim counts as a delivery */
};

/* Asks the next question, when it is time. Returns in how many milliseconds it has something to do; -1: when an answer
 * comes or the view changes. */
int64_t redis_pending_drive(struct redis_pending *pending, struct redis_session *session,
                            struct redis_redelivery_lock *lock, const struct redis_pending_view *view);
/* Takes the answer to REDIS_OWNERS, REDIS_PENDING and REDIS_CLAIMED. */
void redis_pending_reply(struct redis_pending *pending, const struct redis_session *session,
                         const struct redis_pending_view *view, enum redis_kind kind, redisReply *reply,
                         struct redis_news *news);
/* Answers that were due never come; what was claimed may be ours. */
void redis_pending_cut(struct redis_pending *pending);
/* The group is there, after the server or the group was away. */
void redis_pending_joined(struct redis_pending *pending, const struct redis_session *session);
/* Forgets everything and begins with our own list. */
void redis_pending_restart(struct redis_pending *pending);

#endif
