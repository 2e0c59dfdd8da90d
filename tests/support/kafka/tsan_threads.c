/* What ThreadSanitizer must know of librdkafka: its threads and locks are those of C11, and only those of POSIX are
 * followed. A thread that was not seen beginning crashes in the first function that is watched; a lock that was not
 * seen makes a race of what it guards. glibc's objects of both kinds are the same, so C11's functions are POSIX's here.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define EXPORTED __attribute__((visibility("default")))

/* librdkafka is not instrumented. */
const char *__tsan_default_suppressions(void);
EXPORTED const char *__tsan_default_suppressions(void)
{
	/* What it does with memory through libc looks like races. */
	return "called_from_lib:librdkafka\n"
	       /* It counts references with atomics of its own, which order nothing that is seen: a lock in memory that one
	        * thread made or gave up, and another locks, looks like a race. Races of what a lock guards are reported. */
	       "race:^mtx_lock$\n";
}

static int answer(int error)
{
	return error == 0 ? thrd_success : thrd_error;
}

/* ---- threads ---- */

struct start {
	thrd_start_t function;
	void *argument;
};

static void *start_run(void *argument)
{
	struct start start = *(struct start *)argument;
	free(argument);
	return (void *)(intptr_t)start.function(start.argument);
}

EXPORTED int thrd_create(thrd_t *ret_thread, thrd_start_t function, void *argument)
{
	struct start *start = malloc(sizeof(*start));
	if (!start)
		return thrd_nomem;
	*start = (struct start){function, argument};
	if (pthread_create(ret_thread, NULL, start_run, start) == 0)
		return thrd_success;
	free(start);
	return thrd_error;
}

EXPORTED int thrd_join(thrd_t thread, int *ret_result)
{
	void *result;
	if (pthread_join(thread, &result) != 0)
		return thrd_error;
	if (ret_result)
		*ret_result = (int)(intptr_t)result;
	return thrd_success;
}

/* ---- locks ---- */

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's");

static pthread_mutex_t *posix_mutex(mtx_t *mutex)
{
	return (void *)mutex;
}

static pthread_cond_t *posix_cond(cnd_t *cond)
{
	return (void *)cond;
}

EXPORTED int mtx_init(mtx_t *mutex, int type)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
	int error = pthread_mutex_init(posix_mutex(mutex), &attributes);
	pthread_mutexattr_destroy(&attributes);
	return answer(error);
}

EXPORTED int mtx_lock(mtx_t *mutex)
{
	return answer(pthread_mutex_lock(posix_mutex(mutex)));
}

EXPORTED int mtx_trylock(mtx_t *mutex)
{
	return pthread_mutex_trylock(posix_mutex(mutex)) == 0 ? thrd_success : thrd_busy;
}

EXPORTED int mtx_unlock(mtx_t *mutex)
{
	return answer(pthread_mutex_unlock(posix_mutex(mutex)));
}

EXPORTED void mtx_destroy(mtx_t *mutex)
{
	pthread_mutex_destroy(posix_mutex(mutex));
}

EXPORTED int cnd_init(cnd_t *cond)
{
	return answer(pthread_cond_init(posix_cond(cond), NULL));
}

EXPORTED int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
	return answer(pthread_cond_wait(posix_cond(cond), posix_mutex(mutex)));
}

EXPORTED int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
	return pthread_cond_timedwait(posix_cond(cond), posix_mutex(mutex), until) == 0 ? thrd_success : thrd_timedout;
}

EXPORTED int cnd_signal(cnd_t *cond)
{
	return answer(pthread_cond_signal(posix_cond(cond)));
}

EXPORTED int cnd_broadcast(cnd_t *cond)
{
	return answer(pthread_cond_broadcast(posix_cond(cond)));
}

EXPORTED void cnd_destroy(cnd_t *cond)
{
	pthread_cond_destroy(posix_cond(cond));
}
