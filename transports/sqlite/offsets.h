/* What a group has consumed: the committed offset of each partition, held under a lease by the member that owns the
 * partition.
 *
 * A member takes a partition that is assigned to it as soon as its owner has released it or is a member no more, and
 * releases one that is not assigned to it any more as soon as no batch holds messages of it. Each taking begins a new
 * generation of the partition, and an offset is committed only where owner and generation still match: a process that
 * was thought dead harms nothing. [owner thread] */
#ifndef SQLITE_OFFSETS_H
#define SQLITE_OFFSETS_H

#include "group.h"
#include "topic.h"

/* Offsets [begin, end) of one partition, by its index in the topic. */
struct sqlite_span {
	size_t index;
	int64_t begin, end;
};

/* What this member knows of one partition; same index as in the topic. */
struct sqlite_assignment {
	bool assigned, owned; /* owned and not assigned: to be released when `batches` is 0 */
	int64_t generation;   /* of the partition, when it was taken */
	int64_t committed;    /* first offset that is not settled */
	int64_t position;     /* first offset that was not received */
	int64_t deliveries;   /* of the message at `committed` since an owner vanished, see sqlite_offsets_count */
	unsigned batches;     /* alive, with messages of this partition */
	/* After an owner vanished: the most messages of the next batch, 1 at first and doubled with each that is settled,
	 * so that a message which ends the process soon stands alone. 0: no limit any more. */
	int64_t redelivery_limit;
};

/* Caller storage; all zero: nothing is known. */
struct sqlite_offsets {
	struct sqlite_assignment *partitions; /* owned */
	size_t count;
	int64_t topic_id;
	bool release_due; /* of some that are owned and not assigned */
};

/* Forgets everything. */
void sqlite_offsets_reset(struct sqlite_offsets *offsets);

/* Makes room for the partitions of a topic that is new to us. *lost: it replaces another one. */
enum msp_status sqlite_offsets_follow(struct sqlite_offsets *offsets, const struct sqlite_topic *topic, bool *lost,
                                      struct msp_error *err) MSP_NODISCARD;
/* Takes and releases partitions as the place asks for. In a write transaction. *lost becomes true when a partition that
 * was owned is not any more. */
enum msp_status sqlite_offsets_assign(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                      const struct sqlite_topic *topic, const struct sqlite_place *place, bool *lost,
                                      struct msp_error *err) MSP_NODISCARD;
/* True when a partition can be released that another member waits for. */
bool sqlite_offsets_can_release(const struct sqlite_offsets *offsets);

/* A batch with messages of these spans was received; it was freed; it was settled. */
void sqlite_offsets_received(struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count);
void sqlite_offsets_freed(struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count);
void sqlite_offsets_settled(struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count);
/* Everything that was received and not settled is received again. */
void sqlite_offsets_rewind(struct sqlite_offsets *offsets);
/* False: an earlier batch of a partition was never settled, so that settling this one would lose its messages. */
bool sqlite_offsets_are_next(const struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count);

/* Counts a delivery of the message at `committed`, which may have ended its owner, before it is tried again. In a write
 * transaction. *ret_owned as below. */
enum msp_status sqlite_offsets_count(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                     const struct sqlite_topic *topic, const struct sqlite_place *place, size_t index,
                                     bool *ret_owned, struct msp_error *err) MSP_NODISCARD;
/* Commits the ends of the spans. In a write transaction. *ret_owned false: a partition is not ours any more. */
enum msp_status sqlite_offsets_commit(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                      const struct sqlite_topic *topic, const struct sqlite_place *place,
                                      const struct sqlite_span *spans, size_t count, bool *ret_owned,
                                      struct msp_error *err) MSP_NODISCARD;

#endif
