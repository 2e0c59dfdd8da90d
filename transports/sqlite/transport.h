/* The transport, as its objects see it. */
#ifndef SQLITE_TRANSPORT_H
#define SQLITE_TRANSPORT_H

#include "file.h"
#include "heartbeat.h"
#include <msp/process.h>
#include <msp/transport.h>

struct sqlite_transport {
	struct msp_transport base;
	struct sqlite_file file;
	struct msp_process process; /* who we are */
	struct sqlite_heartbeat heartbeat;
};

enum msp_status sqlite_consumer_open(struct sqlite_transport *transport, const struct msp_consumer_config *config,
                                     struct msp_consumer **ret_consumer, struct msp_error *err) MSP_NODISCARD;
enum msp_status sqlite_producer_open(struct sqlite_transport *transport, struct msp_producer **ret_producer,
                                     struct msp_error *err) MSP_NODISCARD;
enum msp_status sqlite_reader_open(struct sqlite_transport *transport, const struct msp_reader_config *config,
                                   struct msp_reader **ret_reader, struct msp_error *err) MSP_NODISCARD;
enum msp_status sqlite_admin_open(struct sqlite_transport *transport, struct msp_admin **ret_admin,
                                  struct msp_error *err) MSP_NODISCARD;

#endif
