#include "send_batch.h"

#include "complain.h"
#include "graph/hint.h"

#include <stdio.h>

void send_batch_fail(struct send_batch *batch, int status)
{
	if (batch->status == EXIT_DONE)
		batch->status = status;
}

/* Names the messages from line `first` to line `last`. */
static void messages_fail(struct send_batch *batch, uint64_t first, uint64_t last, const char *reason)
{
	char place[64] = "";
	if (!batch->whole_file && first == last)
		snprintf(place, sizeof(place), "line %llu: ", (unsigned long long)first);
	else if (!batch->whole_file)
		snprintf(place, sizeof(place), "lines %llu to %llu: ", (unsigned long long)first, (unsigned long long)last);
	progress_clear(&batch->progress);
	complain("%s%s%s%s", batch->file ? batch->file : "", batch->file ? ": " : "", place, reason);
	batch->progress.failed += last - first + 1;
	send_batch_fail(batch, EXIT_SOME_FAILED);
}

/* Tells of the messages of the batch that were not acknowledged, neighbours in one line. */
static void pending_report(struct send_batch *batch)
{
	for (size_t i = 0, next; i < batch->count; i = next) {
		next = i + 1;
		if (batch->messages[i].state != MSP_OUTGOING_PENDING)
			continue;
		while (next < batch->count && batch->messages[next].state == MSP_OUTGOING_PENDING &&
		       batch->numbers[next] == batch->numbers[next - 1] + 1)
			next++;
		messages_fail(batch, batch->numbers[i], batch->numbers[next - 1], "not acknowledged by the broker");
	}
}

static void rejected_report(struct send_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->messages[i].state == MSP_OUTGOING_REJECTED)
			messages_fail(batch, batch->numbers[i], batch->numbers[i],
			              batch->messages[i].reason ? batch->messages[i].reason : "the broker refused it");
}

static void missing_topic_hint(const struct send_batch *batch, enum msp_status status)
{
	if (status == MSP_E_NOT_FOUND)
		hint_topics_report(batch->graph, batch->flag, batch->name);
}

void send_batch_add(struct send_batch *batch, const struct msp_message *message, uint64_t line)
{
	batch->messages[batch->count] = (struct msp_outgoing){.state = MSP_OUTGOING_PENDING, .message = *message};
	batch->numbers[batch->count++] = line;
}

void send_batch_send(struct send_batch *batch)
{
	struct msp_error err;
	if (!batch->count)
		return;
	patience_reset(&batch->patience);
	while (msp_producer_send(batch->producer, batch->topic, batch->messages, batch->count,
	                         patience_left_ms(&batch->patience), &err) != MSP_OK) {
		if (patience_retry(&batch->patience, &err))
			continue;
		progress_clear(&batch->progress);
		send_batch_fail(batch, patience_end(&batch->patience, &err));
		missing_topic_hint(batch, err.status);
		batch->ended = true;
		break;
	}
	rejected_report(batch);
	pending_report(batch);
	batch->progress.done += batch->count;
	batch->count = 0;
	progress_show(&batch->progress);
}

void send_batch_refuse(struct send_batch *batch, uint64_t line, const char *reason)
{
	messages_fail(batch, line, line, reason);
	batch->progress.done++;
}

static int producer_open(struct send_batch *batch)
{
	struct msp_error err;
	patience_init(&batch->patience, batch->graph, NULL);
	while (msp_transport_producer_open(batch->graph->transport, &batch->producer, &err) != MSP_OK)
		if (!patience_retry(&batch->patience, &err))
			return patience_end(&batch->patience, &err);
	return EXIT_DONE;
}

int send_batch_init(struct send_batch *batch, int64_t partition)
{
	struct msp_error err;
	int status = producer_open(batch);
	if (status != EXIT_DONE ||
	    broker_partition_check(batch->graph, &batch->patience, batch->topic, partition, &err) == MSP_OK)
		return status;
	status = patience_end(&batch->patience, &err);
	missing_topic_hint(batch, err.status);
	return status;
}

void send_batch_done(struct send_batch *batch)
{
	if (batch->producer)
		msp_producer_free(batch->producer);
}
