/* The JSON codec (RFC 8259). README.md says what it accepts and how it writes. */
#ifndef MSP_CODEC_JSON_H
#define MSP_CODEC_JSON_H

#include <msp/codec.h>

extern const struct msp_codec_ops msp_codec_json;

#endif
