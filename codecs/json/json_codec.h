/* What the files of the JSON codec share. */
#ifndef JSON_CODEC_H
#define JSON_CODEC_H

#include "json_scratch.h"
#include "msp_codec_json.h"
#include <assert.h>
#include <locale.h>

struct json_codec {
	struct msp_codec base;
	int max_depth;
	int indent;
	struct json_scratch scratch; /* where jansson's trees live */
	locale_t c_locale;           /* a point in numbers, whatever a model does with setlocale; owned */
};

static inline struct json_codec *json_codec_from_base(struct msp_codec *base)
{
	assert(base->ops == &msp_codec_json);
	return (struct json_codec *)base;
}

/* The slots of the same names. */
enum msp_status json_decode(struct msp_codec *base, struct msp_bytes bytes, struct msp_headers headers,
                            struct msp_arena *arena, struct msp_value *ret_value, struct msp_error *err) MSP_NODISCARD;
enum msp_status json_encode(struct msp_codec *base, const struct msp_value *value, struct msp_buffer *buffer,
                            const struct msp_headers **ret_headers, struct msp_error *err) MSP_NODISCARD;

#endif
