/* Threads, and waiting for a condition until a deadline: the one way to do both. */
#ifndef MSP_THREAD_H
#define MSP_THREAD_H

#include <msp/status.h>
#include <pthread.h>
#include <stdint.h>

/* Starts a thread with all signals blocked, so that they reach the thread that waits for them. MSP_E_NO_MEMORY: the
 * system has no room for another thread. */
enum msp_status msp_thread_start(pthread_t *ret_thread, void *(*entry)(void *argument), void *argument,
                                 struct msp_error *err) MSP_NODISCARD;

/* Initialises a condition for msp_condition_wait. False: no memory. */
bool msp_condition_init(pthread_cond_t *condition) MSP_NODISCARD;
/* Waits, with `mutex` held, until the condition is signalled or msp_monotonic_ms reaches `deadline_ms`. False: the
 * deadline is over. Callers look at what they wait for in a loop. */
bool msp_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline_ms);

#endif
