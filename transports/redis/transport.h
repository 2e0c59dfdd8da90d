/* The transport, as its objects see it. */
#ifndef RDS_TRANSPORT_H
#define RDS_TRANSPORT_H

#include "keeper.h"
#include "server.h"
#include "turn.h"
#include <msp/transport.h>

struct rds_transport {
	struct msp_transport base;
	struct rds_server server;
	unsigned serial; /* no other transport of this process has it */
	struct rds_keeper keeper;
	struct rds_turn turn;
};

enum msp_status rds_consumer_open(struct rds_transport *transport, const struct msp_consumer_config *config,
                                  struct msp_consumer **ret_consumer, struct msp_error *err) MSP_NODISCARD;
enum msp_status rds_producer_open(struct rds_transport *transport, struct msp_producer **ret_producer,
                                  struct msp_error *err) MSP_NODISCARD;
enum msp_status rds_reader_open(struct rds_transport *transport, const struct msp_reader_config *config,
                                struct msp_reader **ret_reader, struct msp_error *err) MSP_NODISCARD;
enum msp_status rds_admin_open(struct rds_transport *transport, struct msp_admin **ret_admin,
                               struct msp_error *err) MSP_NODISCARD;

#endif
