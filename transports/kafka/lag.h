/* What consumer groups have still to settle. */
#ifndef KAFKA_LAG_H
#define KAFKA_LAG_H

#include "client.h"

/* [owner thread] */
struct kafka_lag {
	const struct kafka_settings *settings; /* borrowed */
	struct kafka_lag_group *groups;        /* that were asked about; owned */
};

void kafka_lag_init(struct kafka_lag *lag, const struct kafka_settings *settings);
void kafka_lag_done(struct kafka_lag *lag);

/* For each partition how many offsets lie between the group's committed offset, or the first message after it, and the
 * end in `there`: 0 when nothing is there for who reads what was committed only; and the timestamp of that message,
 * where it was seen. It is looked at when the committed offset has not moved since the last question about this group
 * and topic, for the first question, and when timestamps are wanted; otherwise markers of transactions and aborted
 * records may count. Waits for a transaction whose offsets are being committed. The caller owns *ret_lag (free()). A
 * retriable error: ask again, it goes on from where it was. */
enum msp_status kafka_lag_ask(struct kafka_lag *lag, const char *group, const char *topic,
                              const struct msp_topic_info *there, bool wants_timestamps, struct msp_group_lag **ret_lag,
                              int timeout_ms, struct msp_error *err) MSP_NODISCARD;

#endif
