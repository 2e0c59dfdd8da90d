#include "error.h"

#include <stdarg.h>
#include <stdio.h>

enum msp_status kafka_status(rd_kafka_resp_err_t code, bool *ret_retriable)
{
	*ret_retriable = false;
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return MSP_OK;
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		*ret_retriable = true; /* it may be created any time */
		return MSP_E_NOT_FOUND;
	case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
		return MSP_E_EXISTS;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		*ret_retriable = true; /* an operator grants rights while we wait */
		return MSP_E_DENIED;
	case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
		return MSP_E_UNSUPPORTED;
	case RD_KAFKA_RESP_ERR__INVALID_ARG:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
	case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
	case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
	case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
	case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
		return MSP_E_INVALID;
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
		return MSP_E_CONFLICT;
	case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
		*ret_retriable = true; /* the broker may delete it, and other partitions go on */
		return MSP_E_LIMIT;
	default:
		*ret_retriable = true;
		return MSP_E_UNAVAILABLE;
	}
}

/* librdkafka says of a compressed batch only that it could not be unpacked. */
static const char *code_text(rd_kafka_resp_err_t code)
{
	if (code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION)
		return "a compressed batch is damaged, or larger than kafka.receive.message.max.bytes when it is unpacked";
	return rd_kafka_err2str(code);
}

enum msp_status kafka_error_set(struct msp_error *err, rd_kafka_resp_err_t code, const char *reason, const char *format,
                                ...)
{
	bool retriable;
	enum msp_status status = kafka_status(code, &retriable);
	char text[MSP_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (!reason || !*reason || code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION)
		reason = code_text(code);
	msp_error_set(err, status, "%s: %s", text, reason);
	if (err)
		err->retriable = retriable;
	return status;
}

bool kafka_is_refusal(rd_kafka_resp_err_t code)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		return true;
	default:
		return false;
	}
}

const char *kafka_refusal_text(rd_kafka_resp_err_t code)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
		return "larger than the topic's max.message.bytes";
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		return "the topic refuses its timestamp";
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		return "refused by a policy of the broker";
	default:
		return "the broker says that the record is invalid (a compacted topic needs keys)";
	}
}
