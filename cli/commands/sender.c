#include "sender.h"

#include "complain.h"
#include "message/convert.h"
#include "message/envelope.h"
#include "message/input.h"
#include "send_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An envelope is larger than its message: escapes, base64, names. */
#define ENVELOPE_FACTOR 8

/* One run of the command. */
struct sender {
	const struct send_args *args;
	struct send_batch batch;
	struct envelope envelope; /* of -J */
	struct conversion conversion;
	struct msp_bytes delimiter, key_delimiter; /* owned; absent: none */
	struct msp_header *headers;                /* owned; borrows argv */
	size_t max_bytes;
	uint64_t line;     /* number of the last line */
	uint64_t accepted; /* towards -c */
};

static bool sender_goes_on(const struct sender *sender)
{
	bool enough = sender->args->count && sender->accepted >= (uint64_t)sender->args->count;
	return !enough && !sender->batch.ended;
}

static struct msp_message message_template(const struct sender *sender)
{
	return (struct msp_message){
	    .key = msp_bytes_of_string(sender->args->key),
	    .headers = sender->headers,
	    .header_count = sender->args->headers.count,
	    .timestamp_ms = MSP_TIMESTAMP_NONE,
	    .topic = sender->batch.topic,
	    .partition = (int32_t)sender->args->partition,
	    .offset = MSP_OFFSET_NONE,
	};
}

/* Converts the value and adds the message to the batch. */
static void message_add(struct sender *sender, struct msp_message message)
{
	struct msp_error err;
	if (conversion_run(&sender->conversion, &message.value, &err) != MSP_OK) {
		send_batch_refuse(&sender->batch, sender->line, err.text);
		return;
	}
	send_batch_add(&sender->batch, &message, sender->line);
	sender->accepted++;
}

static void envelope_add(struct sender *sender, struct msp_bytes line)
{
	struct msp_message message;
	struct msp_error err;
	if (envelope_decode(&sender->envelope, line, &message, &err) != MSP_OK) {
		send_batch_refuse(&sender->batch, sender->line, err.text);
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
	send_batch_refuse(&sender->batch, sender->line, reason);
}

/* What envelopes and values were decoded to is not needed any more then. */
static void batch_send(struct sender *sender)
{
	send_batch_send(&sender->batch);
	if (sender->args->envelopes)
		envelope_forget(&sender->envelope);
	conversion_forget(&sender->conversion);
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
		if (sender->batch.count == SEND_BATCH_MESSAGES)
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
		complain("%s%slines %llu and later were not sent", sender->batch.file ? sender->batch.file : "",
		         sender->batch.file ? ": " : "", (unsigned long long)sender->line + 1);
}

static void lines_send(struct sender *sender, int fd)
{
	struct input input;
	if (!input_init(&input, fd, sender->delimiter, sender->max_bytes)) {
		complain("out of memory");
		send_batch_fail(&sender->batch, EXIT_SOME_FAILED);
		return;
	}
	sender->line = 0;
	while (buffered_lines_send(sender, &input) != INPUT_END)
		input_fill(&input);
	if (sender->batch.ended)
		rest_report(sender, &input);
	if (input.error) {
		complain("cannot read %s: %s", sender->batch.file ? sender->batch.file : "stdin", strerror(input.error));
		send_batch_fail(&sender->batch, EXIT_SOME_FAILED);
	}
	input_done(&input);
}

static void line_file_send(struct sender *sender, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain("%s: %s", path, strerror(errno));
		send_batch_fail(&sender->batch, EXIT_USAGE);
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
		send_batch_fail(&sender->batch, status);
		return;
	}
	sender->batch.whole_file = true;
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
		sender->batch.file = files->items[i];
		if (sender->args->lines)
			line_file_send(sender, sender->batch.file);
		else
			whole_file_send(sender, sender->batch.file);
	}
	if (sender->batch.ended && i < files->count)
		complain("%s%s sent", files->items[i], i + 1 < files->count ? " and later files were not" : ": not");
	progress_clear(&sender->batch.progress);
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

static int sender_init(struct sender *sender)
{
	const struct send_args *args = sender->args;
	const struct model *model = graph_model(sender->batch.graph);
	const struct service_settings *service = graph_level(sender->batch.graph, model)->service;
	sender->batch.topic = model ? model->entry->topics.name[MSP_TOPIC_INPUTS] : args->topic;
	sender->max_bytes = (size_t)service->message_max_bytes * (args->envelopes ? ENVELOPE_FACTOR : 1);
	const struct conversion_config converted = {
	    .graph = sender->batch.graph,
	    .model = model,
	    .kind = MSP_TOPIC_INPUTS,
	    .is_sent = true,
	    .from = args->from,
	    .to = args->to,
	    .max_bytes = (size_t)service->message_max_bytes,
	};
	int status = headers_init(sender);
	if (status == EXIT_DONE)
		status = delimiters_init(sender);
	if (status == EXIT_DONE)
		status = conversion_init(&sender->conversion, &converted);
	return status == EXIT_DONE ? send_batch_init(&sender->batch, args->partition) : status;
}

static void sender_free(struct sender *sender)
{
	send_batch_done(&sender->batch);
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
	sender->args = args;
	sender->batch.graph = graph;
	sender->batch.flag = args->topic ? "-t" : "-m";
	sender->batch.name = args->topic ? args->topic : args->model;
	/* A line that shows how far it is would stand in the way of whoever types. */
	bool typed = !args->common.operands.count && isatty(STDIN_FILENO);
	progress_init(&sender->batch.progress, args->common.quiet || typed, "sent");
	int status = sender_init(sender);
	if (status == EXIT_DONE) {
		inputs_send(sender);
		status = sender->batch.status;
	}
	sender_free(sender);
	return status;
}
