/* The codec contract: bytes to a value and back. */
#ifndef MSP_CODEC_H
#define MSP_CODEC_H

#include <msp/option.h>
#include <msp/value.h>

struct msp_codec_config {
	const void *options; /* a struct that ops->options has filled, or NULL for the defaults */
	int max_depth;       /* nesting of arrays and objects, from 1; deeper is refused */
	int indent;          /* columns per level of what people will read; 0: compact. Codecs without layout ignore it */
};

/* One codec per thread. */
struct msp_codec {
	const struct msp_codec_ops *ops;
};

struct msp_codec_ops {
	const char *name;                       /* "json"; also the prefix of its options */
	const char *content_type;               /* "application/json" */
	const struct msp_option_table *options; /* NULL: none */

	/* Required. The caller owns *ret_codec. [any thread] */
	enum msp_status (*open)(const struct msp_codec_config *config, struct msp_codec **ret_codec, struct msp_error *err);
	/* Decodes exactly one value that fills all of `bytes` (never absent, may be empty). Required. Does not block.
	 * [owner thread] The value is owned by `arena` and does not point into `bytes`.
	 * MSP_E_INVALID: not this encoding, or what msp_value cannot hold (NaN, integers beyond int64, duplicate names);
	 * MSP_E_LIMIT: too deep or larger than the arena allows; MSP_E_NO_MEMORY. The text says what and where in the bytes
	 * and repeats none of them. */
	enum msp_status (*decode)(struct msp_codec *codec, struct msp_bytes bytes, struct msp_arena *arena,
	                          struct msp_value *ret_value, struct msp_error *err);
	/* Appends the encoding of `value` to `buffer`. Required. Does not block. [owner thread] On failure the buffer's
	 * size is as before. MSP_E_INVALID: NaN, an infinity, a string that is not UTF-8, a type that the encoding lacks;
	 * MSP_E_LIMIT: the buffer's maximum, or too deep; MSP_E_NO_MEMORY. */
	enum msp_status (*encode)(struct msp_codec *codec, const struct msp_value *value, struct msp_buffer *buffer,
	                          struct msp_error *err);
	/* Required. [owner thread] */
	void (*free)(struct msp_codec *codec);
};

#endif
