/* The street that data walks, and the workers that walk it. */
#include "worker.h"

#include <msp/log.h>

#include <assert.h>
#include <stdlib.h>

/* How long an idle worker blocks in receive; stop and wake end it early. */
#define IDLE_MS 1000
/* How long an input is tried again for which the model has no memory. */
#define MODEL_PATIENCE_MS 3000
/* How long one settle_wait may block before the worker looks at its stop flag. */
#define SETTLE_WAIT_MS 100

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ---- rounds ---- */

static void round_release(struct msp_worker *worker, struct round *round)
{
	if (round->batch)
		worker->consumer->ops->batch_free(worker->consumer, round->batch);
	round->batch = NULL;
}

/* Takes the next batch. Does not block while another is in flight: at low rate that one would wait for nothing. */
static enum msp_status round_receive(struct msp_worker *worker, struct round *round, bool other_in_flight,
                                     struct msp_error *err)
{
	struct msp_receive_limits limits = {
	    .max_messages = worker->sizer.next,
	    .max_bytes = worker->config->batch_max_bytes,
	    .timeout_ms = other_in_flight ? 0 : IDLE_MS,
	};
	struct msp_error why = {.text = ""};
	enum msp_status status = worker->consumer->ops->receive(worker->consumer, &limits, &round->batch, &why);
	if (status == MSP_OK) {
		if (!other_in_flight)
			msp_worker_resume(worker);
		if (round->batch)
			count(&worker->counters.received, round->batch->count);
		return MSP_OK;
	}
	round->batch = NULL;
	if (!why.retriable) {
		*err = why;
		return status;
	}
	/* With a batch in flight settle_wait is the one that waits. */
	if (!other_in_flight)
		msp_worker_wait(worker, &why);
	return MSP_OK;
}

/* Decode, validate, predict, encode. False: no memory now. */
static bool round_try_compute(struct msp_worker *worker, struct round *round)
{
	int64_t predict_ns = 0;
	if (msp_pipeline_run(worker->pipeline, round->batch->messages, round->batch->count, &round->work, &predict_ns) !=
	    MSP_OK)
		return false;
	round->outgoing = results_new(&round->work, &worker->results);
	if (!round->outgoing)
		return false;
	size_t memory = msp_arena_used(&round->work.records) + round->work.encoded.size;
	msp_sizer_observe(&worker->sizer, round->batch->count, predict_ns, memory);
	count(&worker->counters.predict_ns, (uint64_t)predict_ns);
	return true;
}

/* Waits for memory and tries again; stopped meanwhile, it lets the batch go, unsettled. What only the model lacks
 * memory for is not waited for long: it may be the input that asks for too much. */
static void round_compute(struct msp_worker *worker, struct round *round)
{
	static const struct msp_error no_memory = {MSP_E_NO_MEMORY, true, "no memory for a batch"};
	int64_t began_ms = msp_monotonic_ms();
	do {
		msp_worker_wait(worker, &no_memory);
		if (msp_worker_stopping(worker)) {
			round_release(worker, round);
			break;
		}
		round->work.last_try = msp_monotonic_ms() - began_ms >= MODEL_PATIENCE_MS;
	} while (!round_try_compute(worker, round));
	round->work.last_try = false;
}

static void round_begin(struct msp_worker *worker, struct round *round)
{
	worker->consumer->ops->settle_begin(worker->consumer, round->batch, round->outgoing);
	round->in_flight = true;
}

static void round_tally(struct msp_worker *worker, const struct round *round)
{
	struct worker_counters *counters = &worker->counters;
	uint64_t outputs = 0, errors = 0;
	for (size_t i = 0; i < round->work.count; i++) {
		const struct msp_failure *failure = round->work.items[i].failure;
		if (round->outgoing[i].state == MSP_OUTGOING_ELSEWHERE)
			continue;
		outputs += !failure;
		errors += failure != NULL;
		if (failure)
			count(&counters->errors_by_code[failure->code], 1);
	}
	count(&counters->outputs, outputs);
	count(&counters->errors, errors);
	count(&counters->batches, 1);
}

/* Whether a batch that cannot be settled is left to others now: stop was asked and its time is over. */
static bool round_out_of_time(struct msp_worker *worker)
{
	return msp_worker_stopping(worker) && msp_monotonic_ms() >= atomic_load(&worker->stop_deadline_ms);
}

/* Freeing the consumer gives the batch up; its inputs come again, to us or to others. */
static void round_abandon(struct msp_worker *worker, const struct round *round, const struct msp_error *why)
{
	msp_log(MSP_LOG_WARN, "stopped before the broker took the results; their inputs will come again", "model",
	        worker->config->entry->identity, "worker", worker->slot_text, "messages",
	        MSP_LOG_NUMBER(round->batch->count), "reason", why->status == MSP_OK ? NULL : why->text, NULL);
	worker->abandoned = true;
}

/* Replaces what the broker refused and begins again with what is left, unless it is abandoned. */
static enum msp_status round_begin_again(struct msp_worker *worker, struct round *round, struct msp_error *err)
{
	static const struct msp_error no_memory = {MSP_E_NO_MEMORY, true, "no memory for an error record"};
	enum msp_status status;
	while ((status = results_replace_rejected(&round->work, &worker->results, round->outgoing, err)) ==
	       MSP_E_NO_MEMORY) {
		if (round_out_of_time(worker)) {
			round_abandon(worker, round, &no_memory);
			return MSP_OK;
		}
		msp_worker_wait(worker, &no_memory);
	}
	if (status == MSP_OK)
		round_begin(worker, round);
	return status;
}

/* Waits until the batch in flight is settled. A lost one takes the next with it: that was read behind it. */
static enum msp_status round_settle(struct msp_worker *worker, struct round *round, struct round *next,
                                    struct msp_error *err)
{
	for (;;) {
		struct msp_error why = {.status = MSP_OK};
		enum msp_status status = MSP_OK;
		enum msp_settle_answer answer = worker->consumer->ops->settle_wait(worker->consumer, SETTLE_WAIT_MS, &why);
		round->in_flight = answer == MSP_SETTLE_AGAIN;
		switch (answer) {
		case MSP_SETTLE_OK:
			round_tally(worker, round);
			round_release(worker, round);
			msp_worker_resume(worker);
			return MSP_OK;
		case MSP_SETTLE_LOST:
			msp_log(MSP_LOG_INFO, "a batch was taken over", "model", worker->config->entry->identity, "worker",
			        worker->slot_text, "messages", MSP_LOG_NUMBER(round->batch->count), "reason", why.text, NULL);
			count(&worker->counters.lost, 1);
			round_release(worker, round);
			round_release(worker, next);
			return MSP_OK;
		case MSP_SETTLE_REJECTED:
			status = round_begin_again(worker, round, err);
			if (status != MSP_OK || worker->abandoned)
				return status;
			break;
		case MSP_SETTLE_FAILED:
			assert(why.status != MSP_OK);
			*err = why;
			return why.status;
		case MSP_SETTLE_AGAIN:
			if (round_out_of_time(worker)) {
				round_abandon(worker, round, &why);
				return MSP_OK;
			}
			if (why.status != MSP_OK)
				msp_worker_wait(worker, &why);
			break;
		}
	}
}

/* ---- the street ---- */

/* receive(n+1) → compute(n+1) → settle_wait(n) → settle_begin(n+1): a batch is computed while the one before it is
 * being acknowledged, and never begun before that one has ended. */
enum msp_status msp_worker_serve(struct msp_worker *worker, struct msp_error *err)
{
	struct round *next = &worker->rounds[0], *flying = &worker->rounds[1];
	enum msp_status status = MSP_OK;
	while (status == MSP_OK && !worker->abandoned && (flying->in_flight || !msp_worker_stopping(worker))) {
		if (!msp_worker_stopping(worker))
			status = round_receive(worker, next, flying->in_flight, err);
		bool computed = status == MSP_OK && next->batch && round_try_compute(worker, next);
		if (status == MSP_OK && flying->in_flight)
			status = round_settle(worker, flying, next, err);
		/* Only now: who waits for memory must not leave a batch in flight. */
		if (status == MSP_OK && next->batch && !computed && !worker->abandoned)
			round_compute(worker, next);
		if (status == MSP_OK && next->batch && !worker->abandoned) {
			round_begin(worker, next);
			struct round *begun = next;
			next = flying;
			flying = begun;
		}
	}
	return status;
}

/* ---- the processor ---- */

struct msp_processor {
	struct service {
		struct msp_service_config config;
		struct msp_worker *workers; /* config.workers of them; owned */
		int ready_workers;          /* that msp_worker_init has made */
	} * *services;                  /* owned; each at its own place, because workers borrow their config */
	size_t service_count;
	atomic_bool started;
};

enum msp_status msp_processor_new(struct msp_processor **ret_processor, struct msp_error *err)
{
	*ret_processor = calloc(1, sizeof(**ret_processor));
	return *ret_processor ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the processor");
}

static void service_free(struct service *service)
{
	if (!service)
		return;
	for (int i = 0; i < service->ready_workers; i++)
		msp_worker_stop(&service->workers[i]);
	for (int i = 0; i < service->ready_workers; i++)
		msp_worker_done(&service->workers[i]);
	free(service->workers);
	free(service);
}

void msp_processor_free(struct msp_processor *processor)
{
	if (!processor)
		return;
	msp_processor_stop(processor);
	for (size_t i = 0; i < processor->service_count; i++)
		service_free(processor->services[i]);
	free(processor->services);
	free(processor);
}

static enum msp_status service_new(const struct msp_service_config *config, struct service **ret_service,
                                   struct msp_error *err)
{
	struct service *service = calloc(1, sizeof(*service));
	if (service)
		service->workers = calloc((size_t)config->workers, sizeof(*service->workers));
	if (!service || !service->workers) {
		service_free(service);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the workers of %s", config->entry->label);
	}
	service->config = *config;
	for (; service->ready_workers < config->workers; service->ready_workers++) {
		enum msp_status status =
		    msp_worker_init(&service->workers[service->ready_workers], &service->config, service->ready_workers, err);
		if (status != MSP_OK) {
			service_free(service);
			return status;
		}
	}
	*ret_service = service;
	return MSP_OK;
}

enum msp_status msp_processor_add(struct msp_processor *processor, const struct msp_service_config *config,
                                  struct msp_error *err)
{
	assert(config->workers > 0 && !atomic_load(&processor->started));
	struct service **services =
	    realloc(processor->services, (processor->service_count + 1) * sizeof(*processor->services));
	if (!services)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a service");
	processor->services = services;
	enum msp_status status = service_new(config, &services[processor->service_count], err);
	if (status == MSP_OK)
		processor->service_count++;
	return status;
}

/* Calls `visit` for every worker. */
#define FOR_EACH_WORKER(processor, worker)                                                                             \
	for (size_t service_ = 0; service_ < (processor)->service_count; service_++)                                       \
		for (struct msp_worker *worker = (processor)->services[service_]->workers;                                     \
		     worker < (processor)->services[service_]->workers + (processor)->services[service_]->config.workers;      \
		     worker++)

enum msp_status msp_processor_start(struct msp_processor *processor, struct msp_error *err)
{
	atomic_store(&processor->started, true);
	FOR_EACH_WORKER (processor, worker) {
		enum msp_status status = msp_worker_start(worker, err);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

void msp_processor_stop(struct msp_processor *processor)
{
	FOR_EACH_WORKER (processor, worker)
		msp_worker_stop(worker);
}

enum msp_status msp_processor_join(struct msp_processor *processor, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	FOR_EACH_WORKER (processor, worker) {
		msp_worker_join(worker);
		if (status == MSP_OK && worker->status != MSP_OK) {
			status = worker->status;
			if (err)
				*err = worker->error;
		}
	}
	return status;
}

bool msp_processor_ready(const struct msp_processor *processor)
{
	if (!atomic_load(&processor->started))
		return false;
	FOR_EACH_WORKER (processor, worker)
		if (atomic_load_explicit(&worker->state, memory_order_acquire) != WORKER_READY)
			return false;
	return true;
}

bool msp_processor_failed(const struct msp_processor *processor)
{
	FOR_EACH_WORKER (processor, worker)
		if (atomic_load_explicit(&worker->state, memory_order_acquire) == WORKER_ENDED && !msp_worker_stopping(worker))
			return true;
	return false;
}

void msp_processor_counters(const struct msp_processor *processor, struct msp_counters *ret_counters)
{
	*ret_counters = (struct msp_counters){.received = 0};
	FOR_EACH_WORKER (processor, worker) {
		const struct worker_counters *from = &worker->counters;
		ret_counters->received += atomic_load_explicit(&from->received, memory_order_relaxed);
		ret_counters->outputs += atomic_load_explicit(&from->outputs, memory_order_relaxed);
		ret_counters->errors += atomic_load_explicit(&from->errors, memory_order_relaxed);
		ret_counters->batches += atomic_load_explicit(&from->batches, memory_order_relaxed);
		ret_counters->lost += atomic_load_explicit(&from->lost, memory_order_relaxed);
		ret_counters->predict_ns += atomic_load_explicit(&from->predict_ns, memory_order_relaxed);
		for (size_t i = 0; i < MSP_FAILURE_CODES; i++)
			ret_counters->errors_by_code[i] += atomic_load_explicit(&from->errors_by_code[i], memory_order_relaxed);
	}
}
