/* What the parts of one consumer share: the names, the lease, the connections; and what they tell the consumer.
 *
 * A part (member, fetch, pending, settle) writes commands in its `drive`, takes their answers in its `reply`, and
 * changes nothing but itself. What concerns the others it returns as news, and only consumer.c acts on news. */
#ifndef REDIS_SESSION_H
#define REDIS_SESSION_H

#include "entries.h"
#include "group.h"
#include "lease.h"
#include "link.h"

/* What an answer is for. */
enum redis_kind {
	REDIS_FETCHED,      /* reads: new entries */
	REDIS_JOINED,       /* writes from here on: the consumer group is there */
	REDIS_NAMED,        /* a lease was taken */
	REDIS_RELEASED,     /* ours was given up */
	REDIS_OWNERS,       /* who holds pending entries */
	REDIS_PENDING,      /* which ones */
	REDIS_CLAIMED,      /* one of them */
	REDIS_LOADED,       /* the script that settles */
	REDIS_SETTLED,      /* what it did */
	REDIS_ADDED,        /* one result was published */
	REDIS_ACKNOWLEDGED, /* a batch was */
	REDIS_PROBED,       /* whether the group is there */
	REDIS_REPLICATED,
	REDIS_IGNORED,
};

struct redis_session {
	struct redis_endpoint *endpoint;         /* borrowed */
	char *inputs, *outputs, *errors, *group; /* owned; outputs and errors may be NULL */
	enum msp_guarantee guarantee;
	struct redis_lease lease; /* our name in the group */
	struct redis_link reads;  /* asks for new entries; the server may hold the question until there are some */
	struct redis_link writes; /* everything else */
	uint64_t generation;      /* grows when what was received and not settled is invalidated */
	bool leaving;
};

enum redis_news_kind {
	REDIS_NEWS_NONE,
	REDIS_NEWS_ENTRIES,    /* `entries` came; ownership moves to the consumer */
	REDIS_NEWS_ERROR,      /* `why`: the next receive says so, and there is a pause */
	REDIS_NEWS_MISSED,     /* the same; and entries were delivered to us that are not here */
	REDIS_NEWS_JOINED,     /* the group is there */
	REDIS_NEWS_NAMED,      /* the member has the lease of another name */
	REDIS_NEWS_GROUP_GONE, /* `why`: the group or its topic is gone */
};

struct redis_news {
	enum redis_news_kind kind;
	struct redis_entries *entries;
	struct msp_error why;
};

/* Copies the names; the links and the lease are the caller's to fill. */
enum msp_status redis_session_init(struct redis_session *session, struct redis_endpoint *endpoint,
                                   const struct msp_consumer_config *config, struct msp_error *err) MSP_NODISCARD;
void redis_session_done(struct redis_session *session);

static inline struct redis_group redis_session_group(const struct redis_session *session)
{
	return (struct redis_group){
	    .topic = session->inputs,
	    .name = session->group,
	    .may_repeat = session->guarantee == MSP_AT_LEAST_ONCE || !session->outputs,
	};
}

static inline int redis_session_lease_ms(const struct redis_session *session)
{
	return (int)session->endpoint->options.lease_ms;
}

#endif
