/* A codec for tests of core: a decimal integer in text is the object {"n": integer}. "deep" is refused as too deep, any
 * other text as malformed; n 666 cannot be encoded;
 * n 779 is encoded with a header "fake" of the value "yes". */
#ifndef FAKE_CODEC_H
#define FAKE_CODEC_H

#include <msp/codec.h>
#include <stdatomic.h>

extern const struct msp_codec_ops fake_codec;

/* Set by the test: prepare has something to fetch, decode meets 777, encode meets 778, and what they need is away. */
extern struct fake_codec_needs {
	atomic_bool prepare, decode, encode;
	atomic_int refused; /* calls */
} fake_codec_needs;

#endif
