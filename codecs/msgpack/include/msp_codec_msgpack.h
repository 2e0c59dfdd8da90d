/* The MessagePack codec. README.md says what it accepts and how it writes. */
#ifndef MSP_CODEC_MSGPACK_H
#define MSP_CODEC_MSGPACK_H

#include <msp/codec.h>

/* It has no options. */
extern const struct msp_codec_ops msp_codec_msgpack;

#endif
