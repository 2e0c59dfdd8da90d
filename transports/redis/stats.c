#include "stats.h"

#define CONNECTIONS 2

#define NOTE(field, value) atomic_store_explicit(&stats->field, (value), memory_order_relaxed)
#define READ(field)        atomic_load_explicit(&stats->field, memory_order_relaxed)

void redis_stats_note(struct redis_stats *stats, const struct redis_session *session, const struct redis_entries *list)
{
	const struct redis_link *reads = &session->reads, *writes = &session->writes;
	int64_t messages = 0, bytes = 0;
	for (; list; list = list->next) {
		size_t left = list->count - list->given;
		messages += (int64_t)left;
		bytes += (int64_t)(list->bytes / list->count * left);
	}
	NOTE(connections_up, redis_link_is_up(reads) + redis_link_is_up(writes));
	NOTE(connects, reads->connects + writes->connects);
	NOTE(prefetched_messages, messages);
	NOTE(prefetched_bytes, bytes);
	NOTE(round_trip_us, writes->round_trip_us);
}

void redis_stats_read(struct redis_stats *stats, struct msp_consumer_stats *ret_stats)
{
	int up = READ(connections_up);
	*ret_stats = (struct msp_consumer_stats){
	    .connections_up = up,
	    .connections_down = CONNECTIONS - up,
	    .connects = READ(connects),
	    .prefetched_messages = READ(prefetched_messages),
	    .prefetched_bytes = READ(prefetched_bytes),
	    .round_trip_us = READ(round_trip_us),
	};
}
