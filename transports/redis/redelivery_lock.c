#include "redelivery_lock.h"
#include <msp/clock.h>

#define LOCK_MS 10000

bool redis_redelivery_lock_take(struct redis_redelivery_lock *lock, int64_t *mine)
{
	int64_t now_ms = msp_monotonic_ms(), until_ms = atomic_load(&lock->until_ms), next_ms = now_ms + LOCK_MS;
	bool is_mine = *mine != 0 && until_ms == *mine;
	if (!is_mine && until_ms > now_ms)
		return false;
	if (!atomic_compare_exchange_strong(&lock->until_ms, &until_ms, next_ms))
		return false;
	*mine = next_ms;
	return true;
}

void redis_redelivery_lock_give(struct redis_redelivery_lock *lock, int64_t *mine)
{
	int64_t until_ms = *mine;
	if (until_ms != 0)
		(void)atomic_compare_exchange_strong(&lock->until_ms, &until_ms, 0);
	*mine = 0;
}
