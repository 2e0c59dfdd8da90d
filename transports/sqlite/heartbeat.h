/* The heartbeat: one thread per transport that renews the leases of this process's members, so that a model may take
 * longer than a lease, and removes members of their groups that are dead. */
#ifndef SQLITE_HEARTBEAT_H
#define SQLITE_HEARTBEAT_H

#include "file.h"
#include <pthread.h>
#include <stdatomic.h>

/* A member's lease. It is not renewed once the owner has not been active for max.poll.interval.ms. */
struct sqlite_lease {
	struct sqlite_lease *next; /* the heartbeat's */
	_Atomic int64_t id;        /* members.id; 0: not a member now */
	_Atomic int64_t group_id;
	_Atomic int64_t active_ms; /* when the owner thread was last seen */
};

struct sqlite_heartbeat {
	const struct sqlite_file *file; /* borrowed */
	pthread_t thread;
	bool started;
	pthread_mutex_t mutex; /* of leases and stops; nobody waits for the file while holding it */
	pthread_cond_t changed;
	struct sqlite_lease *leases;
	bool stops;
};

enum msp_status sqlite_heartbeat_init(struct sqlite_heartbeat *heartbeat, const struct sqlite_file *file,
                                      struct msp_error *err) MSP_NODISCARD;
/* Ends the thread and waits for it. */
void sqlite_heartbeat_done(struct sqlite_heartbeat *heartbeat);
/* Renews `lease`, borrowed until it is removed. Starts the thread when it is the first. [any thread] */
enum msp_status sqlite_heartbeat_add(struct sqlite_heartbeat *heartbeat, struct sqlite_lease *lease,
                                     struct msp_error *err) MSP_NODISCARD;
/* Nothing happens when it was not added. [any thread] */
void sqlite_heartbeat_remove(struct sqlite_heartbeat *heartbeat, struct sqlite_lease *lease);

#endif
