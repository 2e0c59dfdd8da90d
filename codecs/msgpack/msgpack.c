/* The MessagePack codec: its life and its operations. */
#include "msgpack_codec.h"
#include "msp_codec_msgpack.h"
#include <assert.h>
#include <stdlib.h>

static struct msgpack_codec *codec_cast(struct msp_codec *base)
{
	assert(base->ops == &msp_codec_msgpack);
	return (struct msgpack_codec *)base;
}

static void codec_free(struct msp_codec *base)
{
	if (!base)
		return;
	struct msgpack_codec *codec = codec_cast(base);
	msgpack_decoder_free(codec->decoder);
	free(codec);
}

static enum msp_status codec_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
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

static enum msp_status codec_decode(struct msp_codec *base, struct msp_bytes bytes, struct msp_headers headers,
                                    struct msp_arena *arena, struct msp_value *ret_value, struct msp_error *err)
{
	(void)headers;
	return msgpack_decode(codec_cast(base), bytes, arena, ret_value, err);
}

static enum msp_status codec_encode(struct msp_codec *base, const struct msp_value *value, struct msp_buffer *buffer,
                                    const struct msp_headers **ret_headers, struct msp_error *err)
{
	(void)ret_headers;
	return msgpack_encode(codec_cast(base), value, buffer, err);
}

const struct msp_codec_ops msp_codec_msgpack = {
    .name = "msgpack",
    .content_type = "application/vnd.msgpack",
    .open = codec_open,
    .decode = codec_decode,
    .encode = codec_encode,
    .free = codec_free,
};
