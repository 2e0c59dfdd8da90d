/* Membership: being in the consumer group under a name of our own. */
#ifndef REDIS_MEMBER_H
#define REDIS_MEMBER_H

#include "session.h"

enum redis_member_state {
	REDIS_MEMBER_OUTSIDE, /* the group is to be asked for */
	REDIS_MEMBER_JOINING, /* an answer is due */
	REDIS_MEMBER_INSIDE,
	REDIS_MEMBER_NAMELESS,  /* another process has our name: the next one is to be tried */
	REDIS_MEMBER_NAMING,    /* an answer is due */
	REDIS_MEMBER_LEAVING,   /* the name is to be given up */
	REDIS_MEMBER_RELEASING, /* an answer is due */
	REDIS_MEMBER_LEFT,
};

struct redis_member {
	enum redis_member_state state;
	struct redis_lease_search search; /* in NAMELESS and NAMING; its lease is ours with REDIS_NEWS_NAMED */
};

/* Checks everything that can be known before the first message comes, and takes a name in the group. `client` is new.
 * Waits for the server. */
enum msp_status redis_member_open(struct redis_session *session, const struct msp_consumer_config *config,
                                  unsigned transport, struct redis_client *client, struct msp_error *err) MSP_NODISCARD;
void redis_member_done(struct redis_member *member);

/* Asks the next question, if there is one. */
void redis_member_drive(struct redis_member *member, struct redis_session *session);
/* Takes the answer to REDIS_JOINED, REDIS_NAMED and REDIS_RELEASED. */
void redis_member_reply(struct redis_member *member, struct redis_session *session, enum redis_kind kind,
                        redisReply *reply, struct redis_news *news);
/* The connection is lost, or the group: it is to be asked for again. */
void redis_member_cut(struct redis_member *member);

/* Looks for another name. */
enum msp_status redis_member_rename(struct redis_member *member, const struct redis_session *session,
                                    struct msp_error *err) MSP_NODISCARD;
/* Gives the name up, which is held. */
void redis_member_leave(struct redis_member *member);

#endif
