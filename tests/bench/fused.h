/* What must happen to one iris input at least, written into a relay's loop: json_loadb, svm_predict and a printed
 * result. */
#ifndef BENCH_FUSED_H
#define BENCH_FUSED_H

#include <stddef.h>

/* A relay has so much room for the result of one input. */
#define FUSED_RESULT_SIZE 64

/* Trains the model from iris.csv of MSP_SOURCE_DIR. Constant until the process ends. */
void *fused_context(void);
/* Writes the result of one input, at most FUSED_RESULT_SIZE bytes, and gives its size. */
size_t fused_answer(void *context, const char *value, size_t size, char *result);

#endif
