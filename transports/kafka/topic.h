/* What the broker says about topics. All calls block at most timeout_ms. */
#ifndef KAFKA_TOPIC_H
#define KAFKA_TOPIC_H

#include "client.h"

/* How many partitions the topic has. MSP_E_NOT_FOUND: there is no such topic. Afterwards librdkafka knows the topic:
 * the first message to it does not wait for metadata. */
enum msp_status kafka_topic_partition_count(struct kafka_client *client, const char *topic, int timeout_ms,
                                            int32_t *ret_count, struct msp_error *err) MSP_NODISCARD;

/* The topic's max.message.bytes, or 0 when the broker does not tell us (no right to ask, no such topic, no answer). */
size_t kafka_topic_max_bytes(struct kafka_client *client, const char *topic, int timeout_ms);

/* The list of all partitions of a topic, each with `offset`; rd_kafka_topic_partition_list_destroy. */
rd_kafka_topic_partition_list_t *kafka_partitions_new(const char *topic, int32_t count, int64_t offset);

/* Replaces the timestamps in `partitions` (RD_KAFKA_OFFSET_BEGINNING and _END stand for the ends) by the offset of the
 * first message at or after it; RD_KAFKA_OFFSET_END where there is none. */
enum msp_status kafka_offsets_query(struct kafka_client *client, rd_kafka_topic_partition_list_t *partitions,
                                    int timeout_ms, struct msp_error *err) MSP_NODISCARD;

/* Sends the partitions' leaders the smallest request there is; nobody waits for its answer. librdkafka's fetcher looks
 * up at once then, and not a second later. */
void kafka_leaders_nudge(struct kafka_client *client, const rd_kafka_topic_partition_list_t *partitions);

#endif
