/* The same model gives the same answer whatever the codec: JSON and MessagePack carry equal values, and the pipeline
 * gives them equal verdicts, paths and predictions. */
#include "check.h"
#include "value_inputs.h"

#include <msp/pipeline.h>
#include <msp/registry.h>
#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>

#define GENERATED  10000
#define MAX_DEPTH  64
#define MAX_MEMORY ((size_t)1 << 24)

static struct {
	struct msp_codec *json, *msgpack;
	struct msp_arena arena;
	struct msp_buffer text, bytes, text_again;
	struct msp_plugin plugin;
	struct msp_model *model;
	struct msp_pipeline *from_json, *from_msgpack; /* both write JSON */
	struct msp_work json_work, msgpack_work;
	size_t outputs, failures;
} same;

static struct msp_pipeline *pipeline_open(const struct msp_codec_ops *input, struct msp_work *work)
{
	const struct msp_pipeline_config config = {
	    .input_codec = input,
	    .output_codec = &msp_codec_json,
	    .max_depth = MAX_DEPTH,
	    .max_message_bytes = MAX_MEMORY,
	    .max_memory = MAX_MEMORY,
	};
	struct msp_pipeline *pipeline;
	assert_int_equal(msp_pipeline_new(&config, same.model, &pipeline, NULL), MSP_OK);
	msp_work_init(work, &config);
	return pipeline;
}

static int enter(void **state)
{
	const struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	(void)state;
	assert_int_equal(msp_codec_json.open(&config, &same.json, NULL), MSP_OK);
	assert_int_equal(msp_codec_msgpack.open(&config, &same.msgpack, NULL), MSP_OK);
	msp_arena_init(&same.arena, MAX_MEMORY);
	msp_buffer_init(&same.text, MAX_MEMORY);
	msp_buffer_init(&same.bytes, MAX_MEMORY);
	msp_buffer_init(&same.text_again, MAX_MEMORY);
	assert_int_equal(msp_plugin_load(IRIS_PLUGIN, NULL, &same.plugin, NULL), MSP_OK);
	assert_int_equal(msp_plugin_open(&same.plugin, NULL, NULL, same.plugin.symbol->info, &same.model, NULL), MSP_OK);
	same.from_json = pipeline_open(&msp_codec_json, &same.json_work);
	same.from_msgpack = pipeline_open(&msp_codec_msgpack, &same.msgpack_work);
	same.outputs = same.failures = 0;
	return 0;
}

static int leave(void **state)
{
	(void)state;
	msp_work_done(&same.json_work);
	msp_work_done(&same.msgpack_work);
	msp_pipeline_free(same.from_json);
	msp_pipeline_free(same.from_msgpack);
	same.model->plugin->close(same.model);
	msp_plugin_unload(&same.plugin);
	msp_buffer_done(&same.text);
	msp_buffer_done(&same.bytes);
	msp_buffer_done(&same.text_again);
	msp_arena_done(&same.arena);
	msp_codec_json.free(same.json);
	msp_codec_msgpack.free(same.msgpack);
	return 0;
}

static void encode(struct msp_codec *codec, const struct msp_value *value, struct msp_buffer *buffer)
{
	struct msp_error err;
	msp_buffer_clear(buffer);
	if (msp_codec_encode(codec, value, buffer, NULL, &err) != MSP_OK)
		fail_msg("%s: %s", codec->ops->name, err.text);
}

static struct msp_value decode(struct msp_codec *codec, const struct msp_buffer *buffer)
{
	struct msp_error err;
	struct msp_value value;
	if (msp_codec_decode(codec, msp_buffer_bytes(buffer), MSP_NO_HEADERS, &same.arena, &value, &err) != MSP_OK)
		fail_msg("%s: %s", codec->ops->name, err.text);
	return value;
}

static const struct msp_item *pipeline_run(struct msp_pipeline *pipeline, struct msp_work *work,
                                           const struct msp_buffer *input)
{
	/* Items borrow the message. */
	static struct msp_message messages[2];
	struct msp_message *message = &messages[pipeline == same.from_json];
	*message = (struct msp_message){.value = msp_buffer_bytes(input), .topic = "t"};
	assert_int_equal(msp_pipeline_run(pipeline, message, 1, work, NULL), MSP_OK);
	return &work->items[0];
}

static void assert_failures_equal(const struct msp_failure *a, const struct msp_failure *b)
{
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(a->code, b->code);
	assert_string_equal(a->message, b->message);
	assert_true(!a->path == !b->path);
	if (a->path)
		assert_string_equal(a->path, b->path);
}

/* What stands in text and in bytes. */
static void assert_answers_equal(void)
{
	const struct msp_item *a = pipeline_run(same.from_json, &same.json_work, &same.text);
	const struct msp_item *b = pipeline_run(same.from_msgpack, &same.msgpack_work, &same.bytes);
	if (a->failure || b->failure) {
		assert_failures_equal(a->failure, b->failure);
		same.failures++;
		return;
	}
	assert_true(msp_bytes_equal(msp_work_output(&same.json_work, a), msp_work_output(&same.msgpack_work, b)));
	same.outputs++;
}

/* There and back through both codecs. */
static void assert_same_everywhere(const struct msp_value *value)
{
	msp_arena_reset(&same.arena, MAX_MEMORY);
	encode(same.json, value, &same.text);
	encode(same.msgpack, value, &same.bytes);
	struct msp_value from_json = decode(same.json, &same.text);
	struct msp_value from_msgpack = decode(same.msgpack, &same.bytes);
	assert_true(msp_value_equal(value, &from_json));
	assert_true(msp_value_equal(value, &from_msgpack));
	/* Signs of zero and the order of members, too. */
	encode(same.json, &from_msgpack, &same.text_again);
	assert_true(msp_bytes_equal(msp_buffer_bytes(&same.text), msp_buffer_bytes(&same.text_again)));
	assert_answers_equal();
}

static void each_input_that_we_keep(void **state)
{
	(void)state;
	inputs_that_we_keep(assert_same_everywhere);
	assert_true(same.outputs >= 10 && same.failures >= 40);
}

static void values_of_any_kind(void **state)
{
	(void)state;
	inputs_of_any_kind(GENERATED, assert_same_everywhere);
}

static void flowers_in_and_out_of_order(void **state)
{
	(void)state;
	inputs_of_flowers(GENERATED, assert_same_everywhere);
	assert_true(same.outputs > GENERATED / 5 && same.failures > GENERATED / 5);
}

#define EQUALITY_TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EQUALITY_TEST(each_input_that_we_keep),
	    EQUALITY_TEST(values_of_any_kind),
	    EQUALITY_TEST(flowers_in_and_out_of_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
