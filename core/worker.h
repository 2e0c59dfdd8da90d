/* A worker: one thread with its own consumer and its own model instance. */
#ifndef MSP_WORKER_H
#define MSP_WORKER_H

#include "results.h"
#include "sizer.h"
#include <msp/backoff.h>
#include <msp/processor.h>
#include <pthread.h>
#include <stdatomic.h>

enum worker_state { WORKER_OPENING, WORKER_READY, WORKER_WAITING, WORKER_ENDED };

/* The counters of msp_counters, written by the worker and read by any thread. */
struct worker_counters {
	_Atomic uint64_t received, outputs, errors, errors_by_code[MSP_FAILURE_CODES], batches, lost, predict_ns;
};

/* One batch on its way through the worker. There are two: one is computed while the other is in flight. */
struct round {
	struct msp_batch *batch; /* owned by the round until it is released; NULL: the round is free */
	struct msp_work work;
	struct msp_outgoing *outgoing; /* one per item; in work.records */
	bool in_flight;                /* from settle_begin to the end of settling */
};

struct msp_worker {
	const struct msp_service_config *config;
	int slot;
	char slot_text[12]; /* for logs */

	pthread_t thread;
	bool started;
	pthread_mutex_t mutex; /* guards consumer (against wake) and the condition */
	pthread_cond_t stopped;
	atomic_bool stop;
	_Atomic int64_t stop_deadline_ms;
	_Atomic enum worker_state state;
	struct worker_counters counters;

	/* Of the worker's own thread. */
	struct msp_consumer *consumer;
	struct msp_model *model;     /* own_model, or the registry's instance */
	struct msp_model *own_model; /* or NULL */
	struct msp_pipeline *pipeline;
	struct results_context results;
	struct msp_sizer sizer;
	struct msp_backoff backoff;
	int64_t waiting_since_ms, waiting_said_ms; /* 0: not waiting */
	struct round rounds[2];
	bool abandoned; /* a batch in flight was given up because the time to stop was over */

	/* Valid after the thread has ended. */
	enum msp_status status;
	struct msp_error error;
};

/* Prepares `worker`, which must be zeroed; borrows `config`. */
enum msp_status msp_worker_init(struct msp_worker *worker, const struct msp_service_config *config, int slot,
                                struct msp_error *err) MSP_NODISCARD;
/* Asks the worker to end, waits for it and frees what it has. */
void msp_worker_done(struct msp_worker *worker);
/* Opens the model, which may take long, and starts the thread. */
enum msp_status msp_worker_start(struct msp_worker *worker, struct msp_error *err) MSP_NODISCARD;
/* [any thread] */
void msp_worker_stop(struct msp_worker *worker);
void msp_worker_join(struct msp_worker *worker);

/* ---- what the street (processor.c) and the worker's life (worker.c) share ---- */

/* Serves the worker's topics until it is stopped or cannot go on. */
enum msp_status msp_worker_serve(struct msp_worker *worker, struct msp_error *err);

bool msp_worker_stopping(struct msp_worker *worker);
/* The broker cannot now, or there is no memory: becomes not ready, says why at once and every 10 s, and waits with
 * back-off or until stopped. */
void msp_worker_wait(struct msp_worker *worker, const struct msp_error *why);
/* It can again. */
void msp_worker_resume(struct msp_worker *worker);

#endif
