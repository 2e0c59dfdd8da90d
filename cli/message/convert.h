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

/* From one codec to another, by name; where they are the same, values stay as they are. The values are those of a topic
 * of `kind` of `model` (NULL: of no model), whose settings hold for both codecs. A result has `max_bytes` at most.
 * Complains and returns an exit status; conversion_done is due even then. */
int conversion_init(struct conversion *conversion, const struct graph *graph, const struct model *model,
                    enum msp_topic_kind kind, const char *from, const char *to, size_t max_bytes);
/* Safe on a zeroed struct. */
void conversion_done(struct conversion *conversion);

/* Puts the converted bytes into *value, where they live until conversion_forget; absent stays absent. On failure it is
 * as before. */
enum msp_status conversion_run(struct conversion *conversion, struct msp_bytes *value,
                               struct msp_error *err) MSP_NODISCARD;
/* Frees what was converted. */
void conversion_forget(struct conversion *conversion);

/* What a topic of this kind carries: as the model is configured, or without one the configuration's `codec`. */
const char *conversion_topic_codec(const struct graph *graph, const struct model *model, enum msp_topic_kind kind);

/* What people read and write. */
extern const char conversion_default[];

#endif
