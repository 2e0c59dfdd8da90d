/* The redelivery lock: of the consumers of a process, one at a time computes an entry that was delivered before. One
 * that ends the process is known by how often it was delivered, and that counts for every entry that was being computed
 * beside it.
 *
 * The lock ends by itself, so that a model that takes long, or a batch that waits for its topic, does not keep the
 * others waiting for ever. [any thread] */
#ifndef REDIS_REDELIVERY_LOCK_H
#define REDIS_REDELIVERY_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a process; zeroed. It is taken for the same time always, so its end also says whose it is. */
struct redis_redelivery_lock {
	_Atomic int64_t until_ms; /* 0: nobody has it */
};

/* `mine` is the end that the caller knows: 0 at first. True: it has the lock, perhaps since before, and for as long
 * again. */
bool redis_redelivery_lock_take(struct redis_redelivery_lock *lock, int64_t *mine);
/* Nothing happens when the caller has it not, or no longer. */
void redis_redelivery_lock_give(struct redis_redelivery_lock *lock, int64_t *mine);

#endif
