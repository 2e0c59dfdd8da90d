/* What a worker does while something that it needs is away. */
#include "worker.h"

#include <msp/log.h>
#include <msp/thread.h>

#include <stdio.h>
#include <time.h>

#define SAY_EVERY_MS 10000
/* Between the last tries of a worker that is to stop. */
#define LAST_TRIES_MS 20

const char *msp_wait_name(enum msp_wait reason)
{
	static const char *const names[] = {
	    [MSP_WAIT_NOTHING] = "nothing",
	    [MSP_WAIT_BROKER] = "the broker",
	    [MSP_WAIT_ACKNOWLEDGEMENT] = "the acknowledgement",
	    [MSP_WAIT_MODEL] = "the model",
	    [MSP_WAIT_CODEC] = "the codec",
	    [MSP_WAIT_MEMORY] = "memory",
	};
	return names[reason];
}

bool msp_worker_stopping(struct msp_worker *worker)
{
	return atomic_load_explicit(&worker->stop, memory_order_acquire);
}

static void worker_sleep(struct msp_worker *worker, int timeout_ms)
{
	if (msp_worker_stopping(worker)) {
		/* Stop wakes nobody any more. */
		nanosleep(&(struct timespec){.tv_nsec = LAST_TRIES_MS * 1000000L}, NULL);
		return;
	}
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	pthread_mutex_lock(&worker->mutex);
	while (!msp_worker_stopping(worker) && msp_condition_wait(&worker->stopped, &worker->mutex, deadline_ms))
		;
	pthread_mutex_unlock(&worker->mutex);
}

static void worker_set_wait(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why)
{
	pthread_mutex_lock(&worker->mutex);
	if (worker->waiting_for != reason) {
		worker->waiting_for = reason;
		worker->waiting_since_ms = msp_monotonic_ms();
		worker->waiting_said_ms = 0;
	}
	snprintf(worker->waiting_why, sizeof(worker->waiting_why), "%s", why->text);
	pthread_mutex_unlock(&worker->mutex);
	atomic_store_explicit(&worker->state, MSP_WORKER_WAITING, memory_order_release);
}

static void worker_say_wait(struct msp_worker *worker, const struct msp_error *why)
{
	int64_t now_ms = msp_monotonic_ms();
	if (worker->waiting_said_ms && now_ms - worker->waiting_said_ms < SAY_EVERY_MS)
		return;
	worker->waiting_said_ms = now_ms;
	char message[40];
	snprintf(message, sizeof(message), "waiting for %s", msp_wait_name(worker->waiting_for));
	bool topic_is_missing = worker->waiting_for == MSP_WAIT_BROKER && why->status == MSP_E_NOT_FOUND;
	msp_log(MSP_LOG_WARN, message, "model", worker->config->entry->identity, "worker", worker->slot_text, "reason",
	        why->text, "for_s", MSP_LOG_NUMBER((now_ms - worker->waiting_since_ms) / 1000), "create_topics_with",
	        topic_is_missing ? worker->config->topics_hint : NULL, NULL);
}

void msp_worker_note_wait(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why)
{
	worker_set_wait(worker, reason, why);
	worker_say_wait(worker, why);
}

void msp_worker_wait(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why)
{
	msp_worker_note_wait(worker, reason, why);
	worker_sleep(worker, msp_backoff_next_ms(&worker->backoff));
}

void msp_worker_wait_serving(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why)
{
	msp_worker_note_wait(worker, reason, why);
	int64_t deadline_ms = msp_deadline_in(msp_backoff_next_ms(&worker->backoff));
	if (msp_consumer_serve(worker->consumer, msp_deadline_left_ms(deadline_ms), NULL) != MSP_OK)
		worker_sleep(worker, msp_deadline_left_ms(deadline_ms));
}

void msp_worker_resume(struct msp_worker *worker)
{
	if (worker->waiting_for == MSP_WAIT_NOTHING)
		return;
	msp_log(MSP_LOG_INFO, "the wait is over", "model", worker->config->entry->identity, "worker", worker->slot_text,
	        "after_s", MSP_LOG_NUMBER((msp_monotonic_ms() - worker->waiting_since_ms) / 1000), NULL);
	pthread_mutex_lock(&worker->mutex);
	worker->waiting_for = MSP_WAIT_NOTHING;
	worker->waiting_since_ms = 0;
	worker->waiting_why[0] = '\0';
	pthread_mutex_unlock(&worker->mutex);
	worker->waiting_said_ms = 0;
	msp_backoff_reset(&worker->backoff);
	atomic_store_explicit(&worker->state, MSP_WORKER_READY, memory_order_release);
}
