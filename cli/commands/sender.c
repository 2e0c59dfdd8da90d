#include "sender.h"

#include "complain.h"
#include "graph/hint.h"
#include "message/convert.h"
#include "message/envelope.h"
#include "message/input.h"
#include "serve/broker.h"
#include "serve/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An envelope is larger than its message: escapes, base64, names. */
#define ENVELOPE_FACTOR 8
#define BATCH_MESSAGES  1000

/* One run of the command. */
struct sender {
	const struct send_args *args;
	const struct graph *graph;
	const char *topic;
	struct msp_producer *producer;
	struct patience patience;
	struct envelope envelope; /* of -J */
	struct conversion conversion;
	struct progress progress;
	struct msp_bytes delimiter, key_delimiter; /* owned; absent: none */
	struct msp_header *headers;                /* owned; borrows argv */
	size_t max_bytes;
	struct msp_outgoing batch[BATCH_MESSAGES];
	uint64_t numbers[BATCH_MESSAGES]; /* of the lines that the batch comes from */
	size_t count;
	const char *file;  /* what is read, or NULL: stdin */
	bool whole_file;   /* the file is one message */
	uint64_t line;     /* number of the last line */
	uint64_t accepted; /* towards -c */
	bool ended;        /* nothing more can be sent */
	int status;        /* of the whole run */
};

static bool sender_goes_on(const struct sender *sender)
{
	bool enough = sender->args->count && sender->accepted >= (uint64_t)sender->args->count;
	return !enough && !sender->ended;
}

/* ---- failures ---- */

static void status_raise(struct sender *sender, int status)
{
	if (sender->status == EXIT_DONE)
		sender->status = status;
}

/* Names the messages from line `first` to line `last`. */
static void messages_fail(struct sender *sender, uint64_t first, uint64_t last, const char *reason)
{
	char place[64] = "";
	if (!sender->whole_file && first == last)
		snprintf(place, sizeof(place), "line %llu: ", (unsigned long long)first);
	else if (!sender->whole_file)
		snprintf(place, sizeof(place), "lines %llu to %llu: ", (unsigned long long)first, (unsigned long long)last);
	progress_clear(&sender->progress);
	complain("%s%s%s%s", sender->file ? sender->file : "", sender->file ? ": " : "", place, reason);
	sender->progress.failed += last - first + 1;
	status_raise(sender, EXIT_SOME_FAILED);
}

/* Tells of the messages of the batch that were not acknowledged, neighbours in one line. */
static void pending_report(struct sender *sender)
{
	for (size_t i = 0, next; i < sender->count; i = next) {
		next = i + 1;
		if (sender->batch[i].state != MSP_OUTGOING_PENDING)
			continue;
		while (next < sender->count && sender->batch[next].state == MSP_OUTGOING_PENDING &&
		       sender->numbers[next] == sender->numbers[next - 1] + 1)
			next++;
		messages_fail(sender, sender->numbers[i], sender->numbers[next - 1], "not acknowledged by the broker");
	}
}

static void rejected_report(struct sender *sender)
{
	for (size_t i = 0; i < sender->count; i++)
		if (sender->batch[i].state == MSP_OUTGOING_REJECTED)
			messages_fail(sender, sender->numbers[i], sender->numbers[i],
			              sender->batch[i].reason ? sender->batch[i].reason : "the broker refused it");
}

static void missing_topic_hint(const struct sender *sender, enum msp_status status)
{
	const struct send_args *args = sender->args;
	if (status == MSP_E_NOT_FOUND)
		hint_topics_report(sender->graph, args->topic ? "-t" : "-m", args->topic ? args->topic : args->model);
}

/* ---- sending ---- */

/* Sends what waits, and waits for the verdicts. */
static void batch_send(struct sender *sender)
{
	struct msp_error err;
	if (!sender->count)
		return;
	patience_reset(&sender->patience);
	while (msp_producer_send(sender->producer, sender->topic, sender->batch, sender->count,
	                         patience_left_ms(&sender->patience), &err) != MSP_OK) {
		if (patience_retry(&sender->patience, &err))
			continue;
		progress_clear(&sender->progress);
		status_raise(sender, patience_end(&sender->patience, &err));
		missing_topic_hint(sender, err.status);
		sender->ended = true;
		break;
	}
	rejected_report(sender);
	pending_report(sender);
	sender->progress.done += sender->count;
	sender->count = 0;
	if (sender->args->envelopes)
		envelope_forget(&sender->envelope);
	conversion_forget(&sender->conversion);
	progress_show(&sender->progress);
}

static struct msp_message message_template(const struct sender *sender)
{
	return (struct msp_message){
	    .key = msp_bytes_of_string(sender->args->key),
	    .headers = sender->headers,
	    .header_count = sender->args->headers.count,
	    .timestamp_ms = MSP_TIMESTAMP_NONE,
	    .topic = sender->topic,
	    .partition = (int32_t)sender->args->partition,
	    .offset = MSP_OFFSET_NONE,
	};
}

static void input_refuse(struct sender *sender, const char *reason)
{
	messages_fail(sender, sender->line, sender->line, reason);
	sender->progress.done++;
}

/* Converts the value and adds the message to the batch. */
static void message_add(struct sender *sender, struct msp_message message)
{
	struct msp_error err;
	if (conversion_run(&sender->conversion, &message.value, &err) != MSP_OK) {
		input_refuse(sender, err.text);
		return;
	}
	sender->batch[sender->count] = (struct msp_outgoing){.state = MSP_OUTGOING_PENDING, .message = message};
	sender->numbers[sender->count++] = sender->line;
	sender->accepted++;
}

static void envelope_add(struct sender *sender, struct msp_bytes line)
{
	struct msp_message message;
	struct msp_error err;
	if (envelope_decode(&sender->envelope, line, &message, &err) != MSP_OK) {
		input_refuse(sender, err.text);
		return;
	}
	if (sender->args->partition != MSP_PARTITION_ANY)
		message.partition = (int32_t)sender->args->partition;
	message_add(sender, message);
}

/* Takes key and value out of one input. */
static void plain_add(struct sender *sender, struct msp_bytes content)
{
	struct msp_message message = message_template(sender);
	struct msp_bytes delimiter = sender->key_delimiter;
	const char *start = content.data;
	const char *found = delimiter.size ? memmem(start, content.size, delimiter.data, delimiter.size) : NULL;
	message.value = content;
	if (found) {
		size_t key_size = (size_t)(found - start);
		message.key = msp_bytes_of(start, key_size);
		message.value = msp_bytes_of(found + delimiter.size, content.size - key_size - delimiter.size);
	}
	if (sender->args->empty_is_null && !message.value.size)
		message.value = MSP_BYTES_ABSENT;
	if (sender->args->empty_is_null && !message.key.size)
		message.key = MSP_BYTES_ABSENT;
	message_add(sender, message);
}

static void too_long_fail(struct sender *sender)
{
	char reason[96];
	if (sender->args->envelopes)
		snprintf(reason, sizeof(reason), "an envelope longer than %d times message.max.bytes, %zu", ENVELOPE_FACTOR,
		         sender->max_bytes);
	else
		snprintf(reason, sizeof(reason), "longer than message.max.bytes, %zu", sender->max_bytes);
	input_refuse(sender, reason);
}

/* ---- reading ---- */

/* Sends every line that one read has given. */
static enum input_event buffered_lines_send(struct sender *sender, struct input *input)
{
	enum input_event event = INPUT_END;
	while (sender_goes_on(sender)) {
		struct msp_bytes line;
		event = input_next(input, &line);
		if (event != INPUT_LINE && event != INPUT_TOO_LONG)
			break;
		sender->line++;
		if (event == INPUT_TOO_LONG)
			too_long_fail(sender);
		else if (sender->args->envelopes)
			envelope_add(sender, line);
		else
			plain_add(sender, line);
		/* Not before the next one is added: sending forgets what envelopes were decoded to. */
		if (sender->count == BATCH_MESSAGES)
			batch_send(sender);
	}
	batch_send(sender);
	return sender_goes_on(sender) ? event : INPUT_END;
}

/* Says where sending stopped, when something comes behind it or still may. */
static void rest_report(const struct sender *sender, struct input *input)
{
	struct pollfd readable = {.fd = input->fd, .events = POLLIN};
	struct msp_bytes line;
	enum input_event event = input_next(input, &line);
	if (event == INPUT_PENDING && poll(&readable, 1, 0) > 0) {
		input_fill(input);
		event = input_next(input, &line);
	}
	if (event != INPUT_END)
		complain("%s%slines %llu and later were not sent", sender->file ? sender->file : "", sender->file ? ": " : "",
		         (unsigned long long)sender->line + 1);
}

static void lines_send(struct sender *sender, int fd)
{
	struct input input;
	if (!input_init(&input, fd, sender->delimiter, sender->max_bytes)) {
		complain("out of memory");
		status_raise(sender, EXIT_SOME_FAILED);
		return;
	}
	sender->line = 0;
	while (buffered_lines_send(sender, &input) != INPUT_END)
		input_fill(&input);
	if (sender->ended)
		rest_report(sender, &input);
	if (input.error) {
		complain("cannot read %s: %s", sender->file ? sender->file : "stdin", strerror(input.error));
		status_raise(sender, EXIT_SOME_FAILED);
	}
	input_done(&input);
}

static void line_file_send(struct sender *sender, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain("%s: %s", path, strerror(errno));
		status_raise(sender, EXIT_USAGE);
		return;
	}
	lines_send(sender, fd);
	close(fd);
}

static void whole_file_send(struct sender *sender, const char *path)
{
	struct msp_bytes content;
	int status = input_read_file(path, sender->max_bytes, &content);
	if (status != EXIT_DONE) {
		status_raise(sender, status);
		return;
	}
	sender->whole_file = true;
	if (content.size > sender->max_bytes)
		too_long_fail(sender);
	else if (sender->args->envelopes)
		envelope_add(sender, content);
	else
		plain_add(sender, content);
	batch_send(sender);
	free((void *)(uintptr_t)content.data);
}

static void inputs_send(struct sender *sender)
{
	const struct text_list *files = &sender->args->common.operands;
	if (!files->count)
		lines_send(sender, STDIN_FILENO);
	size_t i = 0;
	for (; i < files->count && sender_goes_on(sender); i++) {
		sender->file = files->items[i];
		if (sender->args->lines)
			line_file_send(sender, sender->file);
		else
			whole_file_send(sender, sender->file);
	}
	if (sender->ended && i < files->count)
		complain("%s%s sent", files->items[i], i + 1 < files->count ? " and later files were not" : ": not");
	progress_clear(&sender->progress);
}

/* ---- setting up ---- */

static int headers_init(struct sender *sender)
{
	const struct text_list *list = &sender->args->headers;
	sender->headers = calloc(list->count + 1, sizeof(*sender->headers));
	for (size_t i = 0; i < list->count && sender->headers; i++) {
		const char *text = list->items[i], *equals = strchr(text, '=');
		if (equals == text || !*text) {
			complain("--header takes NAME=VALUE, not \"%s\"", text);
			return EXIT_USAGE;
		}
		sender->headers[i].name = msp_bytes_of(text, equals ? (size_t)(equals - text) : strlen(text));
		sender->headers[i].value = equals ? msp_bytes_of_string(equals + 1) : MSP_BYTES_ABSENT;
	}
	return sender->headers ? EXIT_DONE : EXIT_SOME_FAILED;
}

static int delimiters_init(struct sender *sender)
{
	const struct send_args *args = sender->args;
	struct msp_error err;
	enum msp_status status = input_unescape(args->delimiter ? args->delimiter : "\n", &sender->delimiter, &err);
	if (status == MSP_OK && args->key_delimiter)
		status = input_unescape(args->key_delimiter, &sender->key_delimiter, &err);
	if (status == MSP_OK && args->envelopes)
		status = envelope_init(&sender->envelope, &err);
	return status == MSP_OK ? EXIT_DONE : complain_of(&err);
}

/* One of --from and --to is enough: people write JSON, and the topic carries what the model is configured for. */
static int converter_init(struct sender *sender, const struct model *model, size_t max_bytes)
{
	const struct send_args *args = sender->args;
	if (!args->from && !args->to)
		return EXIT_DONE;
	const char *carried = conversion_topic_codec(sender->graph, model, MSP_TOPIC_INPUTS);
	return conversion_init(&sender->conversion, sender->graph, model, MSP_TOPIC_INPUTS,
	                       args->from ? args->from : conversion_default, args->to ? args->to : carried, max_bytes);
}

static int producer_init(struct sender *sender)
{
	struct msp_transport *transport = sender->graph->transport;
	struct msp_error err;
	patience_init(&sender->patience, sender->graph, NULL);
	while (msp_transport_producer_open(transport, &sender->producer, &err) != MSP_OK)
		if (!patience_retry(&sender->patience, &err))
			return patience_end(&sender->patience, &err);
	return EXIT_DONE;
}

/* A partition that the topic does not have would silently become another one. */
static int partition_check(struct sender *sender)
{
	struct msp_error err;
	if (broker_partition_check(sender->graph, &sender->patience, sender->topic, sender->args->partition, &err) ==
	    MSP_OK)
		return EXIT_DONE;
	int status = patience_end(&sender->patience, &err);
	missing_topic_hint(sender, err.status);
	return status;
}

static int sender_init(struct sender *sender)
{
	const struct send_args *args = sender->args;
	const struct model *model = graph_model(sender->graph);
	const struct service_settings *service = graph_level(sender->graph, model)->service;
	sender->topic = model ? model->entry->topics.name[MSP_TOPIC_INPUTS] : args->topic;
	sender->max_bytes = (size_t)service->message_max_bytes * (args->envelopes ? ENVELOPE_FACTOR : 1);
	int status = headers_init(sender);
	if (status == EXIT_DONE)
		status = delimiters_init(sender);
	if (status == EXIT_DONE)
		status = converter_init(sender, model, (size_t)service->message_max_bytes);
	if (status == EXIT_DONE)
		status = producer_init(sender);
	return status == EXIT_DONE ? partition_check(sender) : status;
}

static void sender_free(struct sender *sender)
{
	if (sender->producer)
		msp_producer_free(sender->producer);
	envelope_done(&sender->envelope);
	conversion_done(&sender->conversion);
	free((void *)(uintptr_t)sender->delimiter.data);
	free((void *)(uintptr_t)sender->key_delimiter.data);
	free(sender->headers);
	free(sender);
}

int send_with(const struct graph *graph, const struct send_args *args)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	if (!sender) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	sender->graph = graph;
	sender->args = args;
	/* A line that shows how far it is would stand in the way of whoever types. */
	bool typed = !args->common.operands.count && isatty(STDIN_FILENO);
	progress_init(&sender->progress, args->common.quiet || typed, "sent");
	int status = sender_init(sender);
	if (status == EXIT_DONE) {
		inputs_send(sender);
		status = sender->status;
	}
	sender_free(sender);
	return status;
}
