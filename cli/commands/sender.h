/* The life of msp send: read, batch, send, tell what was not acknowledged. */
#ifndef CLI_SENDER_H
#define CLI_SENDER_H

#include "graph/graph.h"

struct send_args {
	struct common_args common;
	const char *model, *topic;
	const char *key, *key_delimiter, *delimiter;
	const char *from, *to; /* codecs; NULL: not given */
	struct text_list headers;
	int64_t partition, count;
	bool empty_is_null, lines, envelopes;
};

/* Sends everything that the flags name. Complains and returns the exit status. */
int send_with(const struct graph *graph, const struct send_args *args);

#endif
