/* The codec contract: bytes to a value and back. */
#ifndef MSP_CODEC_H
#define MSP_CODEC_H

#include <msp/message.h>
#include <msp/option.h>
#include <msp/schema.h>

enum msp_side { MSP_SIDE_INPUT, MSP_SIDE_OUTPUT };

/* Strings and options are borrowed until the codec is freed. */
struct msp_codec_config {
	const void *options; /* a struct that ops->options has filled, or NULL for the defaults */
	int max_depth;       /* nesting of arrays and objects, from 1; deeper is refused */
	int indent;          /* columns per level of what people will read; 0: compact. Codecs without layout ignore it */
	/* What is decoded or encoded: messages of this topic, on this side of a model with this schema. NULL: unknown. */
	const char *topic;
	enum msp_side side;
	const struct msp_schema *schema;
};

/* One codec per thread. */
struct msp_codec {
	const struct msp_codec_ops *ops;
};

struct msp_codec_ops {
	const char *name;                       /* "json"; also the prefix of its options */
	const char *content_type;               /* "application/json" */
	const struct msp_option_table *options; /* NULL: none */

	/* Required. The caller owns *ret_codec. Asks no server. [any thread] */
	enum msp_status (*open)(const struct msp_codec_config *config, struct msp_codec **ret_codec, struct msp_error *err);
	/* Fetches what decoding these messages needs (schemas by their ids). Optional. May block for some seconds. [owner
	 * thread] MSP_OK also when a message is not this encoding: decode will say so. A retriable error: what it needs is
	 * away, and the worker waits and calls again. Any other failure ends the worker. */
	enum msp_status (*prepare)(struct msp_codec *codec, const struct msp_message *messages, size_t count,
	                           struct msp_error *err);
	/* Decodes exactly one value that fills all of `bytes` (never absent, may be empty), with the message's headers.
	 * Required. Does not block. [owner thread] The value is owned by `arena` and does not point into `bytes`.
	 * MSP_E_INVALID: not this encoding, or what msp_value cannot hold (NaN, integers beyond int64, duplicate names);
	 * MSP_E_LIMIT: too deep or larger than the arena allows; MSP_E_NO_MEMORY. The text says what and where in the bytes
	 * and repeats none of them. A retriable error: cannot now; nobody is to blame and the message is tried again. */
	enum msp_status (*decode)(struct msp_codec *codec, struct msp_bytes bytes, struct msp_headers headers,
	                          struct msp_arena *arena, struct msp_value *ret_value, struct msp_error *err);
	/* Appends the encoding of `value` to `buffer`. Required. Does not block, except for what a codec must do once per
	 * schema. [owner thread] On failure the buffer's size is as before. `ret_headers` (NULL: not wanted; else
	 * *ret_headers NULL before) becomes the headers that belong to the message, owned by the codec until it is freed.
	 * MSP_E_INVALID: NaN, an infinity, a string that is not UTF-8, a type that the encoding lacks; MSP_E_LIMIT: the
	 * buffer's maximum, or too deep; MSP_E_NO_MEMORY. A retriable error: as decode. */
	enum msp_status (*encode)(struct msp_codec *codec, const struct msp_value *value, struct msp_buffer *buffer,
	                          const struct msp_headers **ret_headers, struct msp_error *err);
	/* Required. [owner thread] */
	void (*free)(struct msp_codec *codec);
};

/* The slots, for callers. free accepts NULL. */
static inline enum msp_status msp_codec_prepare(struct msp_codec *codec, const struct msp_message *messages,
                                                size_t count, struct msp_error *err)
{
	return codec->ops->prepare ? codec->ops->prepare(codec, messages, count, err) : MSP_OK;
}
static inline enum msp_status msp_codec_decode(struct msp_codec *codec, struct msp_bytes bytes,
                                               struct msp_headers headers, struct msp_arena *arena,
                                               struct msp_value *ret_value, struct msp_error *err)
{
	return codec->ops->decode(codec, bytes, headers, arena, ret_value, err);
}
static inline enum msp_status msp_codec_encode(struct msp_codec *codec, const struct msp_value *value,
                                               struct msp_buffer *buffer, const struct msp_headers **ret_headers,
                                               struct msp_error *err)
{
	return codec->ops->encode(codec, value, buffer, ret_headers, err);
}
static inline void msp_codec_free(struct msp_codec *codec)
{
	if (codec)
		codec->ops->free(codec);
}

#endif
