#include "worker.h"

#include <msp/log.h>
#include <msp/thread.h>

#include <assert.h>
#include <stdio.h>

#define BACKOFF_INITIAL_MS 20
#define BACKOFF_MAX_MS     1000
#define CLOSING_MS         1000 /* at most a tenth of the time to stop */

static void worker_set_state(struct msp_worker *worker, enum msp_worker_state state)
{
	atomic_store_explicit(&worker->state, state, memory_order_release);
}

/* Opens the model, waiting for it as long as it takes. MSP_OK without a model: stopped. */
static enum msp_status worker_open_model(struct msp_worker *worker, struct msp_error *err)
{
	const struct msp_service_config *config = worker->config;
	while (!msp_worker_stopping(worker)) {
		struct msp_model *model = NULL;
		struct msp_error why = {.text = ""};
		enum msp_status status = msp_registry_open(config->entry, &model, &why);
		if (status == MSP_OK) {
			pthread_mutex_lock(&worker->mutex);
			worker->model = model;
			pthread_mutex_unlock(&worker->mutex);
			struct msp_pipeline_config pipeline = config->pipeline;
			pipeline.input_topic = config->entry->topics.name[MSP_TOPIC_INPUTS];
			pipeline.output_topic = config->entry->topics.name[MSP_TOPIC_OUTPUTS];
			return msp_pipeline_new(&pipeline, model, &worker->pipeline, err);
		}
		if (!why.retriable) {
			*err = why;
			return status;
		}
		msp_worker_wait(worker, MSP_WAIT_MODEL, &why);
	}
	return MSP_OK;
}

static void worker_init_results(struct msp_worker *worker)
{
	const struct msp_service_config *config = worker->config;
	worker->results = (struct msp_results_context){
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
		enum msp_status status = msp_transport_consumer_open(config->transport, &consumer_config, &consumer, &why);
		if (status == MSP_OK) {
			pthread_mutex_lock(&worker->mutex);
			worker->consumer = consumer;
			pthread_mutex_unlock(&worker->mutex);
			return MSP_OK;
		}
		if (!why.retriable) {
			*err = why;
			return status;
		}
		msp_worker_wait(worker, MSP_WAIT_BROKER, &why);
	}
	return MSP_OK;
}

static void worker_close(struct msp_worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	struct msp_consumer *consumer = worker->consumer;
	struct msp_model *model = worker->model;
	worker->consumer = NULL;
	worker->model = NULL;
	pthread_mutex_unlock(&worker->mutex);
	for (size_t i = 0; consumer && i < 2; i++)
		if (!worker->slots[i].in_flight)
			msp_consumer_batch_free(consumer, worker->slots[i].batch);
	msp_consumer_free(consumer);
	msp_pipeline_free(worker->pipeline);
	worker->pipeline = NULL;
	if (model)
		model->plugin->close(model);
}

static void *worker_main(void *argument)
{
	struct msp_worker *worker = argument;
	worker->status = worker_open_model(worker, &worker->error);
	if (worker->status == MSP_OK && worker->pipeline)
		worker->status = worker_open_consumer(worker, &worker->error);
	if (worker->status == MSP_OK && worker->consumer) {
		msp_worker_resume(worker);
		worker_set_state(worker, MSP_WORKER_READY);
		msp_log(MSP_LOG_DEBUG, "worker ready", "model", worker->config->entry->identity, "worker", worker->slot_text,
		        NULL);
		worker->status = msp_worker_serve(worker, &worker->error);
	}
	worker_close(worker);
	if (worker->status != MSP_OK)
		msp_error_prefix(&worker->error, worker->status, "%s worker %d", worker->config->entry->identity, worker->slot);
	worker_set_state(worker, MSP_WORKER_ENDED);
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
	atomic_store(&worker->batch_messages, worker->sizer.next);
	worker_init_results(worker);
	for (size_t i = 0; i < 2; i++)
		msp_work_init(&worker->slots[i].work, &config->pipeline);
	if (!msp_condition_init(&worker->stopped) || pthread_mutex_init(&worker->mutex, NULL) != 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a worker");
	return MSP_OK;
}

void msp_worker_done(struct msp_worker *worker)
{
	msp_worker_stop(worker);
	msp_worker_join(worker);
	for (size_t i = 0; i < 2; i++)
		msp_work_done(&worker->slots[i].work);
	pthread_cond_destroy(&worker->stopped);
	pthread_mutex_destroy(&worker->mutex);
}

enum msp_status msp_worker_start(struct msp_worker *worker, struct msp_error *err)
{
	assert(!worker->started);
	enum msp_status status = msp_thread_start(&worker->thread, worker_main, worker, err);
	worker->started = status == MSP_OK;
	return status;
}

/* What is left of the time to stop is for closing. */
static int settle_time_ms(int stop_timeout_ms)
{
	int tenth_ms = stop_timeout_ms / 10;
	return stop_timeout_ms - (tenth_ms < CLOSING_MS ? tenth_ms : CLOSING_MS);
}

void msp_worker_stop(struct msp_worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	if (!msp_worker_stopping(worker)) {
		atomic_store(&worker->stop_deadline_ms, msp_deadline_in(settle_time_ms(worker->config->stop_timeout_ms)));
		atomic_store_explicit(&worker->stop, true, memory_order_release);
	}
	pthread_cond_broadcast(&worker->stopped);
	if (worker->consumer)
		msp_consumer_wake(worker->consumer);
	if (worker->model && worker->model->plugin->wake)
		worker->model->plugin->wake(worker->model);
	pthread_mutex_unlock(&worker->mutex);
}

void msp_worker_join(struct msp_worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
}

static void counters_read(const struct msp_worker_counters *from, struct msp_counters *ret_counters)
{
	*ret_counters = (struct msp_counters){
	    .received = atomic_load_explicit(&from->received, memory_order_relaxed),
	    .outputs = atomic_load_explicit(&from->outputs, memory_order_relaxed),
	    .errors = atomic_load_explicit(&from->errors, memory_order_relaxed),
	    .batches = atomic_load_explicit(&from->batches, memory_order_relaxed),
	    .lost = atomic_load_explicit(&from->lost, memory_order_relaxed),
	};
	for (size_t i = 0; i < MSP_FAILURE_CODES; i++)
		ret_counters->errors_by_code[i] = atomic_load_explicit(&from->errors_by_code[i], memory_order_relaxed);
}

void msp_worker_look(struct msp_worker *worker, struct msp_worker_snapshot *ret_snapshot)
{
	struct msp_worker_snapshot *snapshot = ret_snapshot;
	*snapshot = (struct msp_worker_snapshot){
	    .label = worker->config->entry->label,
	    .model = worker->config->entry->identity,
	    .slot = worker->slot,
	    .state = atomic_load_explicit(&worker->state, memory_order_acquire),
	    .batch_messages = atomic_load_explicit(&worker->batch_messages, memory_order_relaxed),
	    .in_flight = atomic_load_explicit(&worker->in_flight, memory_order_relaxed),
	    .computing_since_ms = atomic_load_explicit(&worker->computing_since_ms, memory_order_relaxed),
	    .decode = &worker->counters.decode,
	    .predict = &worker->counters.predict,
	    .settle = &worker->counters.settle,
	    .end_to_end = &worker->counters.end_to_end,
	};
	if (snapshot->in_flight > 0)
		snapshot->in_flight_since_ms = atomic_load_explicit(&worker->in_flight_since_ms, memory_order_relaxed);
	counters_read(&worker->counters, &snapshot->counters);
	pthread_mutex_lock(&worker->mutex);
	snapshot->waiting_for = worker->waiting_for;
	snapshot->computing = worker->computing;
	snapshot->waiting_since_ms = worker->waiting_since_ms;
	memcpy(snapshot->waiting_why, worker->waiting_why, sizeof(snapshot->waiting_why));
	snapshot->has_consumer = worker->consumer != NULL;
	if (worker->consumer)
		msp_consumer_stats(worker->consumer, &snapshot->consumer);
	pthread_mutex_unlock(&worker->mutex);
}
