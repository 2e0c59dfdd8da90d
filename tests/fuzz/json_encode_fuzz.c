/* Any value, made from the bytes: the JSON codec writes it exactly when JSON can hold it, and jansson and the codec
 * read it back. */
#include "fuzz.h"
#include "value_recipe.h"
#include <jansson.h>
#include <msp_codec_json.h>

static void check_reading(struct msp_codec *codec, struct msp_bytes text, const struct msp_value *value,
                          struct msp_arena *arena, bool readable)
{
	struct msp_value again;
	json_t *tree = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	must((tree != NULL) == readable, "jansson reads what was written");
	json_decref(tree);
	bool read = msp_codec_json.decode(codec, text, MSP_NO_HEADERS, arena, &again, NULL) == MSP_OK;
	must(read == readable, "the codec reads what was written");
	must(!read || msp_value_equal(value, &again), "what was written reads as the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msp_codec_config config = {.max_depth = VALUE_RECIPE_DEPTH};
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, SIZE_MAX);
	must(msp_codec_json.open(&config, &codec, NULL) == MSP_OK, "the codec opens");

	struct msp_value value = value_cook(msp_bytes_of(data, size), &arena);
	struct value_verdict verdict = value_judge(&value);
	bool written = msp_codec_json.encode(codec, &value, &buffer, NULL, NULL) == MSP_OK;
	must(written == (verdict.writable && !verdict.binary), "a value is written exactly when JSON can hold it");
	must(written || buffer.size == 0, "a value that is refused leaves nothing behind");
	if (written)
		check_reading(codec, msp_buffer_bytes(&buffer), &value, &arena, verdict.unique);

	msp_codec_json.free(codec);
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
	return 0;
}
