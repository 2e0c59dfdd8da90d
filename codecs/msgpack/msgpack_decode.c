/* Decoding: msgpack-c's unpacker, instantiated from the template that its own objects are made with, builds our values.
 * It reads the format and keeps the stack of what is open; what becomes of each item, we say in the callbacks below.
 * Compared with unpacking into msgpack-c's objects that saves a copy of the tree, and nothing is allocated for a count
 * before the count has been checked. */
#include "msgpack_codec.h"
#include "msgpack_names.h"
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>

/* An item on its way into the tree. */
struct node {
	struct msp_value value;
	uint32_t missing; /* items or members of `value` that are still to come */
};

/* One message: where its values go, what it may take, and why it was refused. */
struct intake {
	struct msp_arena *arena;
	size_t unclaimed; /* bytes of the message that no item has been announced for */
	int levels_left;
	enum msp_status status;
	const char *cause; /* NULL: memory */
};

static int intake_refuse(struct intake *intake, enum msp_status status, const char *cause)
{
	intake->status = status;
	intake->cause = cause;
	return MSGPACK_UNPACK_PARSE_ERROR;
}

static int intake_invalid(struct intake *intake, const char *cause)
{
	return intake_refuse(intake, MSP_E_INVALID, cause);
}

static int intake_exhausted(struct intake *intake)
{
	return intake_refuse(intake, msp_arena_status(intake->arena), NULL);
}

/* Every item takes a byte at least, so that all that are announced, in all arrays and maps together, cannot be more
 * than the message has bytes. */
static bool items_announce(struct intake *intake, size_t count)
{
	if (count > intake->unclaimed)
		return false;
	intake->unclaimed -= count;
	return true;
}

/* ---- the callbacks of the template: 0, or negative to refuse ---- */

static inline struct node item_root(struct intake *intake)
{
	(void)intake;
	return (struct node){.value = msp_value_null()};
}

static inline int item_nil(struct intake *intake, struct node *ret_node)
{
	(void)intake;
	ret_node->value = msp_value_null();
	return 0;
}

static inline int item_true(struct intake *intake, struct node *ret_node)
{
	(void)intake;
	ret_node->value = msp_value_boolean(true);
	return 0;
}

static inline int item_false(struct intake *intake, struct node *ret_node)
{
	(void)intake;
	ret_node->value = msp_value_boolean(false);
	return 0;
}

static inline int item_int64(struct intake *intake, int64_t integer, struct node *ret_node)
{
	(void)intake;
	ret_node->value = msp_value_integer(integer);
	return 0;
}

static inline int item_uint64(struct intake *intake, uint64_t integer, struct node *ret_node)
{
	if (integer > INT64_MAX)
		return intake_invalid(intake, "integer out of range, 64 bits with a sign are supported");
	return item_int64(intake, (int64_t)integer, ret_node);
}

/* The narrower integers need no other treatment. */
#define item_uint8  item_int64
#define item_uint16 item_int64
#define item_uint32 item_int64
#define item_int8   item_int64
#define item_int16  item_int64
#define item_int32  item_int64

static inline int item_double(struct intake *intake, double number, struct node *ret_node)
{
	if (!isfinite(number))
		return intake_invalid(intake, isnan(number) ? "NaN is no number" : "an infinity is no number");
	ret_node->value = msp_value_number(number);
	return 0;
}

static inline int item_float(struct intake *intake, float number, struct node *ret_node)
{
	return item_double(intake, (double)number, ret_node);
}

static inline int item_bytes(struct intake *intake, const char *data, unsigned int size, struct node *ret_node)
{
	char *copy = msp_arena_alloc(intake->arena, size);
	if (!copy)
		return intake_exhausted(intake);
	/* An empty one may stand nowhere: the template gives NULL then. */
	if (size > 0)
		memcpy(copy, data, size);
	ret_node->value.count = size;
	ret_node->value.as.string = copy;
	return 0;
}

static inline int item_str(struct intake *intake, const char *base, const char *data, unsigned int size,
                           struct node *ret_node)
{
	(void)base;
	if (!msp_bytes_are_utf8(msp_bytes_of(data, size)))
		return intake_invalid(intake, "a string is not UTF-8");
	ret_node->value.type = MSP_STRING;
	return item_bytes(intake, data, size, ret_node);
}

static inline int item_bin(struct intake *intake, const char *base, const char *data, unsigned int size,
                           struct node *ret_node)
{
	(void)base;
	ret_node->value.type = MSP_BINARY;
	return item_bytes(intake, data, size, ret_node);
}

/* `data` begins with the type. */
static inline int item_ext(struct intake *intake, const char *base, const char *data, unsigned int size,
                           struct node *ret_node)
{
	(void)base;
	(void)ret_node;
	bool timestamp = size > 0 && (unsigned char)data[0] == 0xFF;
	return intake_invalid(intake, timestamp ? "timestamps are not supported, send a string or a number"
	                                        : "extension types are not supported");
}

/* What arrays and maps have in common when they begin; `items` is the number of values in them, names included. */
static inline int container_begin(struct intake *intake, size_t items)
{
	if (intake->levels_left == 0)
		return intake_refuse(intake, MSP_E_LIMIT, "too deep");
	if (!items_announce(intake, items))
		return intake_invalid(intake, "an array or map of more items than there are bytes");
	/* One without items is at its end already. */
	if (items > 0)
		intake->levels_left--;
	return 0;
}

static inline int item_array(struct intake *intake, unsigned int count, struct node *ret_node)
{
	int refusal = container_begin(intake, count);
	if (refusal)
		return refusal;
	struct msp_value *items = msp_arena_alloc_array(intake->arena, count, sizeof(*items));
	if (!items)
		return intake_exhausted(intake);
	ret_node->value = (struct msp_value){.type = MSP_ARRAY, .count = count, .as.items = items};
	ret_node->missing = count;
	return 0;
}

static inline int item_array_item(struct intake *intake, struct node *array, struct node item)
{
	array->value.as.items[array->value.count - array->missing] = item.value;
	if (--array->missing == 0)
		intake->levels_left++;
	return 0;
}

static inline int item_map(struct intake *intake, unsigned int count, struct node *ret_node)
{
	int refusal = container_begin(intake, (size_t)count * 2);
	if (refusal)
		return refusal;
	struct msp_member *members = msp_arena_alloc_array(intake->arena, count, sizeof(*members));
	if (!members)
		return intake_exhausted(intake);
	ret_node->value = (struct msp_value){.type = MSP_OBJECT, .count = count, .as.members = members};
	ret_node->missing = count;
	return 0;
}

static int map_end(struct intake *intake, const struct msp_value *map)
{
	intake->levels_left++;
	enum msp_status status = msgpack_names_check(map);
	if (status == MSP_OK)
		return 0;
	return intake_refuse(intake, status, "the same member name twice in one map");
}

static inline int item_map_item(struct intake *intake, struct node *map, struct node name, struct node value)
{
	struct msp_member *member = &map->value.as.members[map->value.count - map->missing];
	if (name.value.type != MSP_STRING)
		return intake_invalid(intake, "a member name is no string");
	/* The same in every codec: JSON's reader cannot take it. */
	if (memchr(name.value.as.string, 0, name.value.count))
		return intake_invalid(intake, "U+0000 in a member name is not supported");
	member->name = name.value.as.string;
	member->name_size = name.value.count;
	member->value = value.value;
	return --map->missing > 0 ? 0 : map_end(intake, &map->value);
}

/* ---- the unpacker: struct unpacker_context, unpacker_init, unpacker_execute, unpacker_data ---- */

/* One level more than there may be, for the callbacks to refuse it. */
#define MSGPACK_EMBED_STACK_SIZE       (MSGPACK_MAX_DEPTH + 1)
#define msgpack_unpack_struct(name)    struct unpacker##name
#define msgpack_unpack_func(ret, name) static inline ret unpacker##name
#define msgpack_unpack_callback(name)  item##name
#define msgpack_unpack_object          struct node
#define msgpack_unpack_user            struct intake

#include <msgpack/unpack_define.h>

#include <msgpack/unpack_template.h>

struct msgpack_decoder {
	struct unpacker_context context;
};

struct msgpack_decoder *msgpack_decoder_new(void)
{
	return malloc(sizeof(struct msgpack_decoder));
}

void msgpack_decoder_free(struct msgpack_decoder *decoder)
{
	free(decoder);
}

/* ---- refusals; bytes count from 1 ---- */

static enum msp_status message_refuse(const struct msgpack_codec *codec, struct msp_bytes bytes, size_t offset,
                                      struct msp_error *err)
{
	const struct intake *intake = &codec->decoder->context.user;
	switch (intake->status) {
	case MSP_E_INVALID:
		return msp_error_set(err, MSP_E_INVALID, "invalid MessagePack: %s, near byte %zu", intake->cause, offset + 1);
	case MSP_E_LIMIT:
		if (intake->cause)
			return msp_error_set(err, MSP_E_LIMIT, "nested deeper than %d levels near byte %zu", codec->max_depth,
			                     offset + 1);
		return msp_error_set(err, MSP_E_LIMIT, "%zu bytes of MessagePack need more memory than is allowed", bytes.size);
	default:
		return msp_error_set(err, intake->status, "no memory to decode %zu bytes of MessagePack", bytes.size);
	}
}

static enum msp_status incomplete_refuse(struct msp_bytes bytes, struct msp_error *err)
{
	if (bytes.size == 0)
		return msp_error_set(err, MSP_E_INVALID, "invalid MessagePack: empty");
	return msp_error_set(err, MSP_E_INVALID, "invalid MessagePack: the value goes on after the last byte, %zu",
	                     bytes.size);
}

enum msp_status msgpack_decode(struct msgpack_codec *codec, struct msp_bytes bytes, struct msp_arena *arena,
                               struct msp_value *ret_value, struct msp_error *err)
{
	struct unpacker_context *context = &codec->decoder->context;
	/* What the template refuses by itself is a first byte without a meaning. */
	context->user = (struct intake){
	    .arena = arena,
	    .unclaimed = bytes.size,
	    .levels_left = codec->max_depth,
	    .status = MSP_E_INVALID,
	    .cause = "0xc1 begins no value",
	};
	unpacker_init(context);
	size_t offset = 0;
	int result = unpacker_execute(context, bytes.data, bytes.size, &offset);
	if (result < 0)
		return message_refuse(codec, bytes, offset, err);
	if (result == 0)
		return incomplete_refuse(bytes, err);
	if (offset < bytes.size)
		return msp_error_set(err, MSP_E_INVALID, "invalid MessagePack: nothing may follow the value, near byte %zu",
		                     offset + 1);
	*ret_value = unpacker_data(context).value;
	return MSP_OK;
}
