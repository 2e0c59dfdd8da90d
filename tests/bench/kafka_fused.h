/* What must happen to one iris input at least, written into the relay's loop: json_loadb, svm_predict and a printed
 * result. */
#ifndef BENCH_KAFKA_FUSED_H
#define BENCH_KAFKA_FUSED_H

#include <stddef.h>

/* Trains the model from iris.csv of MSP_SOURCE_DIR. Constant until the process ends. */
void *kafka_fused_context(void);
/* For kafka_relay_config. */
size_t kafka_fused_answer(void *context, const char *value, size_t size, char *result);

#endif
