/* Joining and leaving a consumer group. */
#ifndef RDS_MEMBER_H
#define RDS_MEMBER_H

#include "client.h"
#include <msp/transport.h>

struct rds_consumer;

/* Checks everything that can be known before the first message comes, and takes a name in the group. */
enum msp_status rds_member_join(struct rds_consumer *consumer, const struct msp_consumer_config *config,
                                struct rds_client *client, struct msp_error *err) MSP_NODISCARD;
/* The name is lost to another process: takes a new one. Batches that were received under the old one may still be
 * settled; what was read ahead is the other's. A wake ends it early, with MSP_OK. */
enum msp_status rds_member_rename(struct rds_consumer *consumer, struct msp_error *err) MSP_NODISCARD;
/* Sees to it that no entry is delivered to nobody, and gives the name up. Takes a bounded time. */
void rds_member_leave(struct rds_consumer *consumer);

#endif
