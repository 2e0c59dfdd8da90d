/* What is said of a worker whose model does not return. */
#include "worker.h"

#include <msp/log.h>

#include <stdio.h>

/* How long a batch may be computed before that is spoken of, and how often it is. */
#define HANGS_MS 10000

static void computing_fill(struct msp_computing *computing, const struct msp_batch *batch)
{
	const struct msp_message *first = &batch->messages[0];
	computing->messages = batch->count;
	computing->partition = first->partition;
	computing->offset = first->offset;
	snprintf(computing->id, sizeof(computing->id), "%s", first->id ? first->id : "");
}

void msp_worker_note_computing(struct msp_worker *worker, const struct msp_batch *batch)
{
	if (batch) {
		pthread_mutex_lock(&worker->mutex);
		computing_fill(&worker->computing, batch);
		pthread_mutex_unlock(&worker->mutex);
	}
	atomic_store_explicit(&worker->computing_since_ms, batch ? msp_monotonic_ms() : 0, memory_order_relaxed);
}

static int64_t computing_since(const struct msp_worker *worker)
{
	return atomic_load_explicit(&worker->computing_since_ms, memory_order_relaxed);
}

bool msp_worker_hangs(const struct msp_worker *worker)
{
	int64_t since_ms = computing_since(worker);
	return since_ms != 0 && msp_monotonic_ms() - since_ms >= HANGS_MS;
}

static void hanging_say(struct msp_worker *worker, enum msp_log_level level, const char *message, int64_t since_ms)
{
	struct msp_computing computing = {.id = ""};
	if (pthread_mutex_trylock(&worker->mutex) == 0) {
		computing = worker->computing;
		pthread_mutex_unlock(&worker->mutex);
	}
	bool has_id = computing.id[0] != '\0';
	msp_log(level, message, "model", worker->config->entry->identity, "worker", worker->slot_text, "for_s",
	        MSP_LOG_NUMBER((msp_monotonic_ms() - since_ms) / 1000), "topic",
	        worker->config->entry->topics.name[MSP_TOPIC_INPUTS], "partition", MSP_LOG_NUMBER(computing.partition),
	        has_id ? "id" : "offset", has_id ? computing.id : MSP_LOG_NUMBER(computing.offset), "messages",
	        MSP_LOG_NUMBER(computing.messages), NULL);
}

void msp_worker_watch(struct msp_worker *worker)
{
	int64_t since_ms = computing_since(worker), now_ms = msp_monotonic_ms();
	if (worker->said_since_ms != 0 && worker->said_since_ms != since_ms) {
		msp_log(MSP_LOG_INFO, "predict has returned", "model", worker->config->entry->identity, "worker",
		        worker->slot_text, NULL);
		worker->said_since_ms = 0;
	}
	if (since_ms == 0 || now_ms - since_ms < HANGS_MS ||
	    (worker->said_since_ms != 0 && now_ms - worker->said_ms < HANGS_MS))
		return;
	worker->said_since_ms = since_ms;
	worker->said_ms = now_ms;
	hanging_say(worker, MSP_LOG_WARN, "predict does not return", since_ms);
}

void msp_worker_say_unended(struct msp_worker *worker)
{
	int64_t since_ms = computing_since(worker);
	if (atomic_load_explicit(&worker->state, memory_order_acquire) == MSP_WORKER_ENDED)
		return;
	if (since_ms != 0)
		hanging_say(worker, MSP_LOG_ERROR, "left in predict, its inputs unsettled", since_ms);
	else
		msp_log(MSP_LOG_ERROR, "left behind", "model", worker->config->entry->identity, "worker", worker->slot_text,
		        NULL);
}
