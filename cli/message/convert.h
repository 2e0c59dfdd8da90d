/* Conversion of values between codecs, so that a person reads and writes JSON while the topic carries another. */
#ifndef CLI_CONVERT_H
#define CLI_CONVERT_H

#include "graph/graph.h"

/* Caller storage; zeroed, values stay as they are. [owner thread] */
struct conversion {
	struct msp_codec *from, *to; /* owned; NULL: values stay as they are */
	struct msp_arena values;     /* of the value that is being converted */
	struct msp_arena results;
	struct msp_buffer encoded;
};

/* The values of a topic. One of `from` and `to`, codecs by name, is enough: the topic carries what its model is
 * configured for, or without one the configuration's `codec`, and people read and write JSON. */
struct conversion_config {
	const struct graph *graph;
	const struct model *model; /* whose settings hold; NULL: of the topic of no model */
	enum msp_topic_kind kind;
	bool is_sent; /* from people to the topic, else the other way */
	const char *from, *to;
	size_t max_bytes; /* of a result */
};

/* Without `from` and `to`, and where they are the same, values stay as they are. Complains and returns an exit status;
 * conversion_done is due even then. */
int conversion_init(struct conversion *conversion, const struct conversion_config *config);
/* Safe on a zeroed struct. */
void conversion_done(struct conversion *conversion);

/* Puts the converted bytes into *value, where they live until conversion_forget; absent stays absent. On failure it is
 * as before. */
enum msp_status conversion_run(struct conversion *conversion, struct msp_bytes *value,
                               struct msp_error *err) MSP_NODISCARD;
/* Frees what was converted. */
void conversion_forget(struct conversion *conversion);

#endif
