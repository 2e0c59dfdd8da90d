/* The log of a partition: rows of (offset, timestamp, key, value, headers) in the order of their offsets, without gaps.
 * An absent key or value is NULL, an empty one a blob of no bytes; headers.h describes the headers. */
#ifndef LITE_LOG_H
#define LITE_LOG_H

#include "topic.h"
#include <msp/arena.h>
#include <msp/transport.h>

/* Messages that were read together, and their memory. Caller storage. [owner thread] */
struct lite_page {
	struct msp_arena arena;
	struct msp_message *messages;
	size_t count, capacity;
	size_t bytes; /* in keys, values and headers */
};

void lite_page_init(struct lite_page *page);
void lite_page_done(struct lite_page *page);
/* Forgets the messages and keeps a bounded amount of memory for the next ones. */
void lite_page_reset(struct lite_page *page);

/* What to read: offsets in [position, end), where end is an offset that the log has reached or INT64_MAX; at most
 * `max_messages` messages and `max_bytes` bytes in the whole page (its first message always fits), none with a
 * timestamp of `end_timestamp_ms` or later (MSP_TIMESTAMP_NONE: any). */
struct lite_range {
	int64_t position, end;
	int64_t end_timestamp_ms;
	size_t max_messages, max_bytes;
};

/* Adds messages of a partition to the page; they borrow the topic's name. In a transaction, which must see the topic as
 * it was loaded. range->position becomes the offset after the last one taken; *ret_ended: end or end_timestamp_ms was
 * reached. */
enum msp_status lite_log_read(struct lite_db *db, const char *topic, struct lite_partition *partition,
                              struct lite_range *range, struct lite_page *page, bool *ret_ended,
                              struct msp_error *err) MSP_NODISCARD;

/* Appends a message at `offset`. `scratch` holds the headers meanwhile. In a write transaction. */
enum msp_status lite_log_append(struct lite_db *db, struct lite_partition *partition, int64_t offset,
                                const struct msp_message *message, struct msp_buffer *scratch,
                                struct msp_error *err) MSP_NODISCARD;

/* The offset of the oldest message, or `next_offset` when the log is empty. */
enum msp_status lite_log_oldest(struct lite_db *db, int64_t partition_id, int64_t next_offset, int64_t *ret_oldest,
                                struct msp_error *err) MSP_NODISCARD;
/* The offset of the first message at or after `position` whose timestamp is `timestamp_ms` or later, else
 * `next_offset`. Looks at every message before it. */
enum msp_status lite_log_find_timestamp(struct lite_db *db, int64_t partition_id, int64_t position,
                                        int64_t timestamp_ms, int64_t next_offset, int64_t *ret_offset,
                                        struct msp_error *err) MSP_NODISCARD;
/* Deletes the messages before `offset`. */
enum msp_status lite_log_prune(struct lite_db *db, int64_t partition_id, int64_t offset,
                               struct msp_error *err) MSP_NODISCARD;

#endif
