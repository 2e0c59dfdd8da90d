/* Any value, made from the bytes: the MessagePack codec writes it exactly when it may be written, in a form that
 * msgpack-c reads to its last byte, and reads it back as the same. */
#include "fuzz.h"
#include "value_recipe.h"
#include <msgpack.h>
#include <msp_codec_msgpack.h>

static void check_reading(struct msp_codec *codec, struct msp_bytes bytes, const struct msp_value *value,
                          struct msp_arena *arena, bool readable)
{
	struct msp_value again;
	msgpack_unpacked unpacked;
	size_t offset = 0;
	msgpack_unpacked_init(&unpacked);
	msgpack_unpack_return result = msgpack_unpack_next(&unpacked, bytes.data, bytes.size, &offset);
	must(result == MSGPACK_UNPACK_SUCCESS && offset == bytes.size, "msgpack-c reads what was written");
	msgpack_unpacked_destroy(&unpacked);
	bool read = msp_codec_msgpack.decode(codec, bytes, MSP_NO_HEADERS, arena, &again, NULL) == MSP_OK;
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
	must(msp_codec_msgpack.open(&config, &codec, NULL) == MSP_OK, "the codec opens");

	struct msp_value value = value_cook(msp_bytes_of(data, size), &arena);
	struct value_verdict verdict = value_judge(&value);
	bool written = msp_codec_msgpack.encode(codec, &value, &buffer, NULL, NULL) == MSP_OK;
	must(written == verdict.writable, "a value is written exactly when it may be");
	must(written || buffer.size == 0, "a value that is refused leaves nothing behind");
	if (written)
		check_reading(codec, msp_buffer_bytes(&buffer), &value, &arena, verdict.unique);

	msp_codec_msgpack.free(codec);
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
	return 0;
}
