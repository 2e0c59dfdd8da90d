/* A page: entries that came in one answer, as messages. */
#ifndef RDS_PAGE_H
#define RDS_PAGE_H

#include "entry.h"
#include <msp/transport.h>

/* On the heap; a list of its consumer or reader. */
struct rds_page {
	struct rds_page *next;
	redisReply *reply; /* owned; what the messages borrow from */
	struct msp_arena arena;
	struct msp_message *messages; /* in the arena */
	size_t count;
	size_t given;   /* how many were handed out */
	size_t batches; /* how many of them are alive */
	bool alone;     /* its one message comes again, and is perhaps being computed: it is our turn */
};

/* Finds the entries in what XREAD and XREADGROUP answer, [[topic, entries]]; NULL: nothing came. False: the answer is
 * something else. */
bool rds_page_find(const redisReply *reply, const redisReply **ret_entries);
/* Makes a page of `entries`, an array of at least one [id, fields] inside `reply`. Takes the reply, also on failure. */
enum msp_status rds_page_new(redisReply *reply, const redisReply *entries, const char *topic,
                             struct rds_page **ret_page, struct msp_error *err) MSP_NODISCARD;
void rds_page_free(struct rds_page *page);

/* How many of the messages from `given` on are within the limits: at least one. */
size_t rds_page_fit(const struct rds_page *page, const struct msp_receive_limits *limits);
bool rds_page_has(const struct rds_page *page, const char *id);

#endif
