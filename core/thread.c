#include <msp/thread.h>

#include <signal.h>
#include <string.h>
#include <time.h>

enum msp_status msp_thread_start(pthread_t *ret_thread, void *(*entry)(void *argument), void *argument,
                                 struct msp_error *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(ret_thread, NULL, entry, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? msp_error_set(err, MSP_E_NO_MEMORY, "cannot start a thread: %s", strerror(error)) : MSP_OK;
}

bool msp_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	if (pthread_condattr_init(&attributes) != 0)
		return false;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int error = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return error == 0;
}

bool msp_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline_ms)
{
	struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
	return pthread_cond_timedwait(condition, mutex, &until) == 0;
}
