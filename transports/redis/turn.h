/* A turn: of the consumers of a process, one at a time computes what comes again. An entry that ends the process is
 * known by how often it was delivered, and that counts for every entry that was being computed beside it.
 *
 * A turn ends by itself, so that a model that takes long, or a batch that waits for its topic, does not keep the others
 * waiting for ever. [any thread] */
#ifndef RDS_TURN_H
#define RDS_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a process; zeroed. Turns are of the same length, so when it ends also says whose it is. */
struct rds_turn {
	_Atomic int64_t until_ms; /* 0: it is nobody's */
};

/* `mine` is what the caller knows of its turn: 0 at first. True: it has the turn, perhaps since before. */
bool rds_turn_take(struct rds_turn *turn, int64_t *mine);
/* Nothing happens when the caller has it not, or no longer. */
void rds_turn_give(struct rds_turn *turn, int64_t *mine);

#endif
