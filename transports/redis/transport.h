/* The transport, as its objects see it. */
#ifndef REDIS_TRANSPORT_H
#define REDIS_TRANSPORT_H

#include "endpoint.h"
#include "heartbeat.h"
#include "redelivery_lock.h"
#include <msp/transport.h>

struct redis_transport {
	struct msp_transport base;
	struct redis_endpoint endpoint;
	unsigned serial; /* no other transport of this process has it */
	struct redis_heartbeat heartbeat;
	struct redis_redelivery_lock redelivery_lock;
};

enum msp_status redis_consumer_open(struct redis_transport *transport, const struct msp_consumer_config *config,
                                    struct msp_consumer **ret_consumer, struct msp_error *err) MSP_NODISCARD;
enum msp_status redis_producer_open(struct redis_transport *transport, struct msp_producer **ret_producer,
                                    struct msp_error *err) MSP_NODISCARD;
enum msp_status redis_reader_open(struct redis_transport *transport, const struct msp_reader_config *config,
                                  struct msp_reader **ret_reader, struct msp_error *err) MSP_NODISCARD;
enum msp_status redis_admin_open(struct redis_transport *transport, struct msp_admin **ret_admin,
                                 struct msp_error *err) MSP_NODISCARD;

#endif
