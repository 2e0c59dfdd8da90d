/* A worker: one thread with its own consumer and its own model instance. worker.c has its life, serve.c the processing
 * loop, wait.c what it does while something it needs is away. */
#ifndef MSP_WORKER_H
#define MSP_WORKER_H

#include "results.h"
#include "sizer.h"
#include <msp/backoff.h>
#include <msp/processor.h>
#include <pthread.h>
#include <stdatomic.h>

/* The counters and histograms of a worker's snapshot, written by the worker and read by any thread. */
struct msp_worker_counters {
	_Atomic uint64_t received, outputs, errors, errors_by_code[MSP_FAILURE_CODES], batches, lost;
	struct msp_histogram decode, predict, settle, end_to_end;
};

/* Room for one batch on its way through the worker. There are two: one is computed while the other is in flight. */
struct msp_batch_slot {
	struct msp_batch *batch; /* owned by the slot until it is released; NULL: the slot is free */
	struct msp_work work;
	struct msp_outgoing *outgoing; /* one per item; in work.records */
	bool in_flight;                /* from settle_begin to the end of settling */
	int64_t begun_ns;              /* of msp_monotonic_ns: settle_begin */
	enum msp_wait blocked_by;      /* why the batch could not be computed: what to wait for, and its words */
	struct msp_error blocked_why;
};

struct msp_worker {
	const struct msp_service_config *config;
	int slot;
	char slot_text[12]; /* for logs */

	pthread_t thread;
	bool started;
	atomic_bool stop;
	_Atomic int64_t stop_deadline_ms;
	_Atomic enum msp_worker_state state;
	_Atomic size_t batch_messages, in_flight;
	_Atomic int64_t in_flight_since_ms, computing_since_ms;
	struct msp_worker_counters counters;

	/* Guarded by the mutex when others look or the worker changes them. */
	pthread_mutex_t mutex;
	pthread_cond_t stopped;
	struct msp_consumer *consumer;
	struct msp_model *model;
	enum msp_wait waiting_for;
	char waiting_why[MSP_ERROR_TEXT_SIZE];
	int64_t waiting_since_ms;
	struct msp_computing computing;

	/* Of the worker's own thread. */
	struct msp_pipeline *pipeline;
	struct msp_results_context results;
	struct msp_sizer sizer;
	struct msp_backoff backoff;
	int64_t waiting_said_ms; /* 0: not waiting */
	struct msp_batch_slot slots[2];
	bool abandoned; /* a batch in flight was left to others because the time to stop was over */

	/* Of the thread that watches. */
	int64_t said_since_ms; /* the computing_since_ms that was spoken of, or 0 */
	int64_t said_ms;

	/* Valid after the thread has ended. */
	enum msp_status status;
	struct msp_error error;
};

/* ---- worker.c ---- */

/* Prepares `worker`, which must be zeroed; borrows `config`. */
enum msp_status msp_worker_init(struct msp_worker *worker, const struct msp_service_config *config, int slot,
                                struct msp_error *err) MSP_NODISCARD;
/* Asks the worker to end, waits for it and frees what it has. */
void msp_worker_done(struct msp_worker *worker);
/* Starts the thread, which opens the model and then the consumer. */
enum msp_status msp_worker_start(struct msp_worker *worker, struct msp_error *err) MSP_NODISCARD;
/* [any thread] */
void msp_worker_stop(struct msp_worker *worker);
void msp_worker_join(struct msp_worker *worker);
/* [any thread] The histograms are borrowed from the worker. */
void msp_worker_look(struct msp_worker *worker, struct msp_worker_snapshot *ret_snapshot);

/* ---- watch.c ---- */

/* Tells those who look on what is computed from now on; NULL: nothing any more. */
void msp_worker_note_computing(struct msp_worker *worker, const struct msp_batch *batch);
/* Whether it computes for so long that it is not ready. [any thread] */
bool msp_worker_hangs(const struct msp_worker *worker);
/* Says so every 10 s, and that it is over. */
void msp_worker_watch(struct msp_worker *worker);
/* Says what it does, unless it has ended. Waits for nobody. [any thread] */
void msp_worker_say_unended(struct msp_worker *worker);

/* ---- serve.c ---- */

/* Serves the worker's topics until it is stopped or cannot go on. */
enum msp_status msp_worker_serve(struct msp_worker *worker, struct msp_error *err);

/* ---- wait.c ---- */

bool msp_worker_stopping(struct msp_worker *worker);
/* Becomes not ready, says why at once and every 10 s, and waits with back-off or until stopped. */
void msp_worker_wait(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why);
/* As msp_worker_wait without waiting: for a caller that blocks elsewhere. */
void msp_worker_note_wait(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why);
/* As msp_worker_wait while a batch is held and none is in flight: serves the duties of the consumer's group meanwhile.
 */
void msp_worker_wait_serving(struct msp_worker *worker, enum msp_wait reason, const struct msp_error *why);
/* Whatever it was can again. */
void msp_worker_resume(struct msp_worker *worker);

#endif
