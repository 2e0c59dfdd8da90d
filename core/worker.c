#include "worker.h"

#include <msp/log.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BACKOFF_INITIAL_MS 20
#define BACKOFF_MAX_MS     1000
#define SAY_EVERY_MS       10000

bool msp_worker_stopping(struct msp_worker *worker)
{
	return atomic_load_explicit(&worker->stop, memory_order_acquire);
}

static void worker_set_state(struct msp_worker *worker, enum worker_state state)
{
	atomic_store_explicit(&worker->state, state, memory_order_release);
}

/* ---- waiting for the broker ---- */

static void worker_sleep(struct msp_worker *worker, int timeout_ms)
{
	if (msp_worker_stopping(worker)) {
		/* The last tries before the worker gives up: stop wakes nobody any more. */
		nanosleep(&(struct timespec){.tv_nsec = BACKOFF_INITIAL_MS * 1000000L}, NULL);
		return;
	}
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&worker->mutex);
	while (!msp_worker_stopping(worker))
		if (pthread_cond_timedwait(&worker->stopped, &worker->mutex, &until) != 0)
			break;
	pthread_mutex_unlock(&worker->mutex);
}

void msp_worker_wait(struct msp_worker *worker, const struct msp_error *why)
{
	int64_t now_ms = msp_monotonic_ms();
	if (!worker->waiting_since_ms)
		worker->waiting_since_ms = now_ms;
	if (!worker->waiting_said_ms || now_ms - worker->waiting_said_ms >= SAY_EVERY_MS) {
		worker->waiting_said_ms = now_ms;
		msp_log(MSP_LOG_WARN, why->status == MSP_E_NO_MEMORY ? "waiting for memory" : "waiting for the broker", "model",
		        worker->config->entry->identity, "worker", worker->slot_text, "reason", why->text, "for_s",
		        MSP_LOG_NUMBER((now_ms - worker->waiting_since_ms) / 1000), "create_topics_with",
		        why->status == MSP_E_NOT_FOUND ? worker->config->topics_hint : NULL, NULL);
	}
	worker_set_state(worker, WORKER_WAITING);
	worker_sleep(worker, msp_backoff_next_ms(&worker->backoff));
}

void msp_worker_resume(struct msp_worker *worker)
{
	if (!worker->waiting_since_ms)
		return;
	msp_log(MSP_LOG_INFO, "the wait is over", "model", worker->config->entry->identity, "worker", worker->slot_text,
	        "after_s", MSP_LOG_NUMBER((msp_monotonic_ms() - worker->waiting_since_ms) / 1000), NULL);
	worker->waiting_since_ms = worker->waiting_said_ms = 0;
	msp_backoff_reset(&worker->backoff);
	worker_set_state(worker, WORKER_READY);
}

/* ---- the worker's life ---- */

/* The first worker uses the registry's instance, so that a model is in memory once per worker and not once more. */
static enum msp_status worker_open_model(struct msp_worker *worker, struct msp_error *err)
{
	const struct msp_service_config *config = worker->config;
	worker->model = config->entry->model;
	if (worker->slot > 0 || !worker->model) {
		enum msp_status status =
		    msp_plugin_open(&config->entry->plugin, config->entry->options, &worker->own_model, err);
		if (status != MSP_OK)
			return msp_error_prefix(err, status, "model %s", config->entry->label);
		worker->model = worker->own_model;
	}
	return msp_pipeline_new(&config->pipeline, worker->model, &worker->pipeline, err);
}

static void worker_init_results(struct msp_worker *worker)
{
	const struct msp_service_config *config = worker->config;
	worker->results = (struct results_context){
	    .error = {.model = config->entry->identity, .group = config->group},
	    .output_headers = {{MSP_BYTES_LITERAL("msp-model"), msp_bytes_of_string(config->entry->identity)},
	                       {MSP_BYTES_LITERAL("content-type"),
	                        msp_bytes_of_string(config->pipeline.output_codec->content_type)}},
	    .output_header_count = config->output_headers ? 2 : 0,
	};
}

/* Opens the consumer, waiting for the broker and its topics as long as it takes. MSP_OK without a consumer: stopped. */
static enum msp_status worker_open_consumer(struct msp_worker *worker, struct msp_error *err)
{
	const struct msp_service_config *config = worker->config;
	const struct msp_topics *topics = &config->entry->topics;
	struct msp_consumer_config consumer_config = {
	    .inputs = topics->name[MSP_TOPIC_INPUTS],
	    .outputs = topics->name[MSP_TOPIC_OUTPUTS],
	    .errors = topics->name[MSP_TOPIC_ERRORS],
	    .group = config->group,
	    .instance = config->instance,
	    .slot = worker->slot,
	    .guarantee = config->guarantee,
	    .commit_interval_ms = config->commit_interval_ms,
	};
	while (!msp_worker_stopping(worker)) {
		struct msp_consumer *consumer = NULL;
		struct msp_error why = {.text = ""};
		enum msp_status status =
		    config->transport->ops->consumer_open(config->transport, &consumer_config, &consumer, &why);
		if (status == MSP_OK) {
			pthread_mutex_lock(&worker->mutex);
			worker->consumer = consumer;
			pthread_mutex_unlock(&worker->mutex);
			return MSP_OK;
		}
		if (!why.retriable) {
			if (err)
				*err = why;
			return status;
		}
		msp_worker_wait(worker, &why);
	}
	return MSP_OK;
}

static void worker_close(struct msp_worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	struct msp_consumer *consumer = worker->consumer;
	worker->consumer = NULL;
	pthread_mutex_unlock(&worker->mutex);
	if (consumer) {
		for (size_t i = 0; i < 2; i++)
			if (worker->rounds[i].batch && !worker->rounds[i].in_flight)
				consumer->ops->batch_free(consumer, worker->rounds[i].batch);
		consumer->ops->free(consumer);
	}
	msp_pipeline_free(worker->pipeline);
	worker->pipeline = NULL;
	if (worker->own_model)
		worker->own_model->plugin->close(worker->own_model);
	worker->model = worker->own_model = NULL;
}

static void *worker_main(void *argument)
{
	struct msp_worker *worker = argument;
	worker->status = worker_open_consumer(worker, &worker->error);
	if (worker->status == MSP_OK && worker->consumer) {
		msp_worker_resume(worker);
		worker_set_state(worker, WORKER_READY);
		msp_log(MSP_LOG_DEBUG, "worker ready", "model", worker->config->entry->identity, "worker", worker->slot_text,
		        NULL);
		worker->status = msp_worker_serve(worker, &worker->error);
	}
	worker_close(worker);
	if (worker->status != MSP_OK)
		msp_error_prefix(&worker->error, worker->status, "%s worker %d", worker->config->entry->identity, worker->slot);
	worker_set_state(worker, WORKER_ENDED);
	return NULL;
}

enum msp_status msp_worker_init(struct msp_worker *worker, const struct msp_service_config *config, int slot,
                                struct msp_error *err)
{
	worker->config = config;
	worker->slot = slot;
	snprintf(worker->slot_text, sizeof(worker->slot_text), "%d", slot);
	msp_backoff_init(&worker->backoff, BACKOFF_INITIAL_MS, BACKOFF_MAX_MS);
	msp_sizer_init(&worker->sizer, config->batch_max_messages, (int64_t)config->batch_max_ms * 1000000,
	               config->pipeline.max_memory);
	worker_init_results(worker);
	for (size_t i = 0; i < 2; i++)
		msp_work_init(&worker->rounds[i].work, &config->pipeline);

	pthread_condattr_t attributes;
	if (pthread_condattr_init(&attributes) != 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a worker");
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int failed = pthread_cond_init(&worker->stopped, &attributes);
	pthread_condattr_destroy(&attributes);
	if (failed || pthread_mutex_init(&worker->mutex, NULL) != 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a worker");
	return MSP_OK;
}

void msp_worker_done(struct msp_worker *worker)
{
	msp_worker_stop(worker);
	msp_worker_join(worker);
	worker_close(worker); /* of one that never started */
	for (size_t i = 0; i < 2; i++)
		msp_work_done(&worker->rounds[i].work);
	pthread_cond_destroy(&worker->stopped);
	pthread_mutex_destroy(&worker->mutex);
}

enum msp_status msp_worker_start(struct msp_worker *worker, struct msp_error *err)
{
	assert(!worker->started);
	/* Here and not in the new thread: a plugin's open is never called twice at once. */
	enum msp_status status = worker_open_model(worker, err);
	if (status != MSP_OK)
		return status;
	int error = pthread_create(&worker->thread, NULL, worker_main, worker);
	if (error)
		return msp_error_set(err, MSP_E_NO_MEMORY, "cannot start a thread: %s", strerror(error));
	worker->started = true;
	return MSP_OK;
}

void msp_worker_stop(struct msp_worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	if (!msp_worker_stopping(worker)) {
		atomic_store(&worker->stop_deadline_ms, msp_monotonic_ms() + worker->config->stop_timeout_ms);
		atomic_store_explicit(&worker->stop, true, memory_order_release);
	}
	pthread_cond_broadcast(&worker->stopped);
	if (worker->consumer)
		worker->consumer->ops->wake(worker->consumer);
	pthread_mutex_unlock(&worker->mutex);
}

void msp_worker_join(struct msp_worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
}
