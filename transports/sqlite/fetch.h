/* Batches of messages, read from the partitions that this member owns. Nothing is read ahead. [owner thread] */
#ifndef SQLITE_FETCH_H
#define SQLITE_FETCH_H

#include "log.h"
#include "offsets.h"

struct sqlite_batch {
	struct msp_batch base;
	struct sqlite_records records;
	struct sqlite_span *spans; /* owned */
	size_t span_count, span_capacity;
	uint64_t generation; /* of the fetch when it was received */
	bool alive;
};

#define SQLITE_BATCHES 2 /* one in flight, one being computed */

struct sqlite_fetch {
	struct sqlite_batch batches[SQLITE_BATCHES];
	size_t next;         /* index of the partition with which the next batch begins */
	uint64_t generation; /* grows when everything received and not settled becomes invalid */
};

/* What to read. */
struct sqlite_fetch_source {
	struct sqlite_db *db; /* in a transaction that sees the topic as it was loaded */
	struct sqlite_topic *topic;
	const struct sqlite_offsets *offsets;
	const char *group, *topic_name; /* the messages borrow the latter */
};

void sqlite_fetch_init(struct sqlite_fetch *fetch);
void sqlite_fetch_done(struct sqlite_fetch *fetch);

/* Reads the next batch, which is not alive yet. *ret_batch NULL: there is nothing. */
enum msp_status sqlite_fetch_read(struct sqlite_fetch *fetch, const struct sqlite_fetch_source *source,
                                  const struct msp_receive_limits *limits, struct sqlite_batch **ret_batch,
                                  struct msp_error *err) MSP_NODISCARD;
/* The batch that was read is alive. */
void sqlite_fetch_deliver(struct sqlite_fetch *fetch, struct sqlite_batch *batch);
/* Everything received and not settled is invalid. */
void sqlite_fetch_invalidate(struct sqlite_fetch *fetch);
bool sqlite_fetch_is_valid(const struct sqlite_fetch *fetch, const struct sqlite_batch *batch);

#endif
