/* How functions answer: a status, and an error that the caller owns. */
#ifndef MSP_STATUS_H
#define MSP_STATUS_H

#include <stdbool.h>

enum msp_status {
	MSP_OK = 0,
	MSP_E_INVALID,     /* the argument or input is not acceptable and will never be */
	MSP_E_NOT_FOUND,   /* no such topic, model, option, file */
	MSP_E_EXISTS,      /* it is there already */
	MSP_E_LIMIT,       /* larger than a limit that the caller or the configuration gave */
	MSP_E_NO_MEMORY,   /* an allocation failed */
	MSP_E_UNAVAILABLE, /* the broker cannot now: down, locked, loading, full */
	MSP_E_DENIED,      /* no right to do this: read-only, access control, wrong password */
	MSP_E_CONFLICT,    /* another live process holds what must be ours alone */
	MSP_E_CORRUPT,     /* stored data is damaged */
	MSP_E_UNSUPPORTED, /* this build, broker or file version cannot do it */
	MSP_E_INTERNAL,    /* a client library broke its own contract */
};

/* Size of msp_error.text in bytes, with the terminating NUL. Longer texts are cut. */
#define MSP_ERROR_TEXT_SIZE 256

/* An error. The caller owns it, usually on its stack; every function that takes one accepts NULL. It is written on
 * failure only. */
struct msp_error {
	enum msp_status status;
	/* The same call may succeed later without anyone changing the request. */
	bool retriable;
	/* One sentence without a full stop or line end; UTF-8. */
	char text[MSP_ERROR_TEXT_SIZE];
};

#if defined(__GNUC__)
#define MSP_NODISCARD                         __attribute__((warn_unused_result))
#define MSP_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define MSP_NODISCARD
#define MSP_PRINTF(format_index, first_index)
#endif

/* Fills `err` when it is not NULL and returns `status`, so that a failure is one line. `retriable` becomes true for
 * MSP_E_UNAVAILABLE and false for everything else. [any thread] */
enum msp_status msp_error_set(struct msp_error *err, enum msp_status status, const char *format, ...) MSP_PRINTF(3, 4);

/* Puts "<prefix>: " before the text of `err`; the tail is cut when it gets too long. Returns err->status, or `status`
 * when `err` is NULL. [any thread] */
enum msp_status msp_error_prefix(struct msp_error *err, enum msp_status status, const char *format, ...)
    MSP_PRINTF(3, 4);

/* Static analysis cannot look into another file, and would think that a failure may return MSP_OK. */
#if defined(__clang_analyzer__)
#define msp_error_set(err, status, ...) ((void)msp_error_set(err, status, __VA_ARGS__), (status))
#endif

/* A constant, lower-case name of a status for logs: "invalid", "unavailable". [any thread] */
const char *msp_status_name(enum msp_status status);

#endif
