/* What ends a wait from another thread. */
#ifndef REDIS_WAKEUP_H
#define REDIS_WAKEUP_H

#include <msp/status.h>
#include <stdatomic.h>

struct redis_wakeup {
	int fd; /* readable when it was woken; -1: none */
	atomic_bool woken;
};

enum msp_status redis_wakeup_init(struct redis_wakeup *wakeup, struct msp_error *err) MSP_NODISCARD;
void redis_wakeup_done(struct redis_wakeup *wakeup);
/* [any thread] */
void redis_wakeup_wake(struct redis_wakeup *wakeup);
/* Whether it was woken since it was last asked. */
bool redis_wakeup_take(struct redis_wakeup *wakeup);

#endif
