/* The inbox: entries that have come and were not given yet, and the question for new ones. */
#ifndef RDS_INBOX_H
#define RDS_INBOX_H

#include "page.h"

struct rds_consumer;

/* Adds a page to what is to be given. Takes it. */
void rds_inbox_add(struct rds_consumer *consumer, struct rds_page *page);
/* The first page that holds messages which were not given yet, or NULL. */
struct rds_page *rds_inbox_ready(const struct rds_consumer *consumer);
bool rds_inbox_has_ready(const struct rds_consumer *consumer);
/* Frees a page when nobody needs it any more. */
void rds_inbox_release(struct rds_consumer *consumer, struct rds_page *page);
/* Drops all that was not given yet; returns how many entries that were. */
size_t rds_inbox_drop(struct rds_consumer *consumer);
/* Whether the entry is here: in flight, being computed or not given yet. */
bool rds_inbox_has(const struct rds_consumer *consumer, const char *id);

/* Whether new entries can be asked for and should be. */
bool rds_inbox_wants(const struct rds_consumer *consumer);
void rds_inbox_ask(struct rds_consumer *consumer);
/* Takes the answer. */
void rds_inbox_take(struct rds_consumer *consumer, redisReply *reply);

#endif
