/* The pipeline, without a broker: decode, validate, predict, encode, each over a whole batch. */
#ifndef MSP_PIPELINE_H
#define MSP_PIPELINE_H

#include <msp/codec.h>
#include <msp/failure.h>
#include <msp/model.h>

struct msp_pipeline_config {
	const struct msp_codec_ops *input_codec, *output_codec;
	const void *input_codec_options, *output_codec_options; /* see msp_codec_config.options */
	const char *input_topic, *output_topic;                 /* for the codecs, or NULL */
	int max_depth;
	size_t max_message_bytes; /* a larger input is MSP_FAILURE_TOO_LARGE */
	int delivery_limit;       /* more deliveries than this: MSP_FAILURE_DELIVERY_LIMIT; 0: no limit */
	/* Bytes that decoded values and the model's results may take at a time. A batch that needs more is computed in
	 * parts; a message that needs more alone is MSP_FAILURE_TOO_LARGE. */
	size_t max_memory;
};

/* One input on its way. An item that has failed is skipped by the later stages. */
struct msp_item {
	const struct msp_message *message; /* borrowed */
	struct msp_value input, output;    /* gone after msp_pipeline_run */
	size_t encoded_at, encoded_size;   /* where its output stands in msp_work.encoded */
	const struct msp_headers *headers; /* what the codec wants said with the output, or NULL; owned by the codec */
	const struct msp_failure *failure; /* NULL: none; in msp_work.records */
	unsigned omissions;                /* what the error record made of it does without: msp_omission */
};

/* The memory of one batch on its way; used again and again. Caller storage. */
struct msp_work {
	struct msp_item *items; /* in records */
	size_t count;
	struct msp_buffer encoded;
	struct msp_arena records;      /* lives until the batch is settled: items, failures and what the caller adds */
	struct msp_arena values;       /* lives through the stages: inputs, predictions */
	bool last_try;                 /* for the caller to set: an input for which the model has no memory fails */
	enum msp_stage blocked;        /* after a run that could not be decided: the stage that could not go on */
	int64_t decode_ns, predict_ns; /* what the stages took in the last run */
};

struct msp_pipeline;

/* Opens the codecs. Borrows `model` and what config points to until free. */
enum msp_status msp_pipeline_new(const struct msp_pipeline_config *config, struct msp_model *model,
                                 struct msp_pipeline **ret_pipeline, struct msp_error *err) MSP_NODISCARD;
void msp_pipeline_free(struct msp_pipeline *pipeline);

void msp_work_init(struct msp_work *work, const struct msp_pipeline_config *config);
void msp_work_done(struct msp_work *work);

/* Runs the stages over `count` > 0 messages. Borrows `messages` as long as `work` is used; whatever `work` held before
 * is gone. Afterwards each item has either its output in work->encoded or a failure. MSP_E_NO_MEMORY or a retriable
 * error (a model or a codec cannot now): nothing was decided, call again later. Any other error: a codec can never go
 * on. [owner thread] */
enum msp_status msp_pipeline_run(struct msp_pipeline *pipeline, const struct msp_message *messages, size_t count,
                                 struct msp_work *work, struct msp_error *err) MSP_NODISCARD;

/* The encoded output of an item without a failure. Valid until the work is used again. */
static inline struct msp_bytes msp_work_output(const struct msp_work *work, const struct msp_item *item)
{
	return msp_bytes_of(work->encoded.data + item->encoded_at, item->encoded_size);
}

#endif
