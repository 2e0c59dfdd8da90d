#include <msp/clock.h>
#include <msp/pipeline.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What an idle batch keeps for the next one. */
#define KEEP_BYTES ((size_t)1 << 20)
/* Encoded outputs of a batch; core sizes batches far below it. */
#define ENCODED_MAX_BYTES ((size_t)1 << 31)

struct msp_pipeline {
	struct msp_pipeline_config config;
	struct msp_model *model;
	struct msp_codec *input_codec, *output_codec;
};

/* A run of neighbouring items that goes through the stages together. */
struct span {
	struct msp_pipeline *pipeline;
	struct msp_work *work;
	struct msp_item *items;
	size_t count;
	struct msp_error *err; /* why nothing can be decided now */
};

/* ---- failures ---- */

static enum msp_status item_fail_at(struct span *span, struct msp_item *item, enum msp_failure_code code,
                                    const char *message, const char *path)
{
	item->failure = msp_failure_new(&span->work->records, code, message, path);
	return item->failure ? MSP_OK : MSP_E_NO_MEMORY;
}

static MSP_PRINTF(4, 5) enum msp_status
    item_fail(struct span *span, struct msp_item *item, enum msp_failure_code code, const char *format, ...)
{
	char message[MSP_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return item_fail_at(span, item, code, message, NULL);
}

/* The whole value is no field that a path could name. */
static enum msp_status item_violates(struct span *span, struct msp_item *item, enum msp_failure_code code,
                                     const struct msp_violation *violation)
{
	return item_fail_at(span, item, code, violation->text, violation->path[0] ? violation->path : NULL);
}

/* An item for which the arena of values was too small. Together with others it may only have been unlucky: MSP_E_LIMIT
 * makes the caller try smaller spans. */
static enum msp_status item_outgrew(struct span *span, struct msp_item *item)
{
	if (span->count > 1)
		return MSP_E_LIMIT;
	return item_fail(span, item, MSP_FAILURE_TOO_LARGE,
	                 "the message of %zu bytes needs more memory than batch.max.memory.bytes, %zu",
	                 msp_message_size(item->message), span->pipeline->config.max_memory);
}

/* The codec or the model cannot now: nobody is to blame, and the whole run is repeated. */
static enum msp_status span_block(struct span *span, enum msp_stage stage, const struct msp_error *why)
{
	span->work->blocked = stage;
	msp_error_set(span->err, MSP_E_UNAVAILABLE, "%s", why->text);
	return MSP_E_UNAVAILABLE;
}

static bool arena_is_full(const struct span *span)
{
	return span->work->values.limited;
}

/* ---- stages: each walks the items of a span that have not failed ---- */

static enum msp_status stage_admit(struct span *span)
{
	const struct msp_pipeline_config *config = &span->pipeline->config;
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < span->count && status == MSP_OK; i++) {
		struct msp_item *item = &span->items[i];
		const struct msp_message *message = item->message;
		if (message->defect == MSP_DEFECT_EXPIRED)
			status = item_fail(span, item, MSP_FAILURE_EXPIRED, "the broker dropped the message before it was settled");
		else if (message->defect == MSP_DEFECT_FOREIGN)
			status = item_fail(span, item, MSP_FAILURE_MALFORMED, "the message has fields that no message has");
		else if (config->delivery_limit > 0 && message->attempts > config->delivery_limit)
			status = item_fail(span, item, MSP_FAILURE_DELIVERY_LIMIT,
			                   "the message was delivered %d times, more often than delivery.limit, %d",
			                   (int)message->attempts, config->delivery_limit);
		else if (msp_message_size(message) > config->max_message_bytes)
			status = item_fail(span, item, MSP_FAILURE_TOO_LARGE,
			                   "the message of %zu bytes is larger than message.max.bytes, %zu",
			                   msp_message_size(message), config->max_message_bytes);
		else if (!message->value.data)
			status = item_fail(span, item, MSP_FAILURE_MISSING_VALUE, "the message has no value");
	}
	return status;
}

static enum msp_status item_decode_failed(struct span *span, struct msp_item *item, enum msp_status status,
                                          const struct msp_error *err)
{
	if (arena_is_full(span))
		return item_outgrew(span, item);
	if (status == MSP_E_NO_MEMORY)
		return status;
	if (err->retriable)
		return span_block(span, MSP_STAGE_DECODE, err);
	return item_fail_at(span, item, MSP_FAILURE_MALFORMED, err->text, NULL);
}

static enum msp_status stage_decode(struct span *span)
{
	struct msp_codec *codec = span->pipeline->input_codec;
	struct msp_arena *arena = &span->work->values;
	enum msp_status status = MSP_OK;
	int64_t begin_ns = msp_monotonic_ns();
	for (size_t i = 0; i < span->count && status == MSP_OK; i++) {
		struct msp_item *item = &span->items[i];
		if (item->failure)
			continue;
		struct msp_headers headers = {item->message->headers, item->message->header_count};
		struct msp_error err;
		status = msp_codec_decode(codec, item->message->value, headers, arena, &item->input, &err);
		if (status != MSP_OK)
			status = item_decode_failed(span, item, status, &err);
	}
	span->work->decode_ns += msp_monotonic_ns() - begin_ns;
	return status;
}

static enum msp_status stage_validate(struct span *span)
{
	const struct msp_schema *schema = span->pipeline->model->info->input;
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < span->count && status == MSP_OK; i++) {
		struct msp_item *item = &span->items[i];
		struct msp_violation violation;
		if (!item->failure && !msp_schema_validate(schema, &item->input, &violation))
			status = item_violates(span, item, MSP_FAILURE_SCHEMA_VIOLATION, &violation);
	}
	return status;
}

static enum msp_status item_accept(struct span *span, struct msp_item *item, struct msp_prediction *prediction)
{
	static const enum msp_failure_code codes[] = {
	    [MSP_PREDICTION_MODEL_ERROR] = MSP_FAILURE_MODEL_ERROR,
	    [MSP_PREDICTION_SCHEMA_VIOLATION] = MSP_FAILURE_SCHEMA_VIOLATION,
	    [MSP_PREDICTION_MODEL_CRASHED] = MSP_FAILURE_MODEL_CRASHED,
	    [MSP_PREDICTION_MODEL_TIMEOUT] = MSP_FAILURE_MODEL_TIMEOUT,
	};
	struct msp_violation violation;
	if (prediction->error_text)
		return item_fail_at(span, item, codes[prediction->code], prediction->error_text, prediction->path);
	item->output = prediction->value;
	if (!msp_schema_validate(span->pipeline->model->info->output, &item->output, &violation))
		return item_violates(span, item, MSP_FAILURE_INVALID_OUTPUT, &violation);
	return MSP_OK;
}

/* The calls of one span's predict: the inputs that have not failed, in order, with their items. */
struct call {
	struct msp_item **items;
	const struct msp_value **inputs;
	struct msp_prediction *predictions;
};

/* Predicts items `from` to `to`. A call that fails as a whole is halved until the culprit stands alone; order is kept
 * because every item keeps its place. */
static enum msp_status call_predict(struct span *span, struct call *call, size_t from, size_t to)
{
	struct msp_model *model = span->pipeline->model;
	struct msp_error err = {.text = ""};
	memset(call->predictions + from, 0, (to - from) * sizeof(*call->predictions));
	enum msp_status status = model->plugin->predict(model, &span->work->values, call->inputs + from,
	                                                call->predictions + from, to - from, &err);
	/* Together with others an input may only have been unlucky, whatever the model says of it. */
	if (status == MSP_OK && !(arena_is_full(span) && span->count > 1)) {
		for (size_t i = from; i < to && status == MSP_OK; i++)
			status = item_accept(span, call->items[i], &call->predictions[i]);
		return status;
	}
	if (arena_is_full(span))
		return item_outgrew(span, call->items[from]);
	if (err.retriable || status == MSP_E_UNAVAILABLE)
		return span_block(span, MSP_STAGE_PREDICT, &err);
	if (to - from == 1 && status == MSP_E_NO_MEMORY && !span->work->last_try)
		return status;
	if (to - from == 1)
		return item_fail_at(span, call->items[from], MSP_FAILURE_MODEL_ERROR,
		                    err.text[0] ? err.text : "the model failed without a reason", NULL);
	size_t middle = from + (to - from) / 2;
	status = call_predict(span, call, from, middle);
	return status == MSP_OK ? call_predict(span, call, middle, to) : status;
}

static enum msp_status stage_predict(struct span *span)
{
	struct msp_arena *arena = &span->work->values;
	struct call call = {
	    .items = msp_arena_alloc_array(arena, span->count, sizeof(*call.items)),
	    .inputs = msp_arena_alloc_array(arena, span->count, sizeof(*call.inputs)),
	    .predictions = msp_arena_alloc_array(arena, span->count, sizeof(*call.predictions)),
	};
	if (!call.items || !call.inputs || !call.predictions)
		return arena_is_full(span) ? item_outgrew(span, &span->items[0]) : MSP_E_NO_MEMORY;

	size_t count = 0;
	for (size_t i = 0; i < span->count; i++) {
		if (span->items[i].failure)
			continue;
		call.items[count] = &span->items[i];
		call.inputs[count++] = &span->items[i].input;
	}
	if (count == 0)
		return MSP_OK;
	int64_t begin_ns = msp_monotonic_ns();
	enum msp_status status = call_predict(span, &call, 0, count);
	span->work->predict_ns += msp_monotonic_ns() - begin_ns;
	return status;
}

static enum msp_status item_encode_failed(struct span *span, struct msp_item *item, enum msp_status status,
                                          const struct msp_error *err)
{
	if (status == MSP_E_NO_MEMORY)
		return status;
	if (err->retriable)
		return span_block(span, MSP_STAGE_ENCODE, err);
	return item_fail_at(span, item, MSP_FAILURE_UNENCODABLE, err->text, NULL);
}

static enum msp_status stage_encode(struct span *span)
{
	struct msp_codec *codec = span->pipeline->output_codec;
	struct msp_buffer *buffer = &span->work->encoded;
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < span->count && status == MSP_OK; i++) {
		struct msp_item *item = &span->items[i];
		if (item->failure)
			continue;
		struct msp_error err;
		item->encoded_at = buffer->size;
		status = msp_codec_encode(codec, &item->output, buffer, &item->headers, &err);
		item->encoded_size = buffer->size - item->encoded_at;
		if (status != MSP_OK)
			status = item_encode_failed(span, item, status, &err);
	}
	return status;
}

/* ---- the stages in order ---- */

static enum msp_status span_run(struct span *span)
{
	static enum msp_status (*const stages[])(struct span *) = {
	    stage_admit, stage_decode, stage_validate, stage_predict, stage_encode,
	};
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && status == MSP_OK; i++)
		status = stages[i](span);
	return status;
}

/* What the arena of values keeps must leave a large message its room. */
static size_t keep_bytes(const struct msp_work *work)
{
	return work->values.max_size / 4 < KEEP_BYTES ? work->values.max_size / 4 : KEEP_BYTES;
}

/* Runs a span; one whose values outgrow the arena is begun anew in halves. */
static enum msp_status span_run_in_parts(struct span *span)
{
	size_t encoded_before = span->work->encoded.size;
	enum msp_status status = span_run(span);
	msp_arena_reset(&span->work->values, status == MSP_E_LIMIT ? 0 : keep_bytes(span->work));
	if (status != MSP_E_LIMIT)
		return status;

	span->work->encoded.size = encoded_before;
	for (size_t i = 0; i < span->count; i++) {
		span->items[i].failure = NULL;
		span->items[i].headers = NULL;
	}
	struct span left = *span, right = *span;
	left.count = span->count / 2;
	right.items += left.count;
	right.count -= left.count;
	status = span_run_in_parts(&left);
	return status == MSP_OK ? span_run_in_parts(&right) : status;
}

/* Makes `work` ready for `count` items. False: no memory. */
static bool work_begin(struct msp_work *work, const struct msp_message *messages, size_t count)
{
	msp_arena_reset(&work->records, KEEP_BYTES);
	if (work->encoded.capacity > KEEP_BYTES)
		msp_buffer_done(&work->encoded);
	msp_buffer_clear(&work->encoded);
	work->decode_ns = work->predict_ns = 0;
	work->count = count;
	work->items = msp_arena_alloc_array(&work->records, count, sizeof(*work->items));
	for (size_t i = 0; work->items && i < count; i++) {
		struct msp_item *item = &work->items[i]; /* the rest is written before it is read */
		item->message = &messages[i];
		item->headers = NULL;
		item->failure = NULL;
		item->omissions = MSP_OMIT_NOTHING;
	}
	return work->items != NULL;
}

enum msp_status msp_pipeline_run(struct msp_pipeline *pipeline, const struct msp_message *messages, size_t count,
                                 struct msp_work *work, struct msp_error *err)
{
	assert(count > 0);
	if (!work_begin(work, messages, count))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu messages", count);
	work->blocked = MSP_STAGE_DECODE;
	enum msp_status status = msp_codec_prepare(pipeline->input_codec, messages, count, err);
	if (status != MSP_OK)
		return status;
	struct span span = {.pipeline = pipeline, .work = work, .items = work->items, .count = count, .err = err};
	status = span_run_in_parts(&span);
	return status == MSP_E_NO_MEMORY ? msp_error_set(err, status, "no memory for %zu messages", count) : status;
}

/* ---- construction ---- */

enum msp_status msp_pipeline_new(const struct msp_pipeline_config *config, struct msp_model *model,
                                 struct msp_pipeline **ret_pipeline, struct msp_error *err)
{
	struct msp_pipeline *pipeline = calloc(1, sizeof(*pipeline));
	if (!pipeline)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a pipeline");
	pipeline->config = *config;
	pipeline->model = model;

	struct msp_codec_config input = {
	    .options = config->input_codec_options,
	    .max_depth = config->max_depth,
	    .topic = config->input_topic,
	    .side = MSP_SIDE_INPUT,
	    .schema = model->info->input,
	};
	struct msp_codec_config output = {
	    .options = config->output_codec_options,
	    .max_depth = config->max_depth,
	    .topic = config->output_topic,
	    .side = MSP_SIDE_OUTPUT,
	    .schema = model->info->output,
	};
	enum msp_status status = config->input_codec->open(&input, &pipeline->input_codec, err);
	if (status == MSP_OK)
		status = config->output_codec->open(&output, &pipeline->output_codec, err);
	if (status == MSP_OK)
		*ret_pipeline = pipeline;
	else
		msp_pipeline_free(pipeline);
	return status;
}

void msp_pipeline_free(struct msp_pipeline *pipeline)
{
	if (!pipeline)
		return;
	msp_codec_free(pipeline->input_codec);
	msp_codec_free(pipeline->output_codec);
	free(pipeline);
}

void msp_work_init(struct msp_work *work, const struct msp_pipeline_config *config)
{
	*work = (struct msp_work){.items = NULL};
	msp_arena_init(&work->records, SIZE_MAX);
	msp_arena_init(&work->values, config->max_memory);
	msp_buffer_init(&work->encoded, ENCODED_MAX_BYTES);
}

void msp_work_done(struct msp_work *work)
{
	msp_arena_done(&work->records);
	msp_arena_done(&work->values);
	msp_buffer_done(&work->encoded);
}
