/* Any bytes: the JSON codec agrees with jansson on what is JSON and what it says, and what it then writes reads back as
 * the same, by itself and by jansson. */
#include "fuzz.h"
#include <jansson.h>
#include <msp_codec_json.h>
#include <string.h>

#define MAX_DEPTH 32

struct fixture {
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
};

static json_t *load(struct msp_bytes bytes)
{
	return json_loadb(bytes.data, bytes.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

static void fixture_init(struct fixture *fixture)
{
	struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	msp_arena_init(&fixture->arena, SIZE_MAX);
	msp_buffer_init(&fixture->buffer, SIZE_MAX);
	must(msp_codec_json.open(&config, &fixture->codec, NULL) == MSP_OK, "the codec opens");
}

static void fixture_done(struct fixture *fixture)
{
	msp_codec_json.free(fixture->codec);
	msp_buffer_done(&fixture->buffer);
	msp_arena_done(&fixture->arena);
}

static void check_refused(struct msp_bytes bytes, const json_t *tree, const struct msp_error *err)
{
	must(strlen(err->text) > 0 && !strpbrk(err->text, "\r\n"), "a refusal is one sentence");
	must(err->status == MSP_E_INVALID || err->status == MSP_E_LIMIT, "a refusal is invalid or limit");
	if (err->status == MSP_E_INVALID)
		must(!tree || memchr(bytes.data, 0, bytes.size), "what jansson reads is accepted, unless it holds a NUL");
}

static void check_accepted(struct fixture *fixture, struct msp_value value, const json_t *tree)
{
	must(tree != NULL, "what jansson refuses is refused");
	must(msp_codec_json.encode(fixture->codec, &value, &fixture->buffer, NULL, NULL) == MSP_OK,
	     "what was read is written");
	struct msp_bytes text = msp_buffer_bytes(&fixture->buffer);
	json_t *copy = load(text);
	must(copy && json_equal(tree, copy), "jansson reads the same from what was written");
	json_decref(copy);
	struct msp_value again;
	must(msp_codec_json.decode(fixture->codec, text, MSP_NO_HEADERS, &fixture->arena, &again, NULL) == MSP_OK,
	     "what was written is read");
	must(msp_value_equal(&value, &again), "what was written reads as the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture fixture;
	struct msp_bytes bytes = msp_bytes_of(data, size);
	struct msp_value value;
	struct msp_error err;
	fixture_init(&fixture);
	json_t *tree = load(bytes);
	if (msp_codec_json.decode(fixture.codec, bytes, MSP_NO_HEADERS, &fixture.arena, &value, &err) == MSP_OK)
		check_accepted(&fixture, value, tree);
	else
		check_refused(bytes, tree, &err);
	json_decref(tree);
	fixture_done(&fixture);
	return 0;
}
