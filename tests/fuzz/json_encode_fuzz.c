/* Any value, made from the bytes: the JSON codec writes it exactly when JSON can hold it, and jansson and the codec
 * read it back. */
#include "fuzz.h"
#include <jansson.h>
#include <math.h>
#include <msp_codec_json.h>
#include <string.h>

#define MAX_DEPTH 8
#define MAX_COUNT 8

/* The bytes that are left. After their end come zeros. */
struct source {
	const uint8_t *data;
	size_t left;
	struct msp_arena *arena;
};

static struct msp_value value_take(struct source *source, int depth);

static void bytes_take(struct source *source, void *target, size_t size)
{
	size_t taken = size < source->left ? size : source->left;
	memset(target, 0, size);
	memcpy(target, source->data, taken);
	source->data += taken;
	source->left -= taken;
}

static uint8_t byte_take(struct source *source)
{
	uint8_t byte;
	bytes_take(source, &byte, 1);
	return byte;
}

static char *text_take(struct source *source, uint32_t *ret_size)
{
	*ret_size = byte_take(source) % 64;
	char *text = msp_arena_alloc(source->arena, *ret_size);
	must(text != NULL, "there is memory");
	bytes_take(source, text, *ret_size);
	return text;
}

static struct msp_value array_take(struct source *source, int depth)
{
	struct msp_value array;
	must(msp_value_array(source->arena, byte_take(source) % MAX_COUNT, &array), "there is memory");
	for (uint32_t i = 0; i < array.count; i++)
		array.as.items[i] = value_take(source, depth + 1);
	return array;
}

static struct msp_value object_take(struct source *source, int depth)
{
	struct msp_value object;
	must(msp_value_object(source->arena, byte_take(source) % MAX_COUNT, &object), "there is memory");
	for (uint32_t i = 0; i < object.count; i++) {
		struct msp_member *member = &object.as.members[i];
		member->name = text_take(source, &member->name_size);
		member->value = value_take(source, depth + 1);
	}
	return object;
}

static struct msp_value value_take(struct source *source, int depth)
{
	struct msp_value value = {.type = (enum msp_type)(byte_take(source) % MSP_ANY)};
	/* One level more than the codec writes. */
	if (depth > MAX_DEPTH && (value.type == MSP_ARRAY || value.type == MSP_OBJECT))
		value.type = MSP_NULL;
	switch (value.type) {
	case MSP_BOOLEAN:
		value.as.boolean = byte_take(source) % 2;
		break;
	case MSP_INTEGER:
		bytes_take(source, &value.as.integer, sizeof(value.as.integer));
		break;
	case MSP_NUMBER:
		bytes_take(source, &value.as.number, sizeof(value.as.number));
		break;
	case MSP_STRING:
	case MSP_BINARY:
		value.as.string = text_take(source, &value.count);
		break;
	case MSP_ARRAY:
		return array_take(source, depth);
	case MSP_OBJECT:
		return object_take(source, depth);
	case MSP_NULL:
	case MSP_ANY:
		break;
	}
	return value;
}

/* What becomes of a value. */
struct verdict {
	bool writable;
	bool readable; /* once written */
};

static void value_judge(const struct msp_value *value, int depth, struct verdict *verdict);

static bool name_is_unique(const struct msp_value *object, uint32_t index)
{
	const struct msp_member *member = &object->as.members[index];
	for (uint32_t i = 0; i < index; i++) {
		const struct msp_member *other = &object->as.members[i];
		if (other->name_size == member->name_size && memcmp(other->name, member->name, member->name_size) == 0)
			return false;
	}
	return true;
}

static void members_judge(const struct msp_value *object, int depth, struct verdict *verdict)
{
	for (uint32_t i = 0; i < object->count; i++) {
		const struct msp_member *member = &object->as.members[i];
		if (!msp_bytes_are_utf8(msp_bytes_of(member->name, member->name_size)) ||
		    memchr(member->name, 0, member->name_size))
			verdict->writable = false;
		if (!name_is_unique(object, i))
			verdict->readable = false;
		value_judge(&member->value, depth + 1, verdict);
	}
}

static void value_judge(const struct msp_value *value, int depth, struct verdict *verdict)
{
	if ((value->type == MSP_ARRAY || value->type == MSP_OBJECT) && depth >= MAX_DEPTH)
		verdict->writable = false;
	if (value->type == MSP_BINARY || (value->type == MSP_NUMBER && !isfinite(value->as.number)))
		verdict->writable = false;
	if (value->type == MSP_STRING && !msp_bytes_are_utf8(msp_bytes_of(value->as.string, value->count)))
		verdict->writable = false;
	if (value->type == MSP_OBJECT)
		members_judge(value, depth, verdict);
	for (uint32_t i = 0; value->type == MSP_ARRAY && i < value->count; i++)
		value_judge(&value->as.items[i], depth + 1, verdict);
}

static void check_reading(struct msp_codec *codec, struct msp_bytes text, const struct msp_value *value,
                          struct msp_arena *arena, bool readable)
{
	struct msp_value again;
	json_t *tree = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	must((tree != NULL) == readable, "jansson reads what was written");
	json_decref(tree);
	bool read = msp_codec_json.decode(codec, text, arena, &again, NULL) == MSP_OK;
	must(read == readable, "the codec reads what was written");
	must(!read || msp_value_equal(value, &again), "what was written reads as the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, SIZE_MAX);
	must(msp_codec_json.open(&config, &codec, NULL) == MSP_OK, "the codec opens");

	struct source source = {.data = data, .left = size, .arena = &arena};
	struct msp_value value = value_take(&source, 0);
	struct verdict verdict = {.writable = true, .readable = true};
	value_judge(&value, 0, &verdict);
	bool written = msp_codec_json.encode(codec, &value, &buffer, NULL) == MSP_OK;
	must(written == verdict.writable, "a value is written exactly when JSON can hold it");
	must(written || buffer.size == 0, "a value that is refused leaves nothing behind");
	if (written)
		check_reading(codec, msp_buffer_bytes(&buffer), &value, &arena, verdict.readable);

	msp_codec_json.free(codec);
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
	return 0;
}
