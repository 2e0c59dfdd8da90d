/* The processing loop of a worker: receive, compute, settle. */
#include "worker.h"

#include <msp/log.h>

#include <assert.h>

/* How long an idle worker blocks in receive; stop and wake end it early. */
#define IDLE_MS 1000
/* How long an input is tried again for which the model has no memory. */
#define MODEL_PATIENCE_MS 3000
/* How long one settle_wait may block before the worker looks at its stop flag. */
#define SETTLE_WAIT_MS 100

/* How long a settle may be slow before the worker counts as waiting for the broker. */
#define SETTLE_PATIENCE_MS 3000

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static void slot_release(struct msp_worker *worker, struct msp_batch_slot *slot)
{
	msp_consumer_batch_free(worker->consumer, slot->batch);
	slot->batch = NULL;
}

/* ---- receive ---- */

/* Takes the next batch. Does not block while another is in flight: at low rate that one would wait for nothing. */
static enum msp_status slot_receive(struct msp_worker *worker, struct msp_batch_slot *slot, bool other_in_flight,
                                    struct msp_error *err)
{
	struct msp_receive_limits limits = {
	    .max_messages = worker->sizer.next,
	    .max_bytes = worker->config->batch_max_bytes,
	    .timeout_ms = other_in_flight ? 0 : IDLE_MS,
	};
	struct msp_error why = {.text = ""};
	enum msp_status status = msp_consumer_receive(worker->consumer, &limits, &slot->batch, &why);
	if (status == MSP_OK) {
		if (!other_in_flight)
			msp_worker_resume(worker);
		if (slot->batch)
			count(&worker->counters.received, slot->batch->count);
		return MSP_OK;
	}
	if (!why.retriable) {
		*err = why;
		return status;
	}
	/* With a batch in flight settle_wait is the one that waits. */
	if (!other_in_flight)
		msp_worker_wait(worker, MSP_WAIT_BROKER, &why);
	return MSP_OK;
}

/* ---- compute ---- */

static void slot_observe(struct msp_worker *worker, const struct msp_batch_slot *slot)
{
	const struct msp_work *work = &slot->work;
	size_t memory = msp_arena_used(&work->records) + work->encoded.size;
	msp_sizer_observe(&worker->sizer, work->count, work->predict_ns, memory);
	atomic_store_explicit(&worker->batch_messages, worker->sizer.next, memory_order_relaxed);
	msp_histogram_record(&worker->counters.decode, work->decode_ns, 1);
	msp_histogram_record(&worker->counters.predict, work->predict_ns, 1);
}

static enum msp_wait wait_of(enum msp_status status, enum msp_stage blocked)
{
	if (status == MSP_E_NO_MEMORY)
		return MSP_WAIT_MEMORY;
	return blocked == MSP_STAGE_PREDICT ? MSP_WAIT_MODEL : MSP_WAIT_CODEC;
}

/* Decode, validate, predict, encode. MSP_OK without *ret_computed: it cannot now, slot->blocked_by says what for. */
static enum msp_status slot_try_compute(struct msp_worker *worker, struct msp_batch_slot *slot, bool *ret_computed,
                                        struct msp_error *err)
{
	struct msp_error *why = &slot->blocked_why;
	msp_worker_note_computing(worker, slot->batch);
	enum msp_status status =
	    msp_pipeline_run(worker->pipeline, slot->batch->messages, slot->batch->count, &slot->work, why);
	if (status == MSP_OK) {
		slot->outgoing = msp_results_new(&slot->work, &worker->results);
		if (!slot->outgoing)
			status = msp_error_set(why, MSP_E_NO_MEMORY, "no memory for a batch");
	}
	msp_worker_note_computing(worker, NULL);
	*ret_computed = status == MSP_OK;
	if (status == MSP_OK) {
		slot_observe(worker, slot);
		return MSP_OK;
	}
	if (status != MSP_E_NO_MEMORY && !why->retriable) {
		*err = *why;
		return status;
	}
	slot->blocked_by = wait_of(status, slot->work.blocked);
	return MSP_OK;
}

/* Waits until the batch can be computed; stopped meanwhile, it lets the batch go, unsettled. What only the model lacks
 * memory for is not waited for long: it may be the input that asks for too much. */
static enum msp_status slot_compute(struct msp_worker *worker, struct msp_batch_slot *slot, struct msp_error *err)
{
	int64_t short_since_ms = msp_monotonic_ms();
	enum msp_status status = MSP_OK;
	for (bool computed = false; status == MSP_OK && !computed;) {
		if (!msp_worker_stopping(worker))
			msp_worker_wait_serving(worker, slot->blocked_by, &slot->blocked_why);
		if (msp_worker_stopping(worker)) {
			slot_release(worker, slot);
			break;
		}
		if (slot->blocked_by != MSP_WAIT_MEMORY)
			short_since_ms = msp_monotonic_ms();
		slot->work.last_try = msp_monotonic_ms() - short_since_ms >= MODEL_PATIENCE_MS;
		status = slot_try_compute(worker, slot, &computed, err);
	}
	slot->work.last_try = false;
	return status;
}

/* ---- settle ---- */

static void slot_begin(struct msp_worker *worker, struct msp_batch_slot *slot)
{
	atomic_store_explicit(&worker->in_flight_since_ms, msp_monotonic_ms(), memory_order_relaxed);
	atomic_store_explicit(&worker->in_flight, slot->batch->count, memory_order_relaxed);
	slot->begun_ns = msp_monotonic_ns();
	slot->in_flight = true;
	msp_consumer_settle_begin(worker->consumer, slot->batch, slot->outgoing);
}

/* Timestamps are the sender's: any number. */
static int64_t age_ns(int64_t timestamp_ms, int64_t now_ms)
{
	int64_t since_ms = timestamp_ms > 0 ? timestamp_ms : 0;
	return since_ms < now_ms ? (now_ms - since_ms) * 1000000 : 0;
}

/* From each message's own timestamp. Neighbours mostly share theirs, and are counted at once. */
static void slot_record_end_to_end(struct msp_worker *worker, const struct msp_batch_slot *slot)
{
	const struct msp_message *messages = slot->batch->messages;
	int64_t now_ms = msp_wall_ms();
	for (size_t i = 0, next; i < slot->batch->count; i = next) {
		for (next = i + 1; next < slot->batch->count; next++)
			if (messages[next].timestamp_ms != messages[i].timestamp_ms)
				break;
		if (messages[i].timestamp_ms != MSP_TIMESTAMP_NONE)
			msp_histogram_record(&worker->counters.end_to_end, age_ns(messages[i].timestamp_ms, now_ms), next - i);
	}
}

static void slot_tally(struct msp_worker *worker, const struct msp_batch_slot *slot)
{
	struct msp_worker_counters *counters = &worker->counters;
	uint64_t outputs = 0, errors = 0;
	for (size_t i = 0; i < slot->work.count; i++) {
		const struct msp_failure *failure = slot->work.items[i].failure;
		if (slot->outgoing[i].state == MSP_OUTGOING_ALREADY_SETTLED)
			continue;
		outputs += !failure;
		errors += failure != NULL;
		if (failure)
			count(&counters->errors_by_code[failure->code], 1);
	}
	count(&counters->outputs, outputs);
	count(&counters->errors, errors);
	count(&counters->batches, 1);
	msp_histogram_record(&counters->settle, msp_monotonic_ns() - slot->begun_ns, 1);
	slot_record_end_to_end(worker, slot);
}

/* Whether a batch that cannot be settled is left to others now: stop was asked and its time is over. */
static bool worker_out_of_time(struct msp_worker *worker)
{
	return msp_worker_stopping(worker) && msp_monotonic_ms() >= atomic_load(&worker->stop_deadline_ms);
}

/* Freeing the consumer gives the batch back; its inputs come again, to us or to others. */
static void slot_abandon(struct msp_worker *worker, const struct msp_batch_slot *slot, const struct msp_error *why)
{
	msp_log(MSP_LOG_WARN, "stopped before the broker took the results; their inputs will come again", "model",
	        worker->config->entry->identity, "worker", worker->slot_text, "messages",
	        MSP_LOG_NUMBER(slot->batch->count), "reason", why->status == MSP_OK ? NULL : why->text, NULL);
	worker->abandoned = true;
}

/* Replaces what the broker refused and begins again with what is left, unless it is abandoned. */
static enum msp_status slot_begin_again(struct msp_worker *worker, struct msp_batch_slot *slot, struct msp_error *err)
{
	static const struct msp_error no_memory = {MSP_E_NO_MEMORY, true, "no memory for an error record"};
	enum msp_status status;
	while ((status = msp_results_replace_rejected(&slot->work, &worker->results, slot->outgoing, err)) ==
	       MSP_E_NO_MEMORY) {
		if (worker_out_of_time(worker)) {
			slot_abandon(worker, slot, &no_memory);
			return MSP_OK;
		}
		msp_worker_wait_serving(worker, MSP_WAIT_MEMORY, &no_memory);
	}
	if (status == MSP_OK)
		slot_begin(worker, slot);
	return status;
}

/* A lost batch takes the next with it: that was read behind it. */
static void slot_lose(struct msp_worker *worker, struct msp_batch_slot *slot, struct msp_batch_slot *next,
                      const struct msp_error *why)
{
	assert(slot->batch);
	msp_log(MSP_LOG_INFO, "a batch was taken over", "model", worker->config->entry->identity, "worker",
	        worker->slot_text, "messages", MSP_LOG_NUMBER(slot->batch->count), "reason", why->text, NULL);
	count(&worker->counters.lost, 1);
	slot_release(worker, slot);
	slot_release(worker, next);
}

/* Not settled yet: the broker cannot, with its reason, or is slow. */
static void slot_settle_later(struct msp_worker *worker, struct msp_batch_slot *slot, const struct msp_error *why)
{
	static const struct msp_error slow = {MSP_E_UNAVAILABLE, true, "the broker has not acknowledged the results yet"};
	if (worker_out_of_time(worker))
		slot_abandon(worker, slot, why);
	else if (why->status != MSP_OK)
		msp_worker_wait(worker, MSP_WAIT_BROKER, why);
	else if (worker->waiting_for != MSP_WAIT_BROKER &&
	         msp_monotonic_ns() - slot->begun_ns > (int64_t)SETTLE_PATIENCE_MS * 1000000)
		/* Only until the broker gives a reason: that one is said at once, and this one does not come back. */
		msp_worker_note_wait(worker, MSP_WAIT_ACKNOWLEDGEMENT, &slow);
}

/* Waits once for the batch in flight; it is over when the slot is not in flight any more. */
static enum msp_status slot_settle_once(struct msp_worker *worker, struct msp_batch_slot *slot,
                                        struct msp_batch_slot *next, struct msp_error *err)
{
	struct msp_error why = {.status = MSP_OK};
	enum msp_settle_answer answer = msp_consumer_settle_wait(worker->consumer, SETTLE_WAIT_MS, &why);
	slot->in_flight = answer == MSP_SETTLE_AGAIN;
	switch (answer) {
	case MSP_SETTLE_OK:
		slot_tally(worker, slot);
		slot_release(worker, slot);
		msp_worker_resume(worker);
		return MSP_OK;
	case MSP_SETTLE_LOST:
		slot_lose(worker, slot, next, &why);
		return MSP_OK;
	case MSP_SETTLE_REJECTED:
		return slot_begin_again(worker, slot, err);
	case MSP_SETTLE_FAILED:
		assert(why.status != MSP_OK);
		*err = why;
		return why.status;
	case MSP_SETTLE_AGAIN:
		slot_settle_later(worker, slot, &why);
		return MSP_OK;
	}
	return MSP_OK;
}

static enum msp_status slot_settle(struct msp_worker *worker, struct msp_batch_slot *slot, struct msp_batch_slot *next,
                                   struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	while (status == MSP_OK && slot->in_flight && !worker->abandoned)
		status = slot_settle_once(worker, slot, next, err);
	atomic_store_explicit(&worker->in_flight, 0, memory_order_relaxed);
	return status;
}

/* ---- the loop ---- */

/* receive(n+1) → compute(n+1) → settle_wait(n) → settle_begin(n+1): a batch is computed while the one before it is
 * being acknowledged, and never begun before that one has ended. */
enum msp_status msp_worker_serve(struct msp_worker *worker, struct msp_error *err)
{
	struct msp_batch_slot *next = &worker->slots[0], *flying = &worker->slots[1];
	enum msp_status status = MSP_OK;
	while (status == MSP_OK && !worker->abandoned && (flying->in_flight || !msp_worker_stopping(worker))) {
		bool computed = false;
		if (!msp_worker_stopping(worker))
			status = slot_receive(worker, next, flying->in_flight, err);
		if (status == MSP_OK && next->batch)
			status = slot_try_compute(worker, next, &computed, err);
		if (status == MSP_OK && flying->in_flight)
			status = slot_settle(worker, flying, next, err);
		/* Only now: who waits for a model must not leave a batch in flight. */
		if (status == MSP_OK && next->batch && !computed && !worker->abandoned)
			status = slot_compute(worker, next, err);
		if (status == MSP_OK && next->batch && !worker->abandoned) {
			slot_begin(worker, next);
			struct msp_batch_slot *begun = next;
			next = flying;
			flying = begun;
		}
	}
	return status;
}
