/* The keeper: one thread per transport that renews the leases of this process's members, so that a model may take
 * longer than a lease, and removes members of their groups that are dead. */
#ifndef LITE_KEEPER_H
#define LITE_KEEPER_H

#include "file.h"
#include <msp/process.h>
#include <pthread.h>
#include <stdatomic.h>

/* A member to keep; embedded in its group. A member whose owner has not been active for max.poll.interval.ms is not
 * renewed. */
struct lite_member {
	struct lite_member *next; /* the keeper's */
	_Atomic int64_t id;       /* members.id; 0: not a member now */
	_Atomic int64_t group_id;
	_Atomic int64_t active_ms; /* when the owner thread was last seen */
};

struct lite_keeper {
	struct lite_file *file;
	pthread_t thread;
	bool runs;
	pthread_mutex_t mutex; /* over members and stops */
	pthread_cond_t changed;
	struct lite_member *members;
	bool stops;
};

void lite_keeper_init(struct lite_keeper *keeper, struct lite_file *file);
/* Ends the thread and waits for it. */
void lite_keeper_done(struct lite_keeper *keeper);
/* Starts the thread with the first member. [any thread] */
enum msp_status lite_keeper_add(struct lite_keeper *keeper, struct lite_member *member,
                                struct msp_error *err) MSP_NODISCARD;
/* After it the keeper does not touch the member. Safe for one that was not added. [any thread] */
void lite_keeper_remove(struct lite_keeper *keeper, struct lite_member *member);

#endif
