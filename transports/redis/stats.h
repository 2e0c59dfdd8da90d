/* What any thread may read of a consumer. */
#ifndef REDIS_STATS_H
#define REDIS_STATS_H

#include "session.h"
#include <stdatomic.h>

struct redis_stats {
	_Atomic int connections_up;
	_Atomic uint64_t connects;
	_Atomic int64_t prefetched_messages, prefetched_bytes, round_trip_us;
};

/* [owner thread] `list`: the entries that are here. */
void redis_stats_note(struct redis_stats *stats, const struct redis_session *session, const struct redis_entries *list);
/* [any thread] */
void redis_stats_read(struct redis_stats *stats, struct msp_consumer_stats *ret_stats);

#endif
