/* What every codec must do. A new codec's test is a main that returns codec_contract_run(&its_ops). */
#ifndef CODEC_CONTRACT_H
#define CODEC_CONTRACT_H

#include <msp/codec.h>

/* Runs the suite; returns what main returns. */
int codec_contract_run(const struct msp_codec_ops *ops);

#endif
