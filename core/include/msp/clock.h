/* Clocks and deadlines. [any thread] */
#ifndef MSP_CLOCK_H
#define MSP_CLOCK_H

#include <stdint.h>

/* Milliseconds and nanoseconds of CLOCK_MONOTONIC, and milliseconds since 1970 UTC. */
int64_t msp_monotonic_ms(void);
int64_t msp_monotonic_ns(void);
int64_t msp_wall_ms(void);

/* A deadline is a time of msp_monotonic_ms. */
int64_t msp_deadline_in(int timeout_ms);
/* What is left until then, 0 when it is over; at most INT_MAX. */
int msp_deadline_left_ms(int64_t deadline_ms);

#endif
