/* What a fuzz target is: it eats any bytes, and aborts where a promise is broken. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Defined by the target, called by libFuzzer or by replay.c. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool condition, const char *promise)
{
	if (condition)
		return;
	fprintf(stderr, "broken: %s\n", promise);
	abort();
}

#endif
