/* msp predict: from stdin, or files, straight through a model to stdout. */
#include "commands.h"
#include "complain.h"
#include "graph/graph.h"
#include "message/input.h"
#include "message/output.h"
#include "serve/broker.h"
#include "serve/progress.h"

#include <stdio.h>
#include <stdlib.h>

/* Few enough that a batch's values stay in the processor's cache. */
#define BATCH_MESSAGES 256

struct predict_args {
	struct common_args common;
	const char *model;
};

/* One run of the command. */
struct predictor {
	struct msp_model *model;
	struct msp_pipeline *pipeline;
	struct patience patience; /* with a model or a codec that cannot now */
	struct msp_work work;
	struct output out;
	struct progress progress;
	struct msp_message messages[BATCH_MESSAGES];
	size_t count;        /* messages that wait for their predictions */
	const char *file;    /* what they were read from, or NULL: lines of stdin */
	uint64_t first_line; /* number of messages[0] */
	size_t max_bytes;
	int status; /* EXIT_DONE as long as work can go on */
};

/* ---- results ---- */

static void refusal_report(const struct predictor *predictor, uint64_t line, const struct msp_failure *failure)
{
	char place[32];
	snprintf(place, sizeof(place), "line %llu", (unsigned long long)line);
	report("%s: %s %s: %s%s%s", predictor->file ? predictor->file : place,
	       msp_stage_name(msp_failure_stage(failure->code)), msp_failure_code_name(failure->code), failure->message,
	       failure->path ? ", at " : "", failure->path ? failure->path : "");
}

static void results_write(struct predictor *predictor)
{
	for (size_t i = 0; i < predictor->work.count; i++) {
		const struct msp_item *item = &predictor->work.items[i];
		if (item->failure) {
			predictor->progress.failed++;
			refusal_report(predictor, predictor->first_line + i, item->failure);
			continue;
		}
		output_text(&predictor->out, msp_work_output(&predictor->work, item));
		output_write(&predictor->out, "\n", 1);
	}
	predictor->progress.done += predictor->work.count;
}

/* Predicts what waits. */
static void batch_run(struct predictor *predictor)
{
	struct msp_error err;
	enum msp_status status = MSP_OK;
	if (!predictor->count)
		return;
	patience_reset(&predictor->patience);
	do
		status = msp_pipeline_run(predictor->pipeline, predictor->messages, predictor->count, &predictor->work, &err);
	while (status != MSP_OK && patience_retry(&predictor->patience, &err));
	if (status == MSP_OK)
		results_write(predictor);
	else
		predictor->status = patience_end(&predictor->patience, &err);
	predictor->first_line += predictor->count;
	predictor->count = 0;
}

static bool predictor_goes_on(const struct predictor *predictor)
{
	return !predictor->out.closed && predictor->status == EXIT_DONE;
}

/* ---- lines ---- */

static void too_long_refuse(struct predictor *predictor, const char *what)
{
	char message[96];
	snprintf(message, sizeof(message), "the %s is longer than message.max.bytes, %zu", what, predictor->max_bytes);
	const struct msp_failure failure = {.code = MSP_FAILURE_TOO_LARGE, .message = message};
	batch_run(predictor);
	refusal_report(predictor, predictor->first_line++, &failure);
	predictor->progress.done++;
	predictor->progress.failed++;
}

/* Predicts every line that one read has given, so that whoever waits at the other end has its answers. */
static enum input_event buffered_lines_run(struct predictor *predictor, struct input *input)
{
	for (;;) {
		struct msp_bytes line;
		enum input_event event = input_next(input, &line);
		if (event == INPUT_LINE) {
			predictor->messages[predictor->count++].value = line;
			if (predictor->count == BATCH_MESSAGES)
				batch_run(predictor);
		} else if (event == INPUT_TOO_LONG) {
			too_long_refuse(predictor, "line");
		} else {
			batch_run(predictor);
			return event;
		}
		if (!predictor_goes_on(predictor))
			return INPUT_END;
	}
}

static int lines_run(struct predictor *predictor)
{
	struct input input;
	if (!input_init(&input, STDIN_FILENO, MSP_BYTES_LITERAL("\n"), predictor->max_bytes)) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	predictor->first_line = 1;
	while (buffered_lines_run(predictor, &input) != INPUT_END) {
		output_flush(&predictor->out);
		progress_show(&predictor->progress);
		if (!predictor_goes_on(predictor))
			break;
		input_fill(&input);
	}
	int error = input.error;
	input_done(&input);
	if (!error)
		return EXIT_DONE;
	complain("cannot read stdin: %s", strerror(error));
	return EXIT_SOME_FAILED;
}

/* ---- files ---- */

static int file_run(struct predictor *predictor, const char *path)
{
	struct msp_bytes content;
	int status = input_read_file(path, predictor->max_bytes, &content);
	if (status != EXIT_DONE)
		return status;
	predictor->file = path;
	if (content.size > predictor->max_bytes)
		too_long_refuse(predictor, "file");
	else
		predictor->messages[predictor->count++].value = content;
	batch_run(predictor);
	free((void *)(uintptr_t)content.data);
	return EXIT_DONE;
}

static int files_run(struct predictor *predictor, const struct text_list *files)
{
	int status = EXIT_DONE;
	for (size_t i = 0; i < files->count && predictor_goes_on(predictor); i++) {
		int file_status = file_run(predictor, files->items[i]);
		if (file_status != EXIT_DONE)
			status = file_status;
	}
	return status;
}

/* ---- the command ---- */

static int predictor_end(struct predictor *predictor, int status)
{
	progress_clear(&predictor->progress);
	int written = output_done(&predictor->out);
	if (predictor->status != EXIT_DONE)
		return predictor->status;
	if (written != EXIT_DONE)
		return EXIT_SOME_FAILED;
	if (predictor->out.closed)
		return EXIT_DONE;
	return status == EXIT_DONE && predictor->progress.failed ? EXIT_SOME_FAILED : status;
}

static int predictor_run(struct predictor *predictor, const struct msp_pipeline_config *config,
                         const struct predict_args *args)
{
	for (size_t i = 0; i < BATCH_MESSAGES; i++)
		predictor->messages[i] = (struct msp_message){
		    .timestamp_ms = MSP_TIMESTAMP_NONE, .partition = MSP_PARTITION_ANY, .offset = MSP_OFFSET_NONE, .topic = ""};
	predictor->max_bytes = config->max_message_bytes;
	output_init(&predictor->out, STDOUT_FILENO);
	/* A line that shows how far it is would stand in the way of whoever types. */
	bool typed = !args->common.operands.count && isatty(STDIN_FILENO);
	progress_init(&predictor->progress, args->common.quiet || typed, "predicted");
	msp_work_init(&predictor->work, config);
	predictor->work.last_try = true;
	const struct text_list *files = &args->common.operands;
	int status = files->count ? files_run(predictor, files) : lines_run(predictor);
	status = predictor_end(predictor, status);
	msp_work_done(&predictor->work);
	return status;
}

static int predictor_open(struct predictor *predictor, const struct msp_registry_entry *entry,
                          const struct msp_pipeline_config *config)
{
	struct msp_error err;
	enum msp_status status;
	do
		status = msp_registry_open(entry, &predictor->model, &err);
	while (status != MSP_OK && patience_retry(&predictor->patience, &err));
	if (status != MSP_OK)
		return patience_end(&predictor->patience, &err);
	if (msp_pipeline_new(config, predictor->model, &predictor->pipeline, &err) == MSP_OK)
		return EXIT_DONE;
	complain("%s", err.text);
	return EXIT_SOME_FAILED;
}

static int predict_with(const struct graph *graph, const struct predict_args *args)
{
	const struct model *model = graph_model(graph);
	struct msp_pipeline_config config;
	int status = graph_pipeline_config(model, &config);
	if (status != EXIT_DONE)
		return status;
	struct predictor *predictor = calloc(1, sizeof(*predictor));
	if (!predictor) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	patience_init(&predictor->patience, graph, NULL);
	status = predictor_open(predictor, model->entry, &config);
	if (status == EXIT_DONE)
		status = predictor_run(predictor, &config, args);
	msp_pipeline_free(predictor->pipeline);
	if (predictor->model)
		predictor->model->plugin->close(predictor->model);
	free(predictor);
	return status;
}

static int predict_run(void *arguments)
{
	const struct predict_args *args = arguments;
	if (!args->model) {
		complain("which model? Name one with -m, as in \"msp predict -m iris\"");
		return EXIT_USAGE;
	}
	struct graph graph;
	int status = graph_open_with(&graph, &args->common, args->model, MODEL_LOADED, false);
	if (status == EXIT_DONE)
		status = predict_with(&graph, args);
	graph_close(&graph);
	return status;
}

static const struct flag predict_flags[] = {
    {"model", 'm', FLAG_ONE, offsetof(struct predict_args, model), "MODEL", 0, 0, "label, plugin or name of the model"},
};

const struct command command_predict = {
    .name = "predict",
    .summary = "predict lines of stdin, or files, without a broker",
    .operands = "[FILE…]",
    .text = "Reads one message per line from stdin, or one message per FILE, and writes one result per line\n"
            "to stdout. A message that is refused is reported on stderr, with its line or file; then the exit\n"
            "status is 1.\n"
            "\n"
            "Examples:\n"
            "  msp predict -m iris <flowers.jsonl >species.jsonl\n"
            "  msp predict -m iris flower.json",
    .flags = predict_flags,
    .flag_count = sizeof(predict_flags) / sizeof(predict_flags[0]),
    .args_size = sizeof(struct predict_args),
    .run = predict_run,
};
