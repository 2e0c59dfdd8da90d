/* The JSON codec: its options, its life and its operations. */
#include "json_codec.h"
#include <stdlib.h>

/* jansson goes down 2048 levels, scalars included; writing what could not be read back would help nobody. */
#define MAX_DEPTH 2047

static const struct msp_option options[] = {
    {
        .name = "indent",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct json_options, indent),
        .default_text = "0",
        .max = 8,
        .help = "Columns per level of what is written for people; 0 writes everything on one line",
    },
};

static const struct msp_option_table option_table = MSP_OPTION_TABLE(options, struct json_options);

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
	if (config->options)
		codec->options = *(const struct json_options *)config->options;
	codec->max_depth = config->max_depth < MAX_DEPTH ? config->max_depth : MAX_DEPTH;
	codec->c_locale = c_locale;
	json_scratch_init(&codec->scratch);
	*ret_codec = &codec->base;
	return MSP_OK;
}

const struct msp_codec_ops msp_codec_json = {
    .name = "json",
    .content_type = "application/json",
    .options = &option_table,
    .open = json_open,
    .decode = json_decode,
    .encode = json_encode,
    .free = json_free,
};
