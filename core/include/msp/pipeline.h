/* The street that data walks, without a broker: decode, validate, predict, encode, each over a whole batch. */
#ifndef MSP_PIPELINE_H
#define MSP_PIPELINE_H

#include <msp/codec.h>
#include <msp/failure.h>
#include <msp/model.h>

struct msp_pipeline_config {
	const struct msp_codec_ops *input_codec, *output_codec;
	const void *input_codec_options, *output_codec_options; /* see msp_codec_config.options */
	int max_depth;
	size_t max_message_bytes; /* a larger input is MSP_FAILURE_TOO_LARGE */
	int delivery_limit;       /* more deliveries than this: MSP_FAILURE_DELIVERY_LIMIT; 0: no limit */
	size_t max_memory; /* bytes that one batch may take for its values; a message that alone takes more is refused */
};

/* One input on its way. An item that has failed is skipped by the later stages. */
struct msp_item {
	const struct msp_message *message; /* borrowed */
	struct msp_value input;
	struct msp_value output;
	size_t encoded_at, encoded_size;   /* where its output stands in msp_work.encoded */
	const struct msp_failure *failure; /* NULL: none; in the work's arena */
};

/* The memory of one batch on its way; used again and again. Caller storage. */
struct msp_work {
	struct msp_arena arena;
	struct msp_buffer encoded;
	struct msp_item *items; /* in the arena */
	size_t count;
};

struct msp_pipeline;

/* Opens the codecs. Borrows `model` and what config points to until free. */
enum msp_status msp_pipeline_new(const struct msp_pipeline_config *config, struct msp_model *model,
                                 struct msp_pipeline **ret_pipeline, struct msp_error *err) MSP_NODISCARD;
void msp_pipeline_free(struct msp_pipeline *pipeline);

void msp_work_init(struct msp_work *work, const struct msp_pipeline_config *config);
void msp_work_done(struct msp_work *work);

/* Runs the stages over `count` > 0 messages. Borrows `messages` as long as `work` is used. Afterwards each item has
 * either its output in work->encoded or a failure. MSP_E_NO_MEMORY: nothing was decided, call again later or with
 * fewer. *ret_predict_ns: time spent in predict. [owner thread] */
enum msp_status msp_pipeline_run(struct msp_pipeline *pipeline, const struct msp_message *messages, size_t count,
                                 struct msp_work *work, int64_t *ret_predict_ns) MSP_NODISCARD;

/* The encoded output of an item without a failure. Valid until the work is used again. */
static inline struct msp_bytes msp_work_output(const struct msp_work *work, const struct msp_item *item)
{
	return msp_bytes_of(work->encoded.data + item->encoded_at, item->encoded_size);
}

#endif
