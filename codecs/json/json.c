/* The JSON codec: its life and its operations. */
#include "json_codec.h"
#include <stdlib.h>

/* jansson goes down 2048 levels, scalars included; writing what could not be read back would help nobody. */
#define MAX_DEPTH 2047

static void json_free(struct msp_codec *base)
{
	if (!base)
		return;
	struct json_codec *codec = json_codec_from_base(base);
	json_scratch_done(&codec->scratch);
	freelocale(codec->c_locale);
	free(codec);
}

static enum msp_status json_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
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

const struct msp_codec_ops msp_codec_json = {
    .name = "json",
    .content_type = "application/json",
    .open = json_open,
    .decode = json_decode,
    .encode = json_encode,
    .free = json_free,
};
