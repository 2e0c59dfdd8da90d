/* Decoding: jansson parses into the scratch, the tree is copied into values, the scratch is cleared. */
#include "json_codec.h"
#include "json_refusal.h"

#define LOAD_FLAGS (JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

/* Where the values of one message go, and how deep they may still nest. */
struct target {
	struct msp_arena *arena;
	int levels_left;
};

static enum msp_status value_fill(struct target *target, json_t *json, struct msp_value *ret_value);

static const char *text_copy(struct msp_arena *arena, const char *text, size_t size)
{
	char *copy = msp_arena_alloc(arena, size);
	if (copy)
		memcpy(copy, text, size);
	return copy;
}

static enum msp_status string_fill(struct target *target, const json_t *json, struct msp_value *ret_value)
{
	size_t size = json_string_length(json);
	if (size > UINT32_MAX)
		return MSP_E_LIMIT;
	ret_value->type = MSP_STRING;
	ret_value->count = (uint32_t)size;
	ret_value->as.string = text_copy(target->arena, json_string_value(json), size);
	return ret_value->as.string ? MSP_OK : msp_arena_status(target->arena);
}

static enum msp_status array_fill(struct target *target, const json_t *json, struct msp_value *ret_value)
{
	size_t count = json_array_size(json);
	if (count > UINT32_MAX)
		return MSP_E_LIMIT;
	struct msp_value *items = msp_arena_alloc_array(target->arena, count, sizeof(*items));
	if (!items)
		return msp_arena_status(target->arena);
	*ret_value = (struct msp_value){.type = MSP_ARRAY, .count = (uint32_t)count, .as.items = items};
	for (size_t i = 0; i < count; i++) {
		enum msp_status status = value_fill(target, json_array_get(json, i), &items[i]);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

static enum msp_status member_fill(struct target *target, void *iter, struct msp_member *ret_member)
{
	size_t size = json_object_iter_key_len(iter);
	if (size > UINT32_MAX)
		return MSP_E_LIMIT;
	ret_member->name = text_copy(target->arena, json_object_iter_key(iter), size);
	ret_member->name_size = (uint32_t)size;
	if (!ret_member->name)
		return msp_arena_status(target->arena);
	return value_fill(target, json_object_iter_value(iter), &ret_member->value);
}

static enum msp_status object_fill(struct target *target, json_t *json, struct msp_value *ret_value)
{
	size_t count = json_object_size(json);
	if (count > UINT32_MAX)
		return MSP_E_LIMIT;
	struct msp_member *member = msp_arena_alloc_array(target->arena, count, sizeof(*member));
	if (!member)
		return msp_arena_status(target->arena);
	*ret_value = (struct msp_value){.type = MSP_OBJECT, .count = (uint32_t)count, .as.members = member};
	/* jansson iterates in the order of the input. */
	for (void *iter = json_object_iter(json); iter; iter = json_object_iter_next(json, iter)) {
		enum msp_status status = member_fill(target, iter, member++);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

/* An array or object, one level further down. */
static enum msp_status container_fill(struct target *target, json_t *json, struct msp_value *ret_value)
{
	if (target->levels_left == 0)
		return MSP_E_LIMIT;
	target->levels_left--;
	enum msp_status status =
	    json_is_array(json) ? array_fill(target, json, ret_value) : object_fill(target, json, ret_value);
	target->levels_left++;
	return status;
}

/* Recurses at most levels_left times, and jansson stops at JSON_PARSER_MAX_DEPTH (2048) before. */
static enum msp_status value_fill(struct target *target, json_t *json, struct msp_value *ret_value)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return container_fill(target, json, ret_value);
	case JSON_STRING:
		return string_fill(target, json, ret_value);
	case JSON_INTEGER:
		*ret_value = msp_value_integer(json_integer_value(json));
		break;
	case JSON_REAL:
		*ret_value = msp_value_number(json_real_value(json));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		*ret_value = msp_value_boolean(json_is_true(json));
		break;
	case JSON_NULL:
		*ret_value = msp_value_null();
		break;
	}
	return MSP_OK;
}

/* Reads numbers with a point in them: jansson asks the thread's locale for the separator. */
static enum msp_status text_load(struct json_codec *codec, struct msp_bytes bytes, size_t max_size, json_t **ret_tree,
                                 json_error_t *ret_error)
{
	ret_error->text[JSON_ERROR_TEXT_LENGTH - 1] =
	    json_error_unknown; /* where jansson keeps the code, once it has one */
	locale_t locale = uselocale(codec->c_locale);
	enum msp_status status = json_scratch_load(&codec->scratch, bytes, LOAD_FLAGS, max_size, ret_tree, ret_error);
	uselocale(locale);
	return status;
}

enum msp_status json_decode(struct json_codec *codec, struct msp_bytes bytes, struct msp_arena *arena,
                            struct msp_value *ret_value, struct msp_error *err)
{
	/* jansson takes a NUL after a number, and in some other places, for the end of the input. */
	if (memchr(bytes.data, '\0', bytes.size))
		return json_refuse(bytes, NULL, codec->max_depth, err);

	json_t *tree;
	json_error_t error;
	struct msp_value value;
	enum msp_status status = text_load(codec, bytes, arena->max_size, &tree, &error);
	/* The scratch has the arena's limit, and so speaks for it. */
	if (status == MSP_E_LIMIT)
		arena->limited = true;
	if (status == MSP_OK)
		status = value_fill(&(struct target){.arena = arena, .levels_left = codec->max_depth}, tree, &value);
	json_scratch_clear(&codec->scratch);

	switch (status) {
	case MSP_OK:
		*ret_value = value;
		return MSP_OK;
	case MSP_E_INVALID:
		return json_refuse(bytes, &error, codec->max_depth, err);
	case MSP_E_LIMIT:
		return json_refuse_size(bytes, codec->max_depth, err);
	default:
		return msp_error_set(err, status, "no memory to decode %zu bytes of JSON", bytes.size);
	}
}
