/* What the pipeline itself costs: a worker with a transport and a codec that do nothing, and a model that answers with
 * its input. */
#include "bench.h"

#include <msp/processor.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGES  4000000
#define BATCH     1000
#define RUNS      5
#define TARGET_NS 250

/* ---- a codec that reads and writes nothing ---- */

static enum msp_status null_decode(struct msp_codec *codec, struct msp_bytes bytes, struct msp_headers headers,
                                   struct msp_arena *arena, struct msp_value *ret_value, struct msp_error *err)
{
	(void)codec, (void)bytes, (void)headers, (void)arena, (void)err;
	*ret_value = (struct msp_value){.type = MSP_OBJECT};
	return MSP_OK;
}

static enum msp_status null_encode(struct msp_codec *codec, const struct msp_value *value, struct msp_buffer *buffer,
                                   const struct msp_headers **ret_headers, struct msp_error *err)
{
	(void)codec, (void)value, (void)ret_headers, (void)err;
	return msp_buffer_append(buffer, "{}", 2);
}

static void null_codec_free(struct msp_codec *codec)
{
	(void)codec;
}

static enum msp_status null_codec_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
                                       struct msp_error *err);

static const struct msp_codec_ops null_codec_ops = {
    .name = "null",
    .content_type = "application/octet-stream",
    .open = null_codec_open,
    .decode = null_decode,
    .encode = null_encode,
    .free = null_codec_free,
};

static enum msp_status null_codec_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
                                       struct msp_error *err)
{
	static struct msp_codec codec = {&null_codec_ops};
	(void)config, (void)err;
	*ret_codec = &codec;
	return MSP_OK;
}

/* ---- a model that echoes ---- */

static enum msp_status echo_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                 struct msp_error *err);

static enum msp_status echo_predict(struct msp_model *model, struct msp_arena *arena,
                                    const struct msp_value *const inputs[], struct msp_prediction predictions[],
                                    size_t count, struct msp_error *err)
{
	(void)model, (void)arena, (void)err;
	for (size_t i = 0; i < count; i++)
		predictions[i].value = *inputs[i];
	return MSP_OK;
}

static void echo_close(struct msp_model *model)
{
	(void)model;
}

static const struct msp_schema any_object = {.additional = true};
static const struct msp_model_info echo_info = {
    .name = "echo", .major = 1, .input = &any_object, .output = &any_object};
static const struct msp_model_plugin echo_plugin = {MSP_MODEL_HEADER, .info = &echo_info, .open = echo_open,
                                                    .predict = echo_predict, .close = echo_close};

static enum msp_status echo_open(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
                                 struct msp_error *err)
{
	static struct msp_model model = {.plugin = &echo_plugin};
	(void)shared, (void)options, (void)err;
	*ret_model = &model;
	return MSP_OK;
}

/* ---- a transport that has MESSAGES messages and forgets their results ---- */

static struct msp_message messages[BATCH];
static size_t messages_left;
static atomic_bool drained;

static enum msp_status null_receive(struct msp_consumer *consumer, const struct msp_receive_limits *limits,
                                    struct msp_batch **ret_batch, struct msp_error *err)
{
	static struct msp_batch batches[2];
	static size_t turn;
	(void)consumer, (void)err;
	size_t count = limits->max_messages < BATCH ? limits->max_messages : BATCH;
	if (count > messages_left)
		count = messages_left;
	messages_left -= count;
	*ret_batch = NULL;
	if (count == 0) {
		atomic_store(&drained, true);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		return MSP_OK;
	}
	*ret_batch = &batches[turn++ % 2];
	**ret_batch = (struct msp_batch){messages, count};
	return MSP_OK;
}

static void null_batch_free(struct msp_consumer *consumer, struct msp_batch *batch)
{
	(void)consumer, (void)batch;
}

static void null_settle_begin(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	(void)consumer;
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i].state = MSP_OUTGOING_PUBLISHED;
}

static enum msp_settle_answer null_settle_wait(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	(void)consumer, (void)timeout_ms, (void)err;
	return MSP_SETTLE_OK;
}

static void null_wake(struct msp_consumer *consumer)
{
	(void)consumer;
}

static enum msp_status null_serve(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	(void)consumer, (void)timeout_ms, (void)err;
	return MSP_OK;
}

static const struct msp_consumer_ops null_consumer_ops = {
    .receive = null_receive,
    .serve = null_serve,
    .batch_free = null_batch_free,
    .settle_begin = null_settle_begin,
    .settle_wait = null_settle_wait,
    .wake = null_wake,
    .free = null_wake,
};

static enum msp_status null_consumer_open(struct msp_transport *transport, const struct msp_consumer_config *config,
                                          struct msp_consumer **ret_consumer, struct msp_error *err)
{
	static struct msp_consumer consumer;
	consumer = (struct msp_consumer){.ops = &null_consumer_ops};
	(void)transport, (void)config, (void)err;
	*ret_consumer = &consumer;
	return MSP_OK;
}

static const struct msp_transport_ops null_transport_ops = {.name = "null", .consumer_open = null_consumer_open};

/* ---- the measurement ---- */

static double run_once(void)
{
	static char label[] = "echo";
	struct msp_transport transport = {&null_transport_ops};
	struct msp_registry_entry entry = {
	    .label = label,
	    .plugin = {.symbol = &echo_plugin},
	    .info = &echo_info,
	    .identity = "echo/1.0",
	    .loaded = true,
	};
	struct msp_service_config config = {
	    .entry = &entry,
	    .transport = &transport,
	    .workers = 1,
	    .group = "group",
	    .batch_max_messages = BATCH,
	    .batch_max_bytes = (size_t)1 << 20,
	    .batch_max_ms = 1000,
	    .pipeline = {.input_codec = &null_codec_ops,
	                 .output_codec = &null_codec_ops,
	                 .max_depth = 64,
	                 .max_message_bytes = (size_t)1 << 20,
	                 .delivery_limit = 16,
	                 .max_memory = (size_t)16 << 20},
	};
	struct msp_processor *processor = NULL;
	messages_left = MESSAGES;
	atomic_store(&drained, false);
	double begin_ns = bench_process_cpu_ns();
	bench_must(msp_processor_new(&processor, NULL) == MSP_OK && msp_processor_add(processor, &config, NULL) == MSP_OK &&
	               msp_processor_start(processor, NULL) == MSP_OK,
	           "starting the processor");
	while (!atomic_load(&drained))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	msp_processor_stop(processor);
	bench_must(msp_processor_join(processor, NULL) == MSP_OK, "stopping the processor");
	double end_ns = bench_process_cpu_ns();
	struct msp_counters counters;
	msp_processor_counters(processor, &counters);
	bench_must(counters.outputs == MESSAGES, "answering every message");
	msp_processor_free(processor);
	return (end_ns - begin_ns) / MESSAGES;
}

int main(void)
{
	double ns[RUNS];
	for (size_t i = 0; i < BATCH; i++)
		messages[i] = (struct msp_message){
		    .key = MSP_BYTES_LITERAL("key"), .value = MSP_BYTES_LITERAL("{}"), .topic = "inputs", .attempts = 1};
	for (size_t i = 0; i < RUNS; i++)
		ns[i] = run_once();
	double median = bench_median(ns, RUNS);
	bench_report_alone("the pipeline alone, CPU per message", median, "ns", 0, median <= TARGET_NS, "<= 250 ns");
	return 0;
}
