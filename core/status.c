#include <msp/status.h>

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
    [MSP_OK] = "ok",
    [MSP_E_INVALID] = "invalid",
    [MSP_E_NOT_FOUND] = "not_found",
    [MSP_E_EXISTS] = "exists",
    [MSP_E_LIMIT] = "limit",
    [MSP_E_NO_MEMORY] = "no_memory",
    [MSP_E_UNAVAILABLE] = "unavailable",
    [MSP_E_DENIED] = "denied",
    [MSP_E_CONFLICT] = "conflict",
    [MSP_E_CORRUPT] = "corrupt",
    [MSP_E_UNSUPPORTED] = "unsupported",
    [MSP_E_INTERNAL] = "internal",
};

const char *msp_status_name(enum msp_status status)
{
	size_t index = (size_t)status;
	return index < sizeof(status_names) / sizeof(status_names[0]) ? status_names[index] : "unknown";
}

/* What `written` says stands in `text`, or its whole characters when it was cut. */
static void error_take_text(struct msp_error *err, const char *text, int written)
{
	size_t length = written < 0 ? 0 : (size_t)written;
	if (length >= MSP_ERROR_TEXT_SIZE)
		length = msp_text_cut(text, MSP_ERROR_TEXT_SIZE - 1);
	memcpy(err->text, text, length);
	err->text[length] = '\0';
}

enum msp_status(msp_error_set)(struct msp_error *err, enum msp_status status, const char *format, ...)
{
	if (!err)
		return status;
	/* Not written in place: an argument may be err->text itself. */
	char text[MSP_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	int written = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	error_take_text(err, text, written);
	err->status = status;
	err->retriable = status == MSP_E_UNAVAILABLE;
	return status;
}

enum msp_status msp_error_prefix(struct msp_error *err, enum msp_status status, const char *format, ...)
{
	if (!err)
		return status;
	char prefix[MSP_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	int written = vsnprintf(prefix, sizeof(prefix), format, arguments);
	va_end(arguments);

	if (written < 0)
		return err->status;
	char text[2 * MSP_ERROR_TEXT_SIZE];
	written = snprintf(text, sizeof(text), "%s: %s", prefix, err->text);
	error_take_text(err, text, written);
	return err->status;
}
