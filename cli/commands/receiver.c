#include "receiver.h"

#include "complain.h"
#include "graph/hint.h"

#include <stdio.h>
#include <stdlib.h>

#define READ_MESSAGES   1000
#define READ_BYTES      ((size_t)1 << 20)
#define READ_TIMEOUT_MS 1000
#define SETTLE_WAIT_MS  200
#define BACKLOG_POLL_MS 50

/* What both ways share. */
struct receiver {
	const struct graph *graph;
	const struct receive_args *args;
	struct format *format;
	struct conversion *conversion;
	const char *topic;
	struct stop *stop;
	struct patience patience;
	struct output out;
	uint64_t written;
	uint64_t unconverted; /* of those, messages that stayed as they are */
	int status;
};

static void receiver_init(struct receiver *receiver, const struct graph *graph, const struct receive_args *args,
                          const struct receive_form *form, const char *topic, struct stop *stop)
{
	receiver->graph = graph;
	receiver->args = args;
	receiver->format = form->format;
	receiver->conversion = form->conversion;
	receiver->topic = topic;
	receiver->stop = stop;
	receiver->written = 0;
	receiver->unconverted = 0;
	receiver->status = EXIT_DONE;
	patience_init(&receiver->patience, graph, stop);
	output_init(&receiver->out, STDOUT_FILENO);
	if (args->raw)
		receiver->out.escapes = false;
}

static bool receiver_has_all(const struct receiver *receiver)
{
	return receiver->args->count && receiver->written >= (uint64_t)receiver->args->count;
}

static bool receiver_can_write(const struct receiver *receiver)
{
	return receiver->status == EXIT_DONE && !receiver->out.closed && !receiver_has_all(receiver);
}

static bool receiver_goes_on(const struct receiver *receiver)
{
	return receiver_can_write(receiver) && !stop_is_asked(receiver->stop);
}

static struct msp_receive_limits receiver_limits(const struct receiver *receiver, int timeout_ms)
{
	uint64_t left = receiver->args->count ? (uint64_t)receiver->args->count - receiver->written : READ_MESSAGES;
	return (struct msp_receive_limits){
	    .max_messages = left < READ_MESSAGES ? (size_t)left : READ_MESSAGES,
	    .max_bytes = READ_BYTES,
	    .timeout_ms = timeout_ms,
	};
}

/* A value that cannot be converted is written as it is, so that nothing is lost, and named. */
static void value_convert(struct receiver *receiver, struct msp_message *message)
{
	char position[32];
	struct msp_error err;
	if (conversion_run(receiver->conversion, &message->value, &err) == MSP_OK)
		return;
	snprintf(position, sizeof(position), "%lld", (long long)message->offset);
	complain("%s, partition %d, %s %s: not converted: %s", message->topic, (int)message->partition,
	         message->id ? "id" : "offset", message->id ? message->id : position, err.text);
	receiver->unconverted++;
}

static enum msp_status message_write(struct receiver *receiver, struct msp_message message, struct msp_error *err)
{
	value_convert(receiver, &message);
	enum msp_status status = format_write(receiver->format, &message, &receiver->out, err);
	conversion_forget(receiver->conversion);
	return status;
}

/* A stop signal does not end it: what was received together is written together, since it is settled together. */
static void messages_write(struct receiver *receiver, const struct msp_message *messages, size_t count)
{
	struct msp_error err;
	for (size_t i = 0; i < count && receiver_can_write(receiver); i++) {
		if (message_write(receiver, messages[i], &err) != MSP_OK) {
			receiver->status = complain_of(&err);
			return;
		}
		receiver->written++;
		if (receiver->args->unbuffered)
			output_flush(&receiver->out);
	}
	output_flush(&receiver->out);
	/* A slow reader at the other end of stdout is not the broker's fault. */
	patience_reset(&receiver->patience);
}

/* To a transport a partition that is missing is the same failure as a topic that is. It may be added any time. */
static void missing_explain(struct receiver *receiver, const struct msp_error *err)
{
	struct msp_error looked;
	enum msp_status status = broker_partition_check(receiver->graph, &receiver->patience, receiver->topic,
	                                                receiver->args->partition, &looked);
	if (status == MSP_E_INVALID || status == MSP_E_NOT_FOUND)
		err = &looked;
	receiver->status = complain_of(err);
	if (status == MSP_E_INVALID)
		receiver->status = EXIT_SOME_FAILED;
	if (err->status == MSP_E_NOT_FOUND && receiver->args->model)
		hint_topics_report(receiver->graph, "-m", receiver->args->model);
}

/* True when the failed call is worth another try. */
static bool receiver_retry(struct receiver *receiver, const struct msp_error *err)
{
	if (patience_retry(&receiver->patience, err))
		return true;
	if (err->status == MSP_E_NOT_FOUND)
		missing_explain(receiver, err);
	else
		receiver->status = patience_end(&receiver->patience, err);
	return false;
}

static int receiver_end(struct receiver *receiver)
{
	int written = output_done(&receiver->out);
	if (receiver->status != EXIT_DONE || written != EXIT_DONE)
		return receiver->status != EXIT_DONE ? receiver->status : written;
	return receiver->unconverted ? EXIT_SOME_FAILED : EXIT_DONE;
}

/* ---- as a reader ---- */

static void reader_wake(void *context)
{
	struct msp_reader *reader = context;
	msp_reader_wake(reader);
}

static void reader_run(struct receiver *receiver, struct msp_reader *reader)
{
	const struct msp_receive_limits limits = receiver_limits(receiver, READ_TIMEOUT_MS);
	bool end = false;
	while (!end && receiver_goes_on(receiver)) {
		const struct msp_message *messages;
		size_t count = 0;
		struct msp_error err;
		if (msp_reader_read(reader, &limits, &messages, &count, &end, &err) != MSP_OK) {
			if (!receiver_retry(receiver, &err))
				return;
			continue;
		}
		messages_write(receiver, messages, count);
	}
}

int receive_as_reader(const struct graph *graph, const struct receive_args *args,
                      const struct msp_reader_config *config, const struct receive_form *form, struct stop *stop)
{
	struct receiver receiver;
	struct msp_reader *reader = NULL;
	struct msp_error err;
	receiver_init(&receiver, graph, args, form, config->topic, stop);
	while (msp_transport_reader_open(graph->transport, config, &reader, &err) != MSP_OK)
		if (!receiver_retry(&receiver, &err))
			return receiver.status;
	stop_watch(stop, reader_wake, reader);
	reader_run(&receiver, reader);
	stop_watch(stop, NULL, NULL);
	msp_reader_free(reader);
	return receiver_end(&receiver);
}

/* ---- as a member of a group ---- */

static void consumer_wake(void *context)
{
	struct msp_consumer *consumer = context;
	msp_consumer_wake(consumer);
}

static void unsettled_report(const struct msp_batch *batch, const struct msp_error *err)
{
	report("msp: %zu messages were written but not settled; they may come again: %s", batch->count, err->text);
}

/* Whether the batch in flight is worth waiting for any longer, after the pause that a broker needs which cannot now. A
 * broker that is only slow is waited for after a stop too, so that what was written does not come again. */
static bool settle_may_come(struct receiver *receiver, struct msp_error *err)
{
	if (err->status != MSP_OK)
		return patience_retry(&receiver->patience, err);
	if (patience_left_ms(&receiver->patience))
		return true;
	msp_error_set(err, MSP_E_UNAVAILABLE, "it did not confirm what was consumed");
	return false;
}

/* Marks what was written consumed. A batch that was lost comes again, to us or to another member. False: it is still
 * in flight, and freeing the consumer will give it up. */
static bool batch_settle(struct receiver *receiver, struct msp_consumer *consumer, struct msp_batch *batch)
{
	struct msp_error err = {.status = MSP_OK};
	enum msp_settle_answer answer;
	msp_consumer_settle_begin(consumer, batch, NULL);
	while ((answer = msp_consumer_settle_wait(consumer, SETTLE_WAIT_MS, &err)) == MSP_SETTLE_AGAIN) {
		if (!settle_may_come(receiver, &err)) {
			receiver->status = patience_end(&receiver->patience, &err);
			if (receiver->status == EXIT_DONE)
				unsettled_report(batch, &err);
			return false;
		}
		err.status = MSP_OK;
	}
	if (answer == MSP_SETTLE_LOST)
		unsettled_report(batch, &err);
	else if (answer != MSP_SETTLE_OK)
		receiver->status = complain_of(&err);
	return true;
}

/* One round. Returns false when nothing came. */
static bool group_receive(struct receiver *receiver, struct msp_consumer *consumer, int timeout_ms)
{
	const struct msp_receive_limits limits = receiver_limits(receiver, timeout_ms);
	struct msp_batch *batch = NULL;
	struct msp_error err;
	if (msp_consumer_receive(consumer, &limits, &batch, &err) != MSP_OK)
		return receiver_retry(receiver, &err);
	patience_reset(&receiver->patience);
	if (!batch)
		return false;
	messages_write(receiver, batch->messages, batch->count);
	bool all_written = !receiver->out.closed && receiver->status == EXIT_DONE;
	if (!all_written || batch_settle(receiver, consumer, batch))
		msp_consumer_batch_free(consumer, batch);
	return true;
}

/* Until the flags say stop; with -e until the group has settled what there was at the beginning. */
static void group_run(struct receiver *receiver, struct msp_consumer *consumer, struct msp_admin *admin)
{
	struct backlog backlog = {0};
	if (admin)
		receiver->status = backlog_init(&backlog, admin, &receiver->patience, receiver->args->group, receiver->topic);
	while (receiver_goes_on(receiver) && !(admin && !backlog.remaining)) {
		bool came = group_receive(receiver, consumer, admin ? BACKLOG_POLL_MS : READ_TIMEOUT_MS);
		if (admin && !came && receiver_goes_on(receiver))
			receiver->status = backlog_update(&backlog, admin, &receiver->patience);
	}
	backlog_done(&backlog);
}

static int consumer_run(struct receiver *receiver, struct msp_consumer *consumer)
{
	struct msp_admin *admin = NULL;
	if (receiver->args->stop_at_end)
		receiver->status = broker_admin(receiver->graph, receiver->stop, &admin);
	stop_watch(receiver->stop, consumer_wake, consumer);
	if (receiver->status == EXIT_DONE)
		group_run(receiver, consumer, admin);
	stop_watch(receiver->stop, NULL, NULL);
	if (admin)
		msp_admin_free(admin);
	return receiver_end(receiver);
}

int receive_as_group(const struct graph *graph, const struct receive_args *args, const char *topic,
                     const struct receive_form *form, struct stop *stop)
{
	const struct msp_consumer_config config = {
	    .inputs = topic,
	    .group = args->group,
	    .instance = graph->tree.program->instance,
	    .guarantee = MSP_AT_LEAST_ONCE,
	    .commit_interval_ms = (int)graph->tree.level.service->commit_interval_ms,
	};
	struct receiver receiver;
	struct msp_consumer *consumer = NULL;
	struct msp_error err;
	receiver_init(&receiver, graph, args, form, topic, stop);
	while (msp_transport_consumer_open(graph->transport, &config, &consumer, &err) != MSP_OK)
		if (!receiver_retry(&receiver, &err))
			return receiver.status;
	int status = consumer_run(&receiver, consumer);
	msp_consumer_free(consumer);
	return status;
}
