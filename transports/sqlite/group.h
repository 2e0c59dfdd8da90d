/* A consumer group as the file has it: its members, and a generation that grows with whatever may change which member
 * has which partition. */
#ifndef SQLITE_GROUP_H
#define SQLITE_GROUP_H

#include "db.h"

/* A member's place in its group: partition p is assigned to the member whose index is p mod count. */
struct sqlite_place {
	int64_t group_id, member_id; /* member_id 0: not a member now */
	int64_t index, count;        /* among the members, in order of id */
};

/* `process` is dead, or of an earlier boot of this machine. [any thread] */
bool sqlite_process_is_gone(const char *process);
/* Begins the next generation. In a write transaction. */
enum msp_status sqlite_group_rebalance(struct sqlite_db *db, int64_t group_id, struct msp_error *err) MSP_NODISCARD;
/* Removes members that are gone or whose lease has ended, and rebalances when there are any. In a write transaction. */
enum msp_status sqlite_group_sweep(struct sqlite_db *db, int64_t group_id, int64_t now_ms, bool *ret_swept,
                                   struct msp_error *err) MSP_NODISCARD;

#endif
