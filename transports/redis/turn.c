#include "turn.h"
#include <msp/backoff.h>

#define TURN_MS 10000

bool rds_turn_take(struct rds_turn *turn, int64_t *mine)
{
	int64_t now_ms = msp_monotonic_ms(), until_ms = atomic_load(&turn->until_ms), next_ms = now_ms + TURN_MS;
	bool is_mine = *mine != 0 && until_ms == *mine;
	if (!is_mine && until_ms > now_ms)
		return false;
	if (!atomic_compare_exchange_strong(&turn->until_ms, &until_ms, next_ms))
		return false;
	*mine = next_ms;
	return true;
}

void rds_turn_give(struct rds_turn *turn, int64_t *mine)
{
	int64_t until_ms = *mine;
	if (until_ms != 0)
		(void)atomic_compare_exchange_strong(&turn->until_ms, &until_ms, 0);
	*mine = 0;
}
