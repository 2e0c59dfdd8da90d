/* librdkafka's error codes as statuses. */
#ifndef KAFKA_ERROR_H
#define KAFKA_ERROR_H

#include <librdkafka/rdkafka.h>
#include <msp/status.h>

/* The status that `code` means; *ret_retriable: the same call may succeed later. */
enum msp_status kafka_status(rd_kafka_resp_err_t code, bool *ret_retriable);

/* Fills `err` from `code`: "<formatted text>: <reason>". `reason` NULL: librdkafka's words for the code. Returns the
 * status. */
enum msp_status kafka_error_set(struct msp_error *err, rd_kafka_resp_err_t code, const char *reason, const char *format,
                                ...) MSP_PRINTF(4, 5);

/* True for codes by which a broker may refuse what it is sent because of what one message is. Sequence, fencing and
 * purge codes never are; neither is a missing topic or right. */
bool kafka_is_refusal(rd_kafka_resp_err_t code);

/* Why a message is refused: one constant sentence. */
const char *kafka_refusal_text(rd_kafka_resp_err_t code);

#endif
