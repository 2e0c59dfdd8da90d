/* Encoding: msgpack-c's packer writes straight into the buffer, in one pass and in the shortest form of each value. */
#include "msgpack_codec.h"
#include <float.h>
#include <math.h>
#include <msgpack.h>

struct writer {
	msgpack_packer packer;
	struct msp_buffer *buffer;
	struct msp_error *err;
	enum msp_status status; /* of the buffer */
	int levels_left;
	int max_depth;
};

static enum msp_status value_write(struct writer *writer, const struct msp_value *value);

/* What the packer calls with each piece; not 0 stops it. */
static int piece_append(void *data, const char *piece, size_t size)
{
	struct writer *writer = data;
	writer->status = msp_buffer_append(writer->buffer, piece, size);
	return writer->status == MSP_OK ? 0 : -1;
}

static enum msp_status size_refuse(const struct writer *writer)
{
	if (writer->status == MSP_E_LIMIT)
		return msp_error_set(writer->err, MSP_E_LIMIT, "the MessagePack is larger than %zu bytes",
		                     writer->buffer->max_size);
	return msp_error_set(writer->err, writer->status, "no memory for more than %zu bytes of MessagePack",
	                     writer->buffer->size);
}

/* `packed` is what the packer returned. */
static inline enum msp_status packed_status(const struct writer *writer, int packed)
{
	return packed == 0 ? MSP_OK : size_refuse(writer);
}

static enum msp_status string_write(struct writer *writer, const char *string, size_t size)
{
	if (!msp_bytes_are_utf8(msp_bytes_of(string, size)))
		return msp_error_set(writer->err, MSP_E_INVALID, "a string is not UTF-8");
	return packed_status(writer, msgpack_pack_str_with_body(&writer->packer, string, size));
}

static enum msp_status number_write(struct writer *writer, double number)
{
	if (!isfinite(number))
		return msp_error_set(writer->err, MSP_E_INVALID, "%s is no number", isnan(number) ? "NaN" : "an infinity");
	/* Never an integer, so that it is a number for whoever reads it. */
	bool single = fabs(number) <= FLT_MAX && (double)(float)number == number;
	int packed =
	    single ? msgpack_pack_float(&writer->packer, (float)number) : msgpack_pack_double(&writer->packer, number);
	return packed_status(writer, packed);
}

static enum msp_status array_write(struct writer *writer, const struct msp_value *array)
{
	enum msp_status status = packed_status(writer, msgpack_pack_array(&writer->packer, array->count));
	for (uint32_t i = 0; status == MSP_OK && i < array->count; i++)
		status = value_write(writer, &array->as.items[i]);
	return status;
}

static enum msp_status member_write(struct writer *writer, const struct msp_member *member)
{
	if (member->name_size > 0 && memchr(member->name, 0, member->name_size))
		return msp_error_set(writer->err, MSP_E_INVALID, "U+0000 in a member name");
	enum msp_status status = string_write(writer, member->name, member->name_size);
	return status == MSP_OK ? value_write(writer, &member->value) : status;
}

static enum msp_status object_write(struct writer *writer, const struct msp_value *object)
{
	enum msp_status status = packed_status(writer, msgpack_pack_map(&writer->packer, object->count));
	for (uint32_t i = 0; status == MSP_OK && i < object->count; i++)
		status = member_write(writer, &object->as.members[i]);
	return status;
}

static enum msp_status container_write(struct writer *writer, const struct msp_value *value)
{
	if (writer->levels_left == 0)
		return msp_error_set(writer->err, MSP_E_LIMIT, "nested deeper than %d levels", writer->max_depth);
	writer->levels_left--;
	enum msp_status status = value->type == MSP_ARRAY ? array_write(writer, value) : object_write(writer, value);
	writer->levels_left++;
	return status;
}

/* Recurses at most max_depth times. */
static enum msp_status value_write(struct writer *writer, const struct msp_value *value)
{
	msgpack_packer *packer = &writer->packer;
	switch (value->type) {
	case MSP_NULL:
		return packed_status(writer, msgpack_pack_nil(packer));
	case MSP_BOOLEAN:
		return packed_status(writer, value->as.boolean ? msgpack_pack_true(packer) : msgpack_pack_false(packer));
	case MSP_INTEGER:
		return packed_status(writer, msgpack_pack_int64(packer, value->as.integer));
	case MSP_NUMBER:
		return number_write(writer, value->as.number);
	case MSP_STRING:
		return string_write(writer, value->as.string, value->count);
	case MSP_BINARY:
		return packed_status(writer, msgpack_pack_bin_with_body(packer, value->as.binary, value->count));
	case MSP_ARRAY:
	case MSP_OBJECT:
		return container_write(writer, value);
	case MSP_ANY:
		break;
	}
	return msp_error_set(writer->err, MSP_E_INVALID, "a value without a type");
}

enum msp_status msgpack_encode(const struct msgpack_codec *codec, const struct msp_value *value,
                               struct msp_buffer *buffer, struct msp_error *err)
{
	size_t size = buffer->size;
	struct writer writer = {
	    .buffer = buffer,
	    .err = err,
	    .levels_left = codec->max_depth,
	    .max_depth = codec->max_depth,
	};
	msgpack_packer_init(&writer.packer, &writer, piece_append);
	enum msp_status status = value_write(&writer, value);
	if (status != MSP_OK)
		buffer->size = size;
	return status;
}
