/* Trimming: deletes old entries, but never one that some consumer group has not settled. */
#ifndef REDIS_TRIM_H
#define REDIS_TRIM_H

#include "command.h"
#include "endpoint.h"

#define REDIS_TRIM_EVERY_MS 2000

bool redis_trim_is_wanted(const struct redis_options *options);
/* Writes the command that trims `topic`; the answer is how many entries it deleted. */
void redis_trim_put(struct redis_output *out, const struct redis_options *options, const char *topic);

#endif
