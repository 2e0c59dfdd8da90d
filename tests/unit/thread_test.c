#include "check.h"

#include <msp/clock.h>
#include <msp/thread.h>

#include <limits.h>
#include <signal.h>

static void *signals_of_thread(void *context)
{
	pthread_sigmask(SIG_SETMASK, NULL, context);
	return context;
}

static void a_thread_takes_no_signals(void **state)
{
	(void)state;
	pthread_t thread;
	sigset_t blocked, own;
	void *returned;
	assert_int_equal(msp_thread_start(&thread, signals_of_thread, &blocked, NULL), MSP_OK);
	assert_int_equal(pthread_join(thread, &returned), 0);
	assert_ptr_equal(returned, &blocked);
	assert_true(sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGHUP));
	pthread_sigmask(SIG_SETMASK, NULL, &own);
	assert_false(sigismember(&own, SIGTERM));
}

static void a_wait_ends_at_its_deadline_and_not_before(void **state)
{
	(void)state;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition;
	assert_true(msp_condition_init(&condition));
	pthread_mutex_lock(&mutex);
	int64_t deadline_ms = msp_deadline_in(20);
	while (msp_condition_wait(&condition, &mutex, deadline_ms))
		;
	assert_true(msp_monotonic_ms() >= deadline_ms);
	assert_int_equal(msp_deadline_left_ms(deadline_ms), 0);
	pthread_mutex_unlock(&mutex);
	pthread_cond_destroy(&condition);
}

static void what_is_left_of_a_deadline_fits_an_int(void **state)
{
	(void)state;
	assert_int_equal(msp_deadline_left_ms(INT64_MAX), INT_MAX);
	assert_int_equal(msp_deadline_left_ms(0), 0);
	assert_in_range(msp_deadline_left_ms(msp_deadline_in(60000)), 50000, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_thread_takes_no_signals),
	    cmocka_unit_test(a_wait_ends_at_its_deadline_and_not_before),
	    cmocka_unit_test(what_is_left_of_a_deadline_fits_an_int),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
