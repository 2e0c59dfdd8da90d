/* What a consumer group has not settled yet. */
#ifndef REDIS_LAG_H
#define REDIS_LAG_H

#include "client.h"

struct redis_lag_question {
	struct redis_client *client; /* ready */
	const char *topic, *group;
	const char *newest; /* id of the last entry that counts; NULL: all do */
	int64_t deadline_ms;
};

struct redis_lag {
	int64_t messages;
	int64_t oldest_timestamp_ms; /* MSP_TIMESTAMP_NONE: there are none */
};

enum msp_status redis_lag_ask(const struct redis_lag_question *question, struct redis_lag *ret_lag,
                              struct msp_error *err) MSP_NODISCARD;

#endif
