/* Whether a server will do. */
#ifndef REDIS_CHECK_H
#define REDIS_CHECK_H

#include "client.h"

/* Refuses servers that are too old or that are a cluster in which `topics` (ended by NULL) would not share a slot, and
 * warns of settings that may lose messages. `client` is ready. */
enum msp_status redis_check_server(struct redis_client *client, const char *const *topics, int64_t deadline_ms,
                                   struct msp_error *err) MSP_NODISCARD;

#endif
