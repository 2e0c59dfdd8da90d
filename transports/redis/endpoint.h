/* The server of one transport: where it is, how its addresses are found, and the transport's options. */
#ifndef REDIS_ENDPOINT_H
#define REDIS_ENDPOINT_H

#include "address.h"
#include "resolver.h"
#include <stdint.h>

struct redis_options {
	int64_t lease_ms;
	int64_t retry_ms, timeout_ms;
	int64_t wait_replicas, wait_ms;
	int64_t trim_max_messages, trim_max_age_ms;
	bool trim_settled;
	bool hash_tag;
};

struct redis_endpoint {
	struct redis_address address;
	struct redis_options options;
	struct redis_resolver resolver; /* of the address */
};

#endif
