/* The heartbeat: one thread per transport that renews the leases of this process's consumers, so that a model may take
 * longer than a lease. It also trims streams where that is asked for. */
#ifndef REDIS_HEARTBEAT_H
#define REDIS_HEARTBEAT_H

#include "lease.h"
#include "wakeup.h"
#include <pthread.h>

struct redis_heartbeat {
	struct redis_endpoint *endpoint; /* borrowed */
	struct redis_client client;      /* of the thread, like the next */
	int64_t trim_at_ms;
	pthread_mutex_t mutex; /* of what follows; nobody waits for the server while holding it */
	struct redis_lease *leases;
	size_t added; /* since init */
	bool started;
	struct redis_wakeup wakeup;
	atomic_bool stop;
	pthread_t thread;
};

void redis_heartbeat_init(struct redis_heartbeat *heartbeat, struct redis_endpoint *endpoint);
/* Ends the thread. No lease may be left. */
void redis_heartbeat_done(struct redis_heartbeat *heartbeat);

/* Renews `lease`, borrowed until it is removed. Starts the thread when it is the first. [any thread] */
enum msp_status redis_heartbeat_add(struct redis_heartbeat *heartbeat, struct redis_lease *lease,
                                    struct msp_error *err) MSP_NODISCARD;
/* Nothing happens when it was not added. A renewal that is under way may still reach the server. [any thread] */
void redis_heartbeat_remove(struct redis_heartbeat *heartbeat, struct redis_lease *lease);

#endif
