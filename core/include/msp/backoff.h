/* Back-off between tries: exponential with full jitter. */
#ifndef MSP_BACKOFF_H
#define MSP_BACKOFF_H

#include <msp/clock.h>
#include <stdint.h>

/* Caller storage. [owner thread] */
struct msp_backoff {
	int initial_ms, max_ms; /* 0 < initial_ms <= max_ms */
	int tries;              /* since the last success */
	uint64_t random;
};

void msp_backoff_init(struct msp_backoff *backoff, int initial_ms, int max_ms);
/* After a success. */
void msp_backoff_reset(struct msp_backoff *backoff);
/* How long to wait now: between half and all of min(max_ms, initial_ms * 2^tries); counts the try. */
int msp_backoff_next_ms(struct msp_backoff *backoff);

#endif
