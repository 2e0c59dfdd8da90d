/* The two ways to receive: browsing as a reader, consuming as a member of a group. */
#ifndef CLI_RECEIVER_H
#define CLI_RECEIVER_H

#include "broker.h"
#include "format.h"
#include "stop.h"

struct receive_args {
	struct common_args common;
	const char *model, *topic;
	const char *group;
	const char *format, *delimiter, *key_delimiter;
	struct text_list starts; /* of -o */
	int64_t partition, count;
	bool stop_at_end, unbuffered, envelopes, null_text;
};

/* Both run until the end that the flags name, a stop signal, or a closed stdout. They complain and return the exit
 * status. The transport is connected. */
int receive_as_reader(struct graph *graph, const struct receive_args *args, const struct msp_reader_config *config,
                      struct format *format, struct stop *stop);
int receive_as_group(struct graph *graph, const struct receive_args *args, const char *topic, struct format *format,
                     struct stop *stop);

#endif
