/* What the files of the MessagePack codec share. */
#ifndef MSGPACK_CODEC_H
#define MSGPACK_CODEC_H

#include <msp/codec.h>

/* The levels that the decoder has room for; configuration asks for 1000 at most. */
#define MSGPACK_MAX_DEPTH 1024

struct msgpack_codec {
	struct msp_codec base;
	int max_depth;
	struct msgpack_decoder *decoder; /* owned */
};

/* What decoding needs beside its input; NULL when there is no memory. The caller frees it. */
struct msgpack_decoder *msgpack_decoder_new(void);
void msgpack_decoder_free(struct msgpack_decoder *decoder);

/* As the slots of the same names. */
enum msp_status msgpack_decode(struct msgpack_codec *codec, struct msp_bytes bytes, struct msp_arena *arena,
                               struct msp_value *ret_value, struct msp_error *err) MSP_NODISCARD;
enum msp_status msgpack_encode(const struct msgpack_codec *codec, const struct msp_value *value,
                               struct msp_buffer *buffer, struct msp_error *err) MSP_NODISCARD;

#endif
