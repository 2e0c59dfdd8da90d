/* What consumer groups have still to settle. */
#ifndef KAFKA_LAG_H
#define KAFKA_LAG_H

#include "probe.h"

/* [owner thread] */
struct kafka_lag {
	const struct kafka_settings *settings; /* borrowed */
	struct kafka_client client;            /* the one of all groups, made for the first question */
	struct kafka_prober prober;
	struct kafka_backlog *backlogs; /* what is known since the last questions, the latest first; owned */
};

void kafka_lag_init(struct kafka_lag *lag, const struct kafka_settings *settings);
void kafka_lag_done(struct kafka_lag *lag);

/* For each partition how many offsets lie between the group's committed offset, or the first message after it, and the
 * end in `there`: 0 when nothing is there for who reads what was committed only; and the timestamp of that message. It
 * is probed for when the committed offset has not moved since the last question about this group and topic, for the
 * first question, and when timestamps are wanted. Without a probe, or before it has found something, markers of
 * transactions and aborted records count too and there is no timestamp; the probe goes on until the next question.
 * Retriable while a transaction that commits offsets is under way. The caller owns *ret_lag (free()). Blocks at most
 * timeout_ms. */
enum msp_status kafka_lag_ask(struct kafka_lag *lag, const char *group, const char *topic,
                              const struct msp_topic_info *there, bool wants_timestamps, struct msp_group_lag **ret_lag,
                              int timeout_ms, struct msp_error *err) MSP_NODISCARD;

#endif
