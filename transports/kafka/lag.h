/* What consumer groups have still to settle. */
#ifndef KAFKA_LAG_H
#define KAFKA_LAG_H

#include "client.h"

/* [owner thread] */
struct kafka_lag {
	const struct kafka_settings *settings; /* borrowed */
	/* A consumer that never joins `group`, to ask for its offsets: librdkafka's own request for them ends the process
	 * when a broker goes away meanwhile (2.0.2, an assertion in rdkafka_queue.h). */
	struct kafka_client member;
	char *group;                              /* of `member`, or NULL */
	rd_kafka_topic_partition_list_t *looking; /* what `member` is assigned, or NULL */
	struct kafka_backlog *backlogs;           /* what is known since the last questions */
};

void kafka_lag_init(struct kafka_lag *lag, const struct kafka_settings *settings);
void kafka_lag_done(struct kafka_lag *lag);

/* How many offsets lie between the group's mark, or the first message after it, and the ends in `there`: 0 when nothing
 * is there for who reads what was committed only. It fetches when the mark of a partition has not moved since the last
 * question about this group and topic, and for the first; in between, markers of transactions and aborted records may
 * count. Waits for a transaction whose offsets are being committed. A retriable error: ask again, it goes on from where
 * it was. */
enum msp_status kafka_lag_count(struct kafka_lag *lag, const char *group, const char *topic,
                                const struct msp_topic_info *there, int64_t *ret_count, int timeout_ms,
                                struct msp_error *err) MSP_NODISCARD;

#endif
