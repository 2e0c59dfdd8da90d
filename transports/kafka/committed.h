/* The committed offsets of any consumer group, asked by one client. */
#ifndef KAFKA_COMMITTED_H
#define KAFKA_COMMITTED_H

#include "client.h"

/* Replaces the offsets of `partitions`, all of one topic in order, by those that `group` has committed, or
 * RD_KAFKA_OFFSET_INVALID. *coordinator is the number of the broker that has answered last for this group, or -1.
 * Retriable while a transaction that commits offsets is under way. Blocks at most timeout_ms. `client` is a consumer
 * with a group of its own, or librdkafka ends the process when a broker is not the coordinator. */
enum msp_status kafka_committed_query(struct kafka_client *client, const char *group, int32_t *coordinator,
                                      rd_kafka_topic_partition_list_t *partitions, int timeout_ms,
                                      struct msp_error *err) MSP_NODISCARD;

#endif
