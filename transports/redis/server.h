/* The server of one transport, and the transport's options. */
#ifndef RDS_SERVER_H
#define RDS_SERVER_H

#include "client.h"

struct rds_options {
	int64_t lease_ms;
	int64_t retry_ms, timeout_ms;
	int64_t wait_replicas, wait_ms;
	int64_t trim_max_messages, trim_max_age_ms;
	bool trim_settled;
	bool hash_tag;
};

struct rds_server {
	struct rds_address address;
	struct rds_options options;
};

void rds_server_link_init(const struct rds_server *server, struct rds_link *link, const char *name,
                          const struct rds_link_events *events, void *context);

/* Refuses servers that are too old or that are a cluster in which `topics` (ended by NULL) would not share a slot, and
 * warns of settings that may lose messages. `client` is ready. */
enum msp_status rds_server_check(struct rds_client *client, const char *const *topics, int64_t deadline_ms,
                                 struct msp_error *err) MSP_NODISCARD;

#endif
