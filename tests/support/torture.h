/* The failing allocator: what happens when there is no memory, at every place where it can happen.
 *
 * A program that links msp_torture gets its malloc, calloc, realloc, strdup and the like, also for the shared libraries
 * that it uses. They work as ever until torture_run makes them fail. */
#ifndef MSP_TEST_TORTURE_H
#define MSP_TEST_TORTURE_H

#include <msp/status.h>
#include <stddef.h>

/* False where something else has taken malloc for itself, as valgrind does. */
bool torture_works(void);

/* Something that allocates, does its work and frees all of it. It answers MSP_OK, or MSP_E_NO_MEMORY when it noticed a
 * failed allocation and could not go on; it cleans up in either case. It works in the calling thread: allocations of
 * other threads neither fail nor count. It must not leave by a cmocka assertion. */
typedef enum msp_status torture_scenario_fn(void *context);

/* Runs `scenario` once untouched, so that what is cached for good is there. Then again and again: with only the 1st,
 * the 2nd, … allocation failing, then with all from the 1st, the 2nd, … on, each until a run ends before a failure.
 * Fails the test when a run without a failure does not answer MSP_OK, one with a failure answers anything but MSP_OK
 * and MSP_E_NO_MEMORY, no failure is ever answered with MSP_E_NO_MEMORY, or a run frees more or less than it allocated.
 * Returns how many allocations the scenario makes. Skips the test where torture_works() is false. */
size_t torture_run(torture_scenario_fn *scenario, void *context);

#endif
