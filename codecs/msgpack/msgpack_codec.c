/* The MessagePack codec: its life and its operations. */
#include "msgpack_codec.h"
#include <stdlib.h>

static void msgpack_free(struct msp_codec *base)
{
	if (!base)
		return;
	struct msgpack_codec *codec = msgpack_codec_from_base(base);
	msgpack_decoder_free(codec->decoder);
	free(codec);
}

static enum msp_status msgpack_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
                                    struct msp_error *err)
{
	assert(config->max_depth > 0);
	struct msgpack_codec *codec = calloc(1, sizeof(*codec));
	struct msgpack_decoder *decoder = msgpack_decoder_new();
	if (!codec || !decoder) {
		free(codec);
		msgpack_decoder_free(decoder);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the MessagePack codec");
	}
	codec->base.ops = &msp_codec_msgpack;
	codec->max_depth = config->max_depth < MSGPACK_MAX_DEPTH ? config->max_depth : MSGPACK_MAX_DEPTH;
	codec->decoder = decoder;
	*ret_codec = &codec->base;
	return MSP_OK;
}

const struct msp_codec_ops msp_codec_msgpack = {
    .name = "msgpack",
    .content_type = "application/vnd.msgpack",
    .open = msgpack_open,
    .decode = msgpack_decode,
    .encode = msgpack_encode,
    .free = msgpack_free,
};
