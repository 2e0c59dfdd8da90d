/* The keeper: one thread per transport that renews the leases of this process's consumers, so that a model may take
 * longer than a lease. It also trims streams where that is asked for. */
#ifndef RDS_KEEPER_H
#define RDS_KEEPER_H

#include "lease.h"
#include "wakeup.h"
#include <pthread.h>

struct rds_keeper {
	const struct rds_server *server; /* borrowed */
	struct rds_client client;        /* of the thread */
	pthread_mutex_t mutex;           /* of what follows, and held while the server is asked */
	struct rds_lease *leases;
	bool started;
	atomic_bool stop;
	struct rds_wakeup wakeup;
	pthread_t thread;
	int64_t trim_at_ms;
};

void rds_keeper_init(struct rds_keeper *keeper, const struct rds_server *server);
/* Ends the thread. No lease may be left. */
void rds_keeper_done(struct rds_keeper *keeper);

/* Renews `lease`, borrowed until it is removed. Starts the thread when it is the first. [any thread] */
enum msp_status rds_keeper_add(struct rds_keeper *keeper, struct rds_lease *lease, struct msp_error *err) MSP_NODISCARD;
/* Nothing happens when it was not added. Takes a bounded time. [any thread] */
void rds_keeper_remove(struct rds_keeper *keeper, struct rds_lease *lease);

#endif
