/* Membership of one consumer in a consumer group, and the partitions that it holds.
 *
 * Members are ordered by id; the partition of number p belongs to member p mod count. A member takes a partition that
 * it is entitled to as soon as its owner has released it or is a member no more, and releases one that it is not
 * entitled to as soon as no batch holds messages of it. Whatever may change this bumps the group's epoch; a member that
 * sees another epoch than its own synchronises. Each taking of a partition has a new generation, and settle moves the
 * committed offset only where generation and owner still match, so that a process which was thought dead harms
 * nothing. */
#ifndef LITE_GROUP_H
#define LITE_GROUP_H

#include "keeper.h"
#include "topic.h"

/* What this member knows of one partition; same index as in the topic. */
struct lite_claim {
	bool owned;
	bool entitled; /* owned and not entitled: to be released when `batches` is 0 */
	int64_t generation;
	int64_t committed;  /* first offset that is not settled */
	int64_t position;   /* first offset that was not received */
	int64_t deliveries; /* of the message at `committed` since an owner vanished, see lite_group_deliver */
	unsigned batches;   /* alive, with messages of this partition */
	/* After an owner vanished: the most messages of the next batch, 1 at first and doubled with each that is settled,
	 * so that a message which ends the process soon stands alone. 0: no limit any more. */
	int64_t window;
};

/* Caller storage. [owner thread] */
struct lite_group {
	struct lite_file *file;
	const char *name, *topic_name; /* borrowed */
	char *member_name;             /* owned */
	const struct msp_process *process;
	struct lite_topic topic;
	int64_t topic_id; /* what the claims are about */
	struct lite_claim *claims;
	size_t claim_count;
	int64_t id;
	int64_t epoch; /* at the last synchronisation; -1: none yet, or something is wrong */
	bool release_due;
	struct lite_member member;
};

#define LITE_WINDOW_MAX 1024 /* from here on without limit */
/* How long other processes may hold the lock without anyone calling that a failure. */
#define LITE_PATIENCE_MS 1000

struct lite_group_config {
	const char *name, *topic_name; /* borrowed until done */
	const char *instance;          /* or NULL */
	int slot;
};

enum msp_status lite_group_init(struct lite_group *group, struct lite_file *file, const struct msp_process *process,
                                const struct lite_group_config *config, struct msp_error *err) MSP_NODISCARD;
/* Frees; see lite_group_leave. Before the connection is closed. */
void lite_group_done(struct lite_group *group);

/* Forgets everything that was read from the file, and membership with it. Before the connection is closed. */
void lite_group_reset(struct lite_group *group);

/* True when nothing has changed since the last synchronisation. In a transaction. */
enum msp_status lite_group_is_current(struct lite_group *group, struct lite_db *db, bool *ret_current,
                                      struct msp_error *err) MSP_NODISCARD;
/* Joins, or joins again, takes and releases partitions. One write transaction. *ret_lost: a partition that was held is
 * not held any more, and what was received is void; also written on failure. MSP_E_CONFLICT: another live member has
 * this name. */
enum msp_status lite_group_sync(struct lite_group *group, struct lite_db *db, int64_t deadline_ms, bool *ret_lost,
                                struct msp_error *err) MSP_NODISCARD;
/* Counts a delivery of the message at claim->committed, before it is tried by somebody who must reckon with vanishing
 * of it too. In a write transaction. *ret_held as below. */
enum msp_status lite_group_deliver(struct lite_group *group, struct lite_db *db, size_t index, bool *ret_held,
                                   struct msp_error *err) MSP_NODISCARD;
/* Moves the committed offset from claim->committed to `committed`. In a write transaction. *ret_held false: the
 * partition is not ours any more. */
enum msp_status lite_group_commit(struct lite_group *group, struct lite_db *db, size_t index, int64_t committed,
                                  bool *ret_held, struct msp_error *err) MSP_NODISCARD;
/* Releases everything and leaves, in one write transaction. Best effort: a lease ends by itself. */
void lite_group_leave(struct lite_group *group, struct lite_db *db, int64_t deadline_ms);

/* `process` as members are written down: dead, or of an earlier boot of the machine that holds the file. [any thread]
 */
bool lite_member_is_dead(const char *process);
/* Deletes members of a group that are dead or whose lease has ended, and bumps the epoch when there are any. In a write
 * transaction. */
enum msp_status lite_group_sweep(struct lite_db *db, int64_t group_id, int64_t now_ms, bool *ret_swept,
                                 struct msp_error *err) MSP_NODISCARD;

#endif
