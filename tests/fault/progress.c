#include "progress.h"

#include <assert.h>
#include <msp/clock.h>
#include <msp/thread.h>
#include <stdarg.h>
#include <stdio.h>

void progress_init(struct progress *progress)
{
	*progress = (struct progress){.max_window = SIZE_MAX};
	bool made = msp_condition_init(&progress->changed);
	assert(made);
	(void)made;
	pthread_mutex_init(&progress->mutex, NULL);
}

void progress_done(struct progress *progress)
{
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->mutex);
}

static void progress_lock(struct progress *progress)
{
	pthread_mutex_lock(&progress->mutex);
}

static void progress_unlock_changed(struct progress *progress)
{
	pthread_cond_broadcast(&progress->changed);
	pthread_mutex_unlock(&progress->mutex);
}

void progress_allow(struct progress *progress, size_t allowed, size_t window)
{
	progress_lock(progress);
	progress->allowed = allowed;
	progress->window = window < progress->max_window ? window : progress->max_window;
	progress_unlock_changed(progress);
}

void progress_limit(struct progress *progress, size_t window, size_t pace)
{
	progress_lock(progress);
	progress->max_window = window;
	progress->pace = pace;
	progress_unlock_changed(progress);
}

void progress_add_sent(struct progress *progress, size_t more)
{
	progress_lock(progress);
	progress->sent += more;
	progress_unlock_changed(progress);
}

void progress_add_settled(struct progress *progress, size_t more)
{
	progress_lock(progress);
	progress->settled += more;
	progress_unlock_changed(progress);
}

void progress_stop(struct progress *progress)
{
	progress_lock(progress);
	progress->stopping = true;
	progress_unlock_changed(progress);
}

bool progress_stopping(struct progress *progress)
{
	progress_lock(progress);
	bool stopping = progress->stopping;
	pthread_mutex_unlock(&progress->mutex);
	return stopping;
}

void progress_fail(struct progress *progress, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	progress_lock(progress);
	if (!*progress->failure)
		vsnprintf(progress->failure, sizeof(progress->failure), format, arguments);
	progress_unlock_changed(progress);
	va_end(arguments);
}

bool progress_failed(struct progress *progress)
{
	progress_lock(progress);
	bool failed = *progress->failure != 0;
	pthread_mutex_unlock(&progress->mutex);
	return failed;
}

/* How many of `allowance` the pace lets go now; 0: wait until progress->next_ms. */
static size_t paced(struct progress *progress, size_t allowance)
{
	const size_t steps = 50; /* in a second */
	int64_t now_ms = msp_monotonic_ms();
	if (progress->pace == 0)
		return allowance;
	if (now_ms < progress->next_ms)
		return 0;
	size_t step = progress->pace < steps ? 1 : progress->pace / steps;
	size_t count = allowance < step ? allowance : step;
	progress->next_ms = now_ms + (int64_t)(count * 1000 / progress->pace);
	return count;
}

size_t progress_wait_allowance(struct progress *progress, size_t sent)
{
	size_t count = 0;
	progress_lock(progress);
	while (!progress->stopping) {
		size_t most = progress->settled + progress->window;
		most = most < progress->allowed ? most : progress->allowed;
		count = most > sent ? paced(progress, most - sent) : 0;
		if (count)
			break;
		if (most > sent)
			(void)msp_condition_wait(&progress->changed, &progress->mutex, progress->next_ms);
		else
			pthread_cond_wait(&progress->changed, &progress->mutex);
	}
	pthread_mutex_unlock(&progress->mutex);
	return count;
}

bool progress_wait_settled(struct progress *progress, size_t count, int timeout_ms)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	progress_lock(progress);
	while (progress->settled < count && !*progress->failure)
		if (!msp_condition_wait(&progress->changed, &progress->mutex, deadline_ms))
			break;
	bool reached = progress->settled >= count;
	pthread_mutex_unlock(&progress->mutex);
	return reached;
}

size_t progress_settled(struct progress *progress)
{
	progress_lock(progress);
	size_t settled = progress->settled;
	pthread_mutex_unlock(&progress->mutex);
	return settled;
}

size_t progress_sent(struct progress *progress)
{
	progress_lock(progress);
	size_t sent = progress->sent;
	pthread_mutex_unlock(&progress->mutex);
	return sent;
}

void progress_pause(struct progress *progress, int timeout_ms)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	progress_lock(progress);
	while (!progress->stopping && msp_condition_wait(&progress->changed, &progress->mutex, deadline_ms))
		continue;
	pthread_mutex_unlock(&progress->mutex);
}
