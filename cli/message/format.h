/* How messages are written: as they are, by a format of kcat's kind, or as envelopes. */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include "envelope.h"
#include "output.h"

struct format_item;

/* Caller storage. [owner thread] */
struct format {
	struct format_item *items; /* owned */
	size_t count;
	const char *null_text;     /* what absent keys and values are written as */
	struct envelope *envelope; /* borrowed; not NULL: envelopes instead of items */
	struct msp_buffer line;
};

/* Compiles a format: %s payload, %S its size or -1, %R its size as four bytes in network order, %k key, %K its size or
 * -1, %T timestamp, %h headers as name=value with commas between, %t topic, %p partition, %o offset or id, %% a percent
 * sign; \n \t \r \0 \\ \xNN. MSP_E_INVALID names what is wrong. */
enum msp_status format_init(struct format *format, const char *text, struct msp_error *err) MSP_NODISCARD;
/* The format for -D and -K alone: "%s<delimiter>", with "%k<key delimiter>" in front when there is one. */
enum msp_status format_init_delimited(struct format *format, const char *delimiter, const char *key_delimiter,
                                      struct msp_error *err) MSP_NODISCARD;
/* Envelopes, one per line. */
void format_init_envelope(struct format *format, struct envelope *envelope);
/* Safe on a zeroed struct. */
void format_done(struct format *format);

enum msp_status format_write(struct format *format, const struct msp_message *message, struct output *out,
                             struct msp_error *err) MSP_NODISCARD;

#endif
