/* The log of a partition: rows of (offset, timestamp, key, value, headers) in the order of their offsets, without gaps.
 * An absent key or value is NULL, an empty one a blob of no bytes; headers.h describes the headers. */
#ifndef SQLITE_LOG_H
#define SQLITE_LOG_H

#include "topic.h"
#include <msp/arena.h>
#include <msp/transport.h>

/* Messages that were read together, and their memory. Caller storage. [owner thread] */
struct sqlite_records {
	struct msp_arena arena;
	struct msp_message *messages;
	size_t count, capacity;
	size_t bytes; /* in keys, values and headers */
};

void sqlite_records_init(struct sqlite_records *records);
void sqlite_records_done(struct sqlite_records *records);
/* Forgets the messages and keeps a bounded amount of memory for the next ones. */
void sqlite_records_reset(struct sqlite_records *records);

/* What to read: offsets in [position, end), where end is an offset that the log has reached or INT64_MAX; at most
 * `max_messages` messages and `max_bytes` bytes in the whole records (its first message always fits), none with a
 * timestamp of `end_timestamp_ms` or later (MSP_TIMESTAMP_NONE: any). */
struct sqlite_range {
	int64_t position, end;
	int64_t end_timestamp_ms;
	size_t max_messages, max_bytes;
};

/* Adds messages of a partition to the records; they borrow the topic's name. In a transaction, which must see the topic
 * as it was loaded. range->position becomes the offset after the last one taken; *ret_ended: end or end_timestamp_ms
 * was reached. */
enum msp_status sqlite_log_read(struct sqlite_db *db, const char *topic, struct sqlite_partition *partition,
                                struct sqlite_range *range, struct sqlite_records *records, bool *ret_ended,
                                struct msp_error *err) MSP_NODISCARD;

/* Appends a message at `offset`. `scratch` holds the headers meanwhile. In a write transaction. */
enum msp_status sqlite_log_append(struct sqlite_db *db, struct sqlite_partition *partition, int64_t offset,
                                  const struct msp_message *message, struct msp_buffer *scratch,
                                  struct msp_error *err) MSP_NODISCARD;

/* What there is of a partition: offsets [oldest, next). */
struct sqlite_bounds {
	int64_t oldest, next;
};
/* In a transaction. */
enum msp_status sqlite_log_bounds(struct sqlite_db *db, int64_t partition_id, struct sqlite_bounds *ret_bounds,
                                  struct msp_error *err) MSP_NODISCARD;
/* The timestamp of the first message at or after `offset`; without one *ret_timestamp_ms stays as it was. */
enum msp_status sqlite_log_timestamp(struct sqlite_db *db, int64_t partition_id, int64_t offset,
                                     int64_t *ret_timestamp_ms, struct msp_error *err) MSP_NODISCARD;
/* The offset of the oldest message, or `next_offset` when the log is empty. */
enum msp_status sqlite_log_oldest(struct sqlite_db *db, int64_t partition_id, int64_t next_offset, int64_t *ret_oldest,
                                  struct msp_error *err) MSP_NODISCARD;
/* The offset of the first message at or after `position` whose timestamp is `timestamp_ms` or later, else
 * `next_offset`. Looks at every message before it. */
enum msp_status sqlite_log_find_timestamp(struct sqlite_db *db, int64_t partition_id, int64_t position,
                                          int64_t timestamp_ms, int64_t next_offset, int64_t *ret_offset,
                                          struct msp_error *err) MSP_NODISCARD;
/* Deletes the messages before `offset`. */
enum msp_status sqlite_log_prune(struct sqlite_db *db, int64_t partition_id, int64_t offset,
                                 struct msp_error *err) MSP_NODISCARD;

#endif
