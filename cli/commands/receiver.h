/* The two ways to receive: browsing as a reader, consuming as a member of a group. */
#ifndef CLI_RECEIVER_H
#define CLI_RECEIVER_H

#include "message/convert.h"
#include "message/format.h"
#include "serve/broker.h"
#include "serve/stop.h"

struct receive_args {
	struct common_args common;
	const char *model, *topic;
	const char *group;
	const char *format, *delimiter, *key_delimiter;
	const char *from, *to;   /* codecs; NULL: not given */
	struct text_list starts; /* of -o */
	int64_t partition, count;
	bool stop_at_end, unbuffered, envelopes, null_text, raw;
};

/* How messages are written. */
struct receive_form {
	struct format *format;
	struct conversion *conversion;
};

/* Both run until the end that the flags name, a stop signal, or a closed stdout. They complain and return the exit
 * status. The transport is open. */
int receive_as_reader(const struct graph *graph, const struct receive_args *args,
                      const struct msp_reader_config *config, const struct receive_form *form, struct stop *stop);
int receive_as_group(const struct graph *graph, const struct receive_args *args, const char *topic,
                     const struct receive_form *form, struct stop *stop);

#endif
