/* A failure: why an input went to errors; and the error record that says so. */
#ifndef MSP_FAILURE_H
#define MSP_FAILURE_H

#include <msp/arena.h>
#include <msp/model.h>
#include <msp/transport.h>

enum msp_stage {
	MSP_STAGE_RECEIVE,
	MSP_STAGE_DECODE,
	MSP_STAGE_VALIDATE,
	MSP_STAGE_PREDICT,
	MSP_STAGE_ENCODE,
	MSP_STAGE_PUBLISH,
};

enum msp_failure_code {
	MSP_FAILURE_MISSING_VALUE,    /* receive: the message has a null value */
	MSP_FAILURE_TOO_LARGE,        /* receive: larger than message.max.bytes */
	MSP_FAILURE_DELIVERY_LIMIT,   /* receive: delivered more often than delivery.limit */
	MSP_FAILURE_EXPIRED,          /* receive: the broker dropped the message before it was settled */
	MSP_FAILURE_MALFORMED,        /* decode */
	MSP_FAILURE_SCHEMA_VIOLATION, /* validate */
	MSP_FAILURE_MODEL_ERROR,      /* predict */
	MSP_FAILURE_INVALID_OUTPUT,   /* predict: the model's answer breaks its own output schema */
	MSP_FAILURE_MODEL_CRASHED,    /* predict: the model's process died of it */
	MSP_FAILURE_MODEL_TIMEOUT,    /* predict: the model took longer than it may */
	MSP_FAILURE_UNENCODABLE,      /* encode */
	MSP_FAILURE_OUTPUT_REJECTED,  /* publish: the broker will never take the output */
};
#define MSP_FAILURE_CODES 12

/* "missing_value", …: the value of the header msp-error-code. */
const char *msp_failure_code_name(enum msp_failure_code code);
enum msp_stage msp_failure_stage(enum msp_failure_code code);
/* "receive", …: the value of the header msp-error-stage. */
const char *msp_stage_name(enum msp_stage stage);

struct msp_failure {
	enum msp_failure_code code;
	const char *message; /* one sentence, NUL-terminated, without bytes of the input */
	const char *path;    /* JSON pointer, or NULL */
};

/* A copy of the failure in `arena`, or NULL when there is no memory. */
const struct msp_failure *msp_failure_new(struct msp_arena *arena, enum msp_failure_code code, const char *message,
                                          const char *path);

/* What every error record of a worker says besides the failure. */
struct msp_error_context {
	const char *model; /* "iris_model/0.1" */
	const char *group;
};

/* What an error record does without, because the broker refuses it otherwise: flags. Without all of them nothing of its
 * input is left that a broker could refuse. */
enum msp_omission {
	MSP_OMIT_NOTHING = 0,
	MSP_OMIT_VALUE = 1,     /* a null value; the header msp-value-omitted says how many bytes it had */
	MSP_OMIT_HEADERS = 2,   /* those of the input; msp-headers-omitted says how many there were */
	MSP_OMIT_KEY = 4,       /* a null key; msp-key-omitted says how many bytes it had */
	MSP_OMIT_TIMESTAMP = 8, /* the broker's time; msp-timestamp-omitted says what it was (ms since 1970) */
};

/* Builds the error record of `input` in `arena`: its value, key, timestamp, position and headers, the headers first and
 * in their order, then the msp-error headers of the design, except what `omissions` names. Nothing is said of the
 * omission of what the input has not. It borrows what `input`, `context` and `failure` point to.
 *
 * The sixteen header names of an error record are reserved. An input that carries them is an error record sent back
 * to inputs; those headers describe its earlier failure, so this failure's take their place. A reader thus finds each
 * name at most once, whichever header of a name its client hands out, never meets a path or an id of another failure,
 * and a message that goes round does not grow. Every other header is kept byte for byte. False: no memory. */
bool msp_error_record(struct msp_arena *arena, const struct msp_error_context *context, const struct msp_message *input,
                      const struct msp_failure *failure, unsigned omissions,
                      struct msp_message *ret_record) MSP_NODISCARD;

#endif
