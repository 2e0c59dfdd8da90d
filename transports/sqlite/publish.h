/* Publishing to a topic within a write transaction: partition, offset, size limit, retention. */
#ifndef SQLITE_PUBLISH_H
#define SQLITE_PUBLISH_H

#include "topic.h"
#include <msp/transport.h>

/* Loads the topic and forgets what an earlier transaction had under way. */
enum msp_status sqlite_publish_begin(struct sqlite_db *db, struct sqlite_topic *topic, const char *name,
                                     struct msp_error *err) MSP_NODISCARD;
/* False: the topic never takes a message of this size. */
bool sqlite_publish_fits(const struct sqlite_topic *topic, const struct msp_message *message);
/* Rejects one that does not fit. `reason` holds the words as long as anyone reads them. */
#define SQLITE_REASON_SIZE (MSP_TOPIC_MAX + 96)
void sqlite_publish_reject(const struct sqlite_topic *topic, char reason[static SQLITE_REASON_SIZE],
                           struct msp_outgoing *outgoing);
/* Appends a message to the partition of its number where the topic has it, else to that of its key, else to the one
 * that `spread` falls on. A message without a timestamp gets `now_ms`. */
enum msp_status sqlite_publish_append(struct sqlite_db *db, struct sqlite_topic *topic,
                                      const struct msp_message *message, uint64_t spread, int64_t now_ms,
                                      struct msp_buffer *scratch, struct msp_error *err) MSP_NODISCARD;
/* Writes the next offsets, and applies retention now and then. As on Kafka, retention asks no consumer group. */
enum msp_status sqlite_publish_end(struct sqlite_db *db, struct sqlite_topic *topic, int64_t now_ms,
                                   struct msp_error *err) MSP_NODISCARD;

#endif
