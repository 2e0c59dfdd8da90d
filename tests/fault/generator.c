#include "generator.h"

#include <stdlib.h>

#define CHUNK           128
#define SEND_TIMEOUT_MS 1000
#define RETRY_MS        20

struct chunk {
	struct plan_text texts[CHUNK];
	struct msp_outgoing outgoing[CHUNK];
};

/* Tries until the broker has taken all: a generator outlives every fault. */
static bool chunk_send(struct generator *generator, struct msp_producer *producer, struct chunk *chunk, size_t count)
{
	struct msp_error err = {.text = ""};
	while (msp_producer_send(producer, generator->topic, chunk->outgoing, count, SEND_TIMEOUT_MS, &err) != MSP_OK) {
		if (!err.retriable) {
			progress_fail(generator->progress, "cannot send inputs: %s", err.text);
			return false;
		}
		if (progress_stopping(generator->progress))
			return false;
		generator->has_repeated = true;
		progress_pause(generator->progress, RETRY_MS);
	}
	for (size_t i = 0; i < count; i++) {
		if (chunk->outgoing[i].state == MSP_OUTGOING_PUBLISHED)
			continue;
		progress_fail(generator->progress, "an input was refused: %s", chunk->outgoing[i].reason);
		return false;
	}
	progress_add_sent(generator->progress, count);
	return true;
}

static void plan_send(struct generator *generator, struct msp_producer *producer, struct chunk *chunk)
{
	const struct plan *plan = generator->plan;
	for (size_t sent = 0; sent < plan->count;) {
		size_t count = progress_wait_allowance(generator->progress, sent);
		if (count == 0)
			return;
		count = count < CHUNK ? count : CHUNK;
		for (size_t i = 0; i < count; i++) {
			chunk->outgoing[i] = (struct msp_outgoing){.state = MSP_OUTGOING_PENDING};
			plan_write(plan, sent + i, &chunk->texts[i], &chunk->outgoing[i].message);
		}
		if (!chunk_send(generator, producer, chunk, count))
			return;
		sent += count;
	}
}

static void *generator_main(void *argument)
{
	struct generator *generator = argument;
	struct msp_error err = {.text = "no memory"};
	struct msp_producer *producer = NULL;
	struct chunk *chunk = malloc(sizeof(*chunk));
	if (chunk && msp_transport_producer_open(generator->transport, &producer, &err) == MSP_OK)
		plan_send(generator, producer, chunk);
	else
		progress_fail(generator->progress, "no producer: %s", err.text);
	if (producer)
		msp_producer_free(producer);
	free(chunk);
	return NULL;
}

bool generator_start(struct generator *generator, struct msp_transport *transport, const char *topic,
                     const struct plan *plan, struct progress *progress)
{
	*generator = (struct generator){.transport = transport, .topic = topic, .plan = plan, .progress = progress};
	generator->runs = pthread_create(&generator->thread, NULL, generator_main, generator) == 0;
	return generator->runs;
}

void generator_join(struct generator *generator)
{
	if (generator->runs)
		pthread_join(generator->thread, NULL);
	generator->runs = false;
}
