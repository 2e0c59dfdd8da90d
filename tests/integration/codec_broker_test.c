/* The same model gives the same answer whatever the codec, through a real `msp run` on a real broker: the same inputs
 * in JSON and in MessagePack come to the same topics, with equal predictions, or with the same code, path and reason.
 * usage: codec_broker_test BROKER */
#include "brokers.h"
#include "check.h"
#include "invocation.h"
#include "value_inputs.h"

#include <inttypes.h>
#include <msp/clock.h>
#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>
#include <stdlib.h>
#include <unistd.h>

#define GENERATED  5000 /* of each kind */
#define INPUTS_MAX 11000
#define CHUNK      500
#define MAX_MEMORY ((size_t)1 << 26)
#define MAX_DEPTH  64
#define TIMEOUT_MS 60000

enum text { CODE, PATH, REASON, TEXTS };
static const char *const text_headers[TEXTS] = {"msp-error-code", "msp-error-path", "msp-error-message"};

/* What came of an input; borrows the side's memory. */
struct answer {
	bool came, is_error;
	struct msp_value value;        /* of an output */
	struct msp_bytes texts[TEXTS]; /* of an error record */
};

/* All that goes through the broker in one codec. */
struct side {
	const struct msp_codec_ops *ops;
	struct msp_codec *codec;
	char prefix[64];
	struct msp_buffer values; /* the inputs, one after another */
	size_t ends[INPUTS_MAX];
	struct msp_arena arena; /* of the answers */
	struct answer answers[INPUTS_MAX];
};

static struct {
	const struct test_broker *broker;
	char url[256];
	struct msp_transport *transport;
	struct side sides[2];
	size_t count; /* of inputs */
} equal = {.sides = {{.ops = &msp_codec_json}, {.ops = &msp_codec_msgpack}}};

#define SIDES (sizeof(equal.sides) / sizeof(equal.sides[0]))

/* ---- the inputs ---- */

static void input_add(const struct msp_value *value)
{
	struct msp_error err;
	assert_true(equal.count < INPUTS_MAX);
	for (size_t i = 0; i < SIDES; i++) {
		struct side *side = &equal.sides[i];
		if (side->ops->encode(side->codec, value, &side->values, NULL, &err) != MSP_OK)
			fail_msg("%s: %s", side->ops->name, err.text);
		side->ends[equal.count] = side->values.size;
	}
	equal.count++;
}

static struct msp_bytes input_value(const struct side *side, size_t id)
{
	size_t begin = id ? side->ends[id - 1] : 0;
	return msp_bytes_of(side->values.data + begin, side->ends[id] - begin);
}

static void inputs_make(void)
{
	inputs_that_we_keep(input_add);
	inputs_of_any_kind(GENERATED, input_add);
	inputs_of_flowers(GENERATED, input_add);
}

/* ---- the run ---- */

static const char *topic_name(const struct side *side, const char *kind)
{
	static char name[128];
	snprintf(name, sizeof(name), "%s.iris_model.0.1.%s", side->prefix, kind);
	return name;
}

/* Those from `first` on; the key is the number. */
static void chunk_send(const struct side *side, struct msp_producer *producer, size_t first, size_t count)
{
	static struct msp_outgoing outgoing[CHUNK];
	static char keys[CHUNK][16];
	struct msp_error err = {.text = ""};
	for (size_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%zu", first + i);
		outgoing[i] = (struct msp_outgoing){.message = {.key = msp_bytes_of_string(keys[i]),
		                                                .value = input_value(side, first + i),
		                                                .timestamp_ms = MSP_TIMESTAMP_NONE}};
	}
	if (msp_producer_send(producer, topic_name(side, "inputs"), outgoing, count, TIMEOUT_MS, &err) != MSP_OK)
		fail_msg("sending: %s", err.text);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(outgoing[i].state, MSP_OUTGOING_PUBLISHED);
}

static void inputs_send(const struct side *side)
{
	struct msp_producer *producer;
	assert_int_equal(msp_transport_producer_open(equal.transport, &producer, NULL), MSP_OK);
	for (size_t first = 0; first < equal.count; first += CHUNK)
		chunk_send(side, producer, first, equal.count - first < CHUNK ? equal.count - first : CHUNK);
	msp_producer_free(producer);
}

/* ---- what came of them ---- */

static struct msp_bytes bytes_keep(struct side *side, struct msp_bytes bytes)
{
	if (!bytes.data)
		return MSP_BYTES_ABSENT;
	char *copy = msp_arena_alloc(&side->arena, bytes.size + 1);
	assert_non_null(copy);
	memcpy(copy, bytes.data, bytes.size);
	return msp_bytes_of(copy, bytes.size);
}

static struct msp_bytes header_value(const struct msp_message *message, const char *name)
{
	for (size_t i = 0; i < message->header_count; i++)
		if (msp_bytes_equal(message->headers[i].name, msp_bytes_of_string(name)))
			return message->headers[i].value;
	return MSP_BYTES_ABSENT;
}

static void answer_add(struct side *side, bool is_error, const struct msp_message *message)
{
	char key[16] = "";
	assert_in_range(message->key.size, 1, sizeof(key) - 1);
	memcpy(key, message->key.data, message->key.size);
	size_t id = strtoul(key, NULL, 10);
	assert_true(id < equal.count);
	struct answer *answer = &side->answers[id];
	assert_false(answer->came);
	*answer = (struct answer){.came = true, .is_error = is_error};
	if (!is_error) {
		assert_int_equal(
		    side->ops->decode(side->codec, message->value, MSP_NO_HEADERS, &side->arena, &answer->value, NULL), MSP_OK);
		return;
	}
	assert_true(msp_bytes_equal(message->value, input_value(side, id)));
	for (size_t i = 0; i < TEXTS; i++)
		answer->texts[i] = bytes_keep(side, header_value(message, text_headers[i]));
}

static void answers_read(struct side *side, const char *kind)
{
	struct msp_reader_config config = {.topic = topic_name(side, kind),
	                                   .partition = MSP_PARTITION_ANY,
	                                   .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	                                   .stop_at_end = true};
	struct msp_receive_limits limits = {.max_messages = 1000, .max_bytes = 1 << 20, .timeout_ms = TIMEOUT_MS};
	struct msp_reader *reader;
	assert_int_equal(msp_transport_reader_open(equal.transport, &config, &reader, NULL), MSP_OK);
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count;
		assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, NULL), MSP_OK);
		for (size_t i = 0; i < count; i++)
			answer_add(side, strcmp(kind, "errors") == 0, &messages[i]);
	}
	msp_reader_free(reader);
}

static void side_run(struct side *side)
{
	setenv("MSP_TOPIC_PREFIX", side->prefix, 1);
	setenv("MSP_CODEC", side->ops->name, 1);
	struct result result = expect(0, "topics", "create", "-m", "iris", NULL);
	result_free(&result);
	inputs_send(side);
	result = expect(0, "run", "-e", "-X", "models.iris.workers=2", "iris", NULL);
	check_contains(result.err, "more workers than partitions", !(equal.broker->lacks & TRANSPORT_LACKS_PARTITIONS),
	               __FILE__, __LINE__);
	result_free(&result);
	answers_read(side, "outputs");
	answers_read(side, "errors");
	result = expect(0, "topics", "delete", "-m", "iris", NULL);
	result_free(&result);
}

static void answers_compare(size_t id)
{
	const struct answer *a = &equal.sides[0].answers[id], *b = &equal.sides[1].answers[id];
	if (!a->came || !b->came)
		fail_msg("input %zu has no answer", id);
	assert_int_equal(a->is_error, b->is_error);
	if (!a->is_error)
		assert_true(msp_value_equal(&a->value, &b->value));
	for (size_t i = 0; i < TEXTS; i++)
		assert_true(msp_bytes_equal(a->texts[i], b->texts[i]));
}

/* ---- the test ---- */

static void sides_open(void)
{
	const struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	int64_t now_ms = msp_wall_ms();
	for (size_t i = 0; i < SIDES; i++) {
		struct side *side = &equal.sides[i];
		assert_int_equal(side->ops->open(&config, &side->codec, NULL), MSP_OK);
		msp_buffer_init(&side->values, MAX_MEMORY);
		msp_arena_init(&side->arena, MAX_MEMORY);
		/* The broker may have been there before. */
		snprintf(side->prefix, sizeof(side->prefix), "equal_%s_%" PRId64 "_%d", side->ops->name, now_ms, (int)getpid());
	}
}

static void sides_close(void)
{
	for (size_t i = 0; i < SIDES; i++) {
		struct side *side = &equal.sides[i];
		msp_arena_done(&side->arena);
		msp_buffer_done(&side->values);
		side->ops->free(side->codec);
	}
}

static void both_codecs_give_the_same_answers(void **state)
{
	(void)state;
	struct msp_transport_config config = {.url = equal.url};
	assert_int_equal(equal.broker->ops->open(&config, &equal.transport, NULL), MSP_OK);
	setenv("MSP_BROKER", equal.url, 1);
	sides_open();
	inputs_make();
	for (size_t i = 0; i < SIDES; i++)
		side_run(&equal.sides[i]);
	size_t errors = 0;
	for (size_t id = 0; id < equal.count; id++) {
		answers_compare(id);
		errors += equal.sides[0].answers[id].is_error;
	}
	assert_in_range(errors, GENERATED, equal.count - GENERATED / 5);
	sides_close();
	msp_transport_free(equal.transport);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(both_codecs_give_the_same_answers, enter_directory, leave_directory)};
	if (argc != 2 || !(equal.broker = test_broker_find(argv[1]))) {
		fprintf(stderr, "usage: codec_broker_test BROKER\n");
		return 2;
	}
	if (!equal.broker->url(".", equal.url, sizeof(equal.url)))
		return 77; /* ctest: skipped */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
