/* The JSON codec (RFC 8259). README.md says what it accepts and how it writes. */
#ifndef MSP_CODEC_JSON_H
#define MSP_CODEC_JSON_H

#include <msp/codec.h>

/* One option, `indent`: columns per level of what is written for people; 0, the default, writes one line. */
extern const struct msp_codec_ops msp_codec_json;

#endif
