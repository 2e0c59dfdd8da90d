/* Trimming: deletes old entries, but never one that some consumer group has not settled. */
#ifndef RDS_TRIM_H
#define RDS_TRIM_H

#include "server.h"

#define RDS_TRIM_EVERY_MS 2000

bool rds_trim_is_wanted(const struct rds_options *options);
/* Writes the command that trims `topic`; the answer is how many entries it deleted. */
void rds_trim_put(struct rds_link *link, const struct rds_options *options, const char *topic);

#endif
