#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void progress_init(struct progress *progress)
{
	pthread_condattr_t attributes;
	*progress = (struct progress){.sent = 0};
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->changed, &attributes);
	pthread_condattr_destroy(&attributes);
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
	progress->window = window;
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

size_t progress_wait_allowance(struct progress *progress, size_t sent)
{
	size_t allowance = 0;
	progress_lock(progress);
	while (!progress->stopping) {
		size_t most = progress->settled + progress->window;
		most = most < progress->allowed ? most : progress->allowed;
		allowance = most > sent ? most - sent : 0;
		if (allowance)
			break;
		pthread_cond_wait(&progress->changed, &progress->mutex);
	}
	pthread_mutex_unlock(&progress->mutex);
	return allowance;
}

static struct timespec deadline_in(int timeout_ms)
{
	struct timespec deadline;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	return deadline;
}

bool progress_wait_settled(struct progress *progress, size_t count, int timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms);
	progress_lock(progress);
	while (progress->settled < count && !*progress->failure)
		if (pthread_cond_timedwait(&progress->changed, &progress->mutex, &deadline) != 0)
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
	struct timespec deadline = deadline_in(timeout_ms);
	progress_lock(progress);
	while (!progress->stopping && pthread_cond_timedwait(&progress->changed, &progress->mutex, &deadline) == 0)
		continue;
	pthread_mutex_unlock(&progress->mutex);
}
