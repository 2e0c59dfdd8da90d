/* The JSON codec: its life and its operations. */
#include "json_codec.h"
#include "msp_codec_json.h"
#include <assert.h>
#include <stdlib.h>

/* jansson goes down 2048 levels, scalars included; writing what could not be read back would help nobody. */
#define MAX_DEPTH 2047

static struct json_codec *codec_cast(struct msp_codec *base)
{
	assert(base->ops == &msp_codec_json);
	return (struct json_codec *)base;
}

static void codec_free(struct msp_codec *base)
{
	if (!base)
		return;
	struct json_codec *codec = codec_cast(base);
	json_scratch_done(&codec->scratch);
	freelocale(codec->c_locale);
	free(codec);
}

static enum msp_status codec_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
                                  struct msp_error *err)
{
	assert(config->max_depth > 0);
	struct json_codec *codec = calloc(1, sizeof(*codec));
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!codec || !c_locale) {
		free(codec);
		if (c_locale)
			freelocale(c_locale);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the JSON codec");
	}
	codec->base.ops = &msp_codec_json;
	codec->max_depth = config->max_depth < MAX_DEPTH ? config->max_depth : MAX_DEPTH;
	codec->indent = config->indent;
	codec->c_locale = c_locale;
	json_scratch_init(&codec->scratch);
	*ret_codec = &codec->base;
	return MSP_OK;
}

static enum msp_status codec_decode(struct msp_codec *base, struct msp_bytes bytes, struct msp_headers headers,
                                    struct msp_arena *arena, struct msp_value *ret_value, struct msp_error *err)
{
	(void)headers;
	return json_decode(codec_cast(base), bytes, arena, ret_value, err);
}

static enum msp_status codec_encode(struct msp_codec *base, const struct msp_value *value, struct msp_buffer *buffer,
                                    const struct msp_headers **ret_headers, struct msp_error *err)
{
	(void)ret_headers;
	return json_encode(codec_cast(base), value, buffer, err);
}

const struct msp_codec_ops msp_codec_json = {
    .name = "json",
    .content_type = "application/json",
    .open = codec_open,
    .decode = codec_decode,
    .encode = codec_encode,
    .free = codec_free,
};
