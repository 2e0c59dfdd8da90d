/* What the files of the JSON codec share. */
#ifndef JSON_CODEC_H
#define JSON_CODEC_H

#include "json_scratch.h"
#include <locale.h>
#include <msp/codec.h>

struct json_codec {
	struct msp_codec base;
	int max_depth;
	int indent;
	struct json_scratch scratch; /* where jansson's trees live */
	locale_t c_locale;           /* a point in numbers, whatever a model does with setlocale; owned */
};

/* As the slots of the same names. */
enum msp_status json_decode(struct json_codec *codec, struct msp_bytes bytes, struct msp_arena *arena,
                            struct msp_value *ret_value, struct msp_error *err) MSP_NODISCARD;
enum msp_status json_encode(const struct json_codec *codec, const struct msp_value *value, struct msp_buffer *buffer,
                            struct msp_error *err) MSP_NODISCARD;

#endif
