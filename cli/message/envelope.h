/* The envelope of -J: a message as one line of JSON.
 *
 *     {"topic": "t", "partition": 0, "offset": 7, "ts": 1700000000000, "key": "k", "headers": ["name", "value"],
 *      "payload": "text"}
 *
 * Bytes that are no UTF-8 text are {"base64": "…"}; null means absent. A position that is an id stands in "id". */
#ifndef CLI_ENVELOPE_H
#define CLI_ENVELOPE_H

#include <msp/codec.h>
#include <msp/message.h>

/* Caller storage. [owner thread] */
struct envelope {
	struct msp_codec *codec; /* owned */
	struct msp_arena arena;
};

enum msp_status envelope_init(struct envelope *envelope, struct msp_error *err) MSP_NODISCARD;
/* Safe on a zeroed struct. */
void envelope_done(struct envelope *envelope);

/* Appends the line, with its line end, to `buffer`. */
enum msp_status envelope_encode(struct envelope *envelope, const struct msp_message *message, struct msp_buffer *buffer,
                                struct msp_error *err) MSP_NODISCARD;
/* Reads key, value, headers, timestamp and partition from a line; the rest of a position is not read. What the message
 * points to lives until envelope_forget. MSP_E_INVALID says what is wrong with the line. */
enum msp_status envelope_decode(struct envelope *envelope, struct msp_bytes line, struct msp_message *ret_message,
                                struct msp_error *err) MSP_NODISCARD;
/* Frees what decode made. */
void envelope_forget(struct envelope *envelope);

#endif
