/* A codec for tests of core: a decimal integer in text is the object {"n": integer}. "deep" is refused as too deep, any
 * other text as malformed; n 666 cannot be encoded. */
#ifndef FAKE_CODEC_H
#define FAKE_CODEC_H

#include <msp/codec.h>

extern const struct msp_codec_ops fake_codec;

#endif
