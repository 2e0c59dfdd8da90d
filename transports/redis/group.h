/* The consumer group: made where that loses and repeats nothing, otherwise left to an operator. */
#ifndef REDIS_GROUP_H
#define REDIS_GROUP_H

#include "client.h"

struct redis_group {
	const char *topic, *name;
	/* Whether to create it on a stream with entries, all of which will then come (again). */
	bool may_repeat;
};

/* Writes the command that looks for the group, and creates it where it may. */
void redis_group_put(const struct redis_group *group, struct redis_output *out);
/* What its answer means. MSP_E_NOT_FOUND: there is no such topic. Failures are retriable. */
enum msp_status redis_group_result(const struct redis_group *group, const redisReply *reply, struct msp_error *err);

/* Whether we have the rights that settling needs, before anything depends on them. `topics` is what results go to,
 * ended by NULL. A right that is missing is a retriable failure that names it. */
enum msp_status redis_group_probe(const struct redis_group *group, const char *const *topics,
                                  struct redis_client *client, int64_t deadline_ms,
                                  struct msp_error *err) MSP_NODISCARD;

#endif
