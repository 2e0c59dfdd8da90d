/* How much of what was read is gone with a deleted topic: for one line in the log. */
#ifndef KAFKA_LOSS_H
#define KAFKA_LOSS_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed storage is an empty one. */
struct kafka_loss {
	size_t unsettled; /* the most that was dropped unsettled lately */
	int64_t at_ms;
};

/* What was read and not settled is about to be dropped. When a topic goes, the group may ask its partitions back, or a
 * settle fail, before the client is told why. */
void kafka_loss_note(struct kafka_loss *loss, size_t unsettled);
/* The topic is gone, with `unsettled` in hand now: how much that was in all, since some may have been read again. */
size_t kafka_loss_take(struct kafka_loss *loss, size_t unsettled);

#endif
