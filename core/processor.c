#include "worker.h"

#include <msp/log.h>

#include <assert.h>
#include <stdlib.h>

struct service {
	struct msp_service_config config;
	struct msp_worker *workers; /* config.workers of them; owned */
	int ready_workers;          /* that msp_worker_init has made */
	bool started;
};

struct msp_processor {
	/* Guards the list against those who look on; the owner thread alone changes it. */
	pthread_mutex_t mutex;
	struct service **services; /* owned; each at its own place, because workers borrow their config */
	size_t service_count;
	struct msp_counters removed; /* what services counted that are gone */
	bool stopped;
};

enum msp_status msp_processor_new(struct msp_processor **ret_processor, struct msp_error *err)
{
	struct msp_processor *processor = calloc(1, sizeof(*processor));
	if (!processor || pthread_mutex_init(&processor->mutex, NULL) != 0) {
		free(processor);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the processor");
	}
	*ret_processor = processor;
	return MSP_OK;
}

/* ---- one service ---- */

static void service_stop(struct service *service)
{
	for (int i = 0; i < service->ready_workers; i++)
		msp_worker_stop(&service->workers[i]);
}

static void service_free(struct service *service)
{
	if (!service)
		return;
	service_stop(service);
	for (int i = 0; i < service->ready_workers; i++)
		msp_worker_done(&service->workers[i]);
	free(service->workers);
	free(service);
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

static enum msp_status service_start(struct service *service, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	for (int i = 0; i < service->ready_workers && status == MSP_OK; i++)
		status = msp_worker_start(&service->workers[i], err);
	return status;
}

/* MSP_OK, or the status of its first worker that had to end. */
static enum msp_status service_join(struct service *service, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	for (int i = 0; i < service->ready_workers; i++) {
		struct msp_worker *worker = &service->workers[i];
		msp_worker_join(worker);
		if (status == MSP_OK && worker->status != MSP_OK) {
			status = worker->status;
			if (err)
				*err = worker->error;
		}
	}
	return status;
}

/* ---- the list of services ---- */

static struct service **service_find(struct msp_processor *processor, const char *label, struct msp_error *err)
{
	for (size_t i = 0; i < processor->service_count; i++)
		if (strcmp(processor->services[i]->config.entry->label, label) == 0)
			return &processor->services[i];
	msp_error_set(err, MSP_E_NOT_FOUND, "no model '%s' is served", label);
	return NULL;
}

static enum msp_status processor_append(struct msp_processor *processor, struct service *service, struct msp_error *err)
{
	pthread_mutex_lock(&processor->mutex);
	struct service **services =
	    realloc(processor->services, (processor->service_count + 1) * sizeof(*processor->services));
	if (services) {
		processor->services = services;
		services[processor->service_count++] = service;
	}
	pthread_mutex_unlock(&processor->mutex);
	return services ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a service");
}

enum msp_status msp_processor_add(struct msp_processor *processor, const struct msp_service_config *config,
                                  struct msp_error *err)
{
	assert(config->workers > 0 && config->entry->loaded);
	if (service_find(processor, config->entry->label, NULL))
		return msp_error_set(err, MSP_E_EXISTS, "the model '%s' is served already", config->entry->label);
	struct service *service = NULL;
	enum msp_status status = service_new(config, &service, err);
	if (status != MSP_OK)
		return status;
	status = processor_append(processor, service, err);
	if (status != MSP_OK)
		service_free(service);
	return status;
}

enum msp_status msp_processor_start(struct msp_processor *processor, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < processor->service_count && status == MSP_OK; i++) {
		struct service *service = processor->services[i];
		if (service->started)
			continue;
		pthread_mutex_lock(&processor->mutex);
		service->started = true;
		pthread_mutex_unlock(&processor->mutex);
		status = service_start(service, err);
	}
	return status;
}

enum msp_status msp_processor_stop_service(struct msp_processor *processor, const char *label, struct msp_error *err)
{
	struct service **service = service_find(processor, label, err);
	if (!service)
		return MSP_E_NOT_FOUND;
	service_stop(*service);
	return MSP_OK;
}

static void counters_add(struct msp_counters *sum, const struct msp_counters *more)
{
	sum->received += more->received;
	sum->outputs += more->outputs;
	sum->errors += more->errors;
	sum->batches += more->batches;
	sum->lost += more->lost;
	for (size_t i = 0; i < MSP_FAILURE_CODES; i++)
		sum->errors_by_code[i] += more->errors_by_code[i];
}

enum msp_status msp_processor_remove(struct msp_processor *processor, const char *label, struct msp_error *err)
{
	struct service **place = service_find(processor, label, err);
	if (!place)
		return MSP_E_NOT_FOUND;
	struct service *service = *place;
	service_stop(service);
	enum msp_status status = service_join(service, err);
	pthread_mutex_lock(&processor->mutex);
	for (int i = 0; i < service->ready_workers; i++) {
		struct msp_worker_snapshot last;
		msp_worker_look(&service->workers[i], &last);
		counters_add(&processor->removed, &last.counters);
	}
	size_t behind = processor->service_count - (size_t)(place - processor->services) - 1;
	memmove(place, place + 1, behind * sizeof(struct service *));
	processor->service_count--;
	pthread_mutex_unlock(&processor->mutex);
	service_free(service);
	return status;
}

/* ---- all services ---- */

void msp_processor_stop(struct msp_processor *processor)
{
	pthread_mutex_lock(&processor->mutex);
	processor->stopped = true;
	for (size_t i = 0; i < processor->service_count; i++)
		service_stop(processor->services[i]);
	pthread_mutex_unlock(&processor->mutex);
}

enum msp_status msp_processor_join(struct msp_processor *processor, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < processor->service_count; i++) {
		struct msp_error why;
		enum msp_status joined = service_join(processor->services[i], &why);
		if (status == MSP_OK && joined != MSP_OK) {
			status = joined;
			if (err)
				*err = why;
		}
	}
	return status;
}

void msp_processor_free(struct msp_processor *processor)
{
	if (!processor)
		return;
	msp_processor_stop(processor);
	for (size_t i = 0; i < processor->service_count; i++)
		service_free(processor->services[i]);
	free(processor->services);
	pthread_mutex_destroy(&processor->mutex);
	free(processor);
}

/* Whether every worker satisfies `test`. */
static bool processor_all(struct msp_processor *processor,
                          bool (*test)(const struct service *service, struct msp_worker *worker))
{
	bool all = true;
	for (size_t i = 0; i < processor->service_count && all; i++)
		for (int j = 0; j < processor->services[i]->ready_workers && all; j++)
			all = test(processor->services[i], &processor->services[i]->workers[j]);
	return all;
}

static bool worker_is_ready(const struct service *service, struct msp_worker *worker)
{
	bool serves = atomic_load_explicit(&worker->state, memory_order_acquire) == MSP_WORKER_READY;
	return service->started && ((serves && !msp_worker_hangs(worker)) || msp_worker_stopping(worker));
}

bool msp_processor_ready(struct msp_processor *processor)
{
	pthread_mutex_lock(&processor->mutex);
	bool ready = processor->service_count > 0 && !processor->stopped && processor_all(processor, worker_is_ready);
	pthread_mutex_unlock(&processor->mutex);
	return ready;
}

static bool worker_has_not_failed(const struct service *service, struct msp_worker *worker)
{
	(void)service;
	return atomic_load_explicit(&worker->state, memory_order_acquire) != MSP_WORKER_ENDED ||
	       msp_worker_stopping(worker);
}

bool msp_processor_failed(struct msp_processor *processor)
{
	pthread_mutex_lock(&processor->mutex);
	bool failed = !processor_all(processor, worker_has_not_failed);
	pthread_mutex_unlock(&processor->mutex);
	return failed;
}

static bool worker_watch(const struct service *service, struct msp_worker *worker)
{
	(void)service;
	msp_worker_watch(worker);
	return true;
}

void msp_processor_watch(struct msp_processor *processor)
{
	pthread_mutex_lock(&processor->mutex);
	processor_all(processor, worker_watch);
	pthread_mutex_unlock(&processor->mutex);
}

static bool worker_say_unended(const struct service *service, struct msp_worker *worker)
{
	if (service->started)
		msp_worker_say_unended(worker);
	return true;
}

void msp_processor_say_unended(struct msp_processor *processor)
{
	if (pthread_mutex_trylock(&processor->mutex) != 0) {
		msp_log(MSP_LOG_ERROR, "asking the workers to stop does not return", NULL);
		return;
	}
	processor_all(processor, worker_say_unended);
	pthread_mutex_unlock(&processor->mutex);
}

void msp_processor_visit(struct msp_processor *processor,
                         void (*visit)(void *context, const struct msp_worker_snapshot *snapshot), void *context)
{
	pthread_mutex_lock(&processor->mutex);
	for (size_t i = 0; i < processor->service_count; i++) {
		for (int j = 0; j < processor->services[i]->ready_workers; j++) {
			struct msp_worker_snapshot snapshot;
			msp_worker_look(&processor->services[i]->workers[j], &snapshot);
			visit(context, &snapshot);
		}
	}
	pthread_mutex_unlock(&processor->mutex);
}

static void counters_visit(void *context, const struct msp_worker_snapshot *snapshot)
{
	counters_add(context, &snapshot->counters);
}

void msp_processor_counters(struct msp_processor *processor, struct msp_counters *ret_counters)
{
	struct msp_counters sum = {.received = 0};
	msp_processor_visit(processor, counters_visit, &sum);
	pthread_mutex_lock(&processor->mutex);
	counters_add(&sum, &processor->removed);
	pthread_mutex_unlock(&processor->mutex);
	*ret_counters = sum;
}
