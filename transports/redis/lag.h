/* How many entries a consumer group has not settled yet. */
#ifndef RDS_LAG_H
#define RDS_LAG_H

#include "client.h"

struct rds_lag {
	struct rds_client *client; /* ready */
	const char *topic, *group;
	const char *newest; /* id of the last entry that counts */
	int64_t deadline_ms;
};

enum msp_status rds_lag_count(const struct rds_lag *lag, int64_t *ret_count, struct msp_error *err) MSP_NODISCARD;

#endif
