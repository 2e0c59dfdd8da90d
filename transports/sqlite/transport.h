/* The transport, as its objects see it. */
#ifndef LITE_TRANSPORT_H
#define LITE_TRANSPORT_H

#include "file.h"
#include "keeper.h"
#include <msp/process.h>
#include <msp/transport.h>

struct lite_transport {
	struct msp_transport base;
	struct lite_file file;
	struct msp_process process; /* who we are */
	struct lite_keeper keeper;
};

enum msp_status lite_consumer_open(struct lite_transport *transport, const struct msp_consumer_config *config,
                                   struct msp_consumer **ret_consumer, struct msp_error *err) MSP_NODISCARD;
enum msp_status lite_producer_open(struct lite_transport *transport, struct msp_producer **ret_producer,
                                   struct msp_error *err) MSP_NODISCARD;
enum msp_status lite_reader_open(struct lite_transport *transport, const struct msp_reader_config *config,
                                 struct msp_reader **ret_reader, struct msp_error *err) MSP_NODISCARD;
enum msp_status lite_admin_open(struct lite_transport *transport, struct msp_admin **ret_admin,
                                struct msp_error *err) MSP_NODISCARD;

#endif
