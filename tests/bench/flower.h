/* Inputs for benches: many flowers, no two alike for long. */
#ifndef BENCH_FLOWER_H
#define BENCH_FLOWER_H

#include <msp/bytes.h>

/* The flower of that number in one encoding; constant. [one thread at a time] */
typedef struct msp_bytes flower_fn(size_t number);

flower_fn flower_json, flower_msgpack;

#endif
