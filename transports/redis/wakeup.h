/* What ends a wait from another thread. */
#ifndef RDS_WAKEUP_H
#define RDS_WAKEUP_H

#include <msp/status.h>
#include <stdatomic.h>

struct rds_wakeup {
	int fd; /* readable when it was woken; -1: none */
	atomic_bool woken;
};

enum msp_status rds_wakeup_init(struct rds_wakeup *wakeup, struct msp_error *err) MSP_NODISCARD;
void rds_wakeup_done(struct rds_wakeup *wakeup);
/* [any thread] */
void rds_wakeup_wake(struct rds_wakeup *wakeup);
/* Whether it was woken since it was last asked. */
bool rds_wakeup_take(struct rds_wakeup *wakeup);

#endif
