/* Membership of one consumer in its group. A member that sees another generation of the group than the one that it
 * knows synchronises: it joins if need be, learns its place, and takes and releases partitions (offsets.h). [owner
 * thread] */
#ifndef SQLITE_MEMBER_H
#define SQLITE_MEMBER_H

#include "group.h"
#include "heartbeat.h"

struct sqlite_member_config {
	const struct sqlite_file *file;    /* borrowed until done, like the next two */
	const struct msp_process *process; /* who we are */
	const char *group;
	const char *instance; /* or NULL */
	int slot;
};

/* Caller storage; must not move. */
struct sqlite_member {
	const struct sqlite_file *file;
	const struct msp_process *process;
	const char *group;
	char *name; /* owned */
	struct sqlite_place place;
	int64_t generation;        /* of the group, as of the last synchronisation; -1: that is due */
	struct sqlite_lease lease; /* renewed by the heartbeat */
};

enum msp_status sqlite_member_init(struct sqlite_member *member, const struct sqlite_member_config *config,
                                   struct msp_error *err) MSP_NODISCARD;
void sqlite_member_done(struct sqlite_member *member);

/* The owner thread is at work. */
void sqlite_member_note_activity(struct sqlite_member *member);
/* True when the group is still of the generation that the member knows. In a transaction. */
enum msp_status sqlite_member_is_current(struct sqlite_member *member, struct sqlite_db *db, bool *ret_current,
                                         struct msp_error *err) MSP_NODISCARD;
/* Finds or makes the group, joins it if need be, and learns the place. In a write transaction. MSP_E_CONFLICT: another
 * live member has this name. */
enum msp_status sqlite_member_join(struct sqlite_member *member, struct sqlite_db *db, int64_t topic_id,
                                   struct msp_error *err) MSP_NODISCARD;
/* Learns the generation, at the end of the same transaction. */
enum msp_status sqlite_member_synchronised(struct sqlite_member *member, struct sqlite_db *db,
                                           struct msp_error *err) MSP_NODISCARD;
/* The transaction was rolled back: the member has the place again that it had before, and synchronises. */
void sqlite_member_restore(struct sqlite_member *member, const struct sqlite_place *place);
/* Releases every partition and leaves, in one write transaction. Best effort: a lease ends by itself. */
void sqlite_member_leave(struct sqlite_member *member, struct sqlite_db *db, int64_t deadline_ms);

#endif
