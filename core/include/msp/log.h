/* Logging: logfmt lines on stderr, which msp/console.h writes.
 *
 *     time=2026-01-31T12:00:00.123Z level=info msg="worker ready" model=iris_model/0.1 worker=0 */
#ifndef MSP_LOG_H
#define MSP_LOG_H

#include <msp/status.h>

enum msp_log_level { MSP_LOG_ERROR, MSP_LOG_WARN, MSP_LOG_INFO, MSP_LOG_DEBUG };

/* Default MSP_LOG_INFO. [any thread] */
void msp_log_set_level(enum msp_log_level level);
bool msp_log_enabled(enum msp_log_level level);

/* Writes a line: the message, then pairs of key and value, ended by NULL. Values are quoted and escaped where logfmt
 * needs it; a NULL value leaves its pair out. Never pass secrets or bytes of messages. [any thread] */
void msp_log(enum msp_log_level level, const char *message, ... /* const char *key, const char *value, NULL */)
#if defined(__GNUC__)
    __attribute__((sentinel))
#endif
    ;

/* A number as a log value: msp_log(…, "count", MSP_LOG_NUMBER(n), NULL). Lives until the end of the full expression's
 * block. */
struct msp_log_number {
	char text[24];
};
struct msp_log_number msp_log_number(long long number);
#define MSP_LOG_NUMBER(number) (msp_log_number((long long)(number)).text)

#endif
