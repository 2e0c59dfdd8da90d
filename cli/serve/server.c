#include "server.h"

#include "broker.h"
#include "complain.h"
#include "graph/hint.h"
#include "progress.h"
#include "ready_file.h"
#include "stop.h"

#include <msp/log.h>
#include <msp/processor.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_SAY_MS      10000 /* how often a wait is spoken of */
#define WAIT_POLL_MS     250   /* how often the broker is asked whether topics are there by now */
#define WAIT_CALL_MS     2000  /* how long one such question may take */
#define STARTING_MS      2000  /* how long a start is watched closely, */
#define STARTING_TICK_MS 2     /* this often, so that the ready file is there in time */
#define SERVING_TICK_MS  100
#define BACKLOG_SOON_MS  5
#define BACKLOG_LATER_MS 200
#define STOP_LEAST_MS    2000 /* what closing may take however short the time to stop is */

struct server {
	const struct graph *graph;
	const struct run_args *args;
	struct model *const *models;
	size_t model_count;
	struct msp_processor *processor;
	struct stop *stop;
	struct msp_admin *admin;
	char *hint;               /* the command that creates the topics; owned */
	struct backlog *backlogs; /* of -e; owned */
	int64_t backlog_total;    /* messages that were there at the start */
	int64_t backlog_asked_ms;
	struct progress progress;
	struct ready_file ready_file;
	bool was_ready;
	int64_t begun_ms; /* of serving */
};

/* ---- waiting for broker and topics ---- */

/* The first topic that is not there, or that the broker cannot tell about. */
static enum msp_status topics_check(struct server *server, struct msp_error *err)
{
	for (size_t i = 0; i < server->model_count; i++)
		for (size_t kind = 0; kind < MSP_TOPIC_KINDS; kind++) {
			struct msp_topic_info *info = NULL;
			const char *topic = server->models[i]->entry->topics.name[kind];
			enum msp_status status = msp_admin_topic_describe(server->admin, topic, &info, WAIT_CALL_MS, err);
			free(info);
			if (status != MSP_OK)
				return status;
		}
	return MSP_OK;
}

/* Needs the admin, which may have to wait for the broker itself. */
static enum msp_status server_check(struct server *server, struct msp_error *err)
{
	struct msp_transport *transport = server->graph->transport;
	if (!server->admin) {
		enum msp_status status = msp_transport_admin_open(transport, &server->admin, err);
		if (status != MSP_OK)
			return status;
	}
	return topics_check(server, err);
}

/* What creates the topics of all that is to be served. The caller frees it; NULL: no memory. */
static char *topics_hint(const struct server *server)
{
	bool named = server->args->models.count || server->args->common.operands.count;
	const char **names = calloc(server->model_count + 1, sizeof(*names));
	if (!names)
		return NULL;
	for (size_t i = 0; i < server->model_count; i++)
		names[i] = hint_model_name(server->graph, server->models[i]);
	char *hint = hint_topics_create(server->graph, "-m", names, named ? server->model_count : 0);
	free(names);
	return hint;
}

static void wait_say(const struct server *server, const struct msp_error *err)
{
	bool lacks_topics = err->status == MSP_E_NOT_FOUND;
	char *broker = lacks_topics ? NULL : graph_broker_text(server->graph);
	if (lacks_topics)
		complain("waiting for topics: %s; \"%s\" creates them", err->text,
		         server->hint ? server->hint : "msp topics create");
	else
		complain("waiting for the broker %s: %s", broker ? broker : "", err->text);
	free(broker);
}

static bool wait_helps(const struct msp_error *err)
{
	return err->retriable || err->status == MSP_E_NOT_FOUND;
}

/* EXIT_DONE when everything is there, or a stop was asked for. */
static int topics_wait(struct server *server)
{
	int64_t begun_ms = msp_monotonic_ms(), say_at_ms = begun_ms;
	int timeout_ms = server->args->common.timeout_ms;
	struct msp_error err;
	while (server_check(server, &err) != MSP_OK) {
		if (!wait_helps(&err))
			return complain_of(&err);
		if (timeout_ms != TIMEOUT_UNSET && msp_monotonic_ms() >= begun_ms + timeout_ms) {
			if (say_at_ms == begun_ms)
				wait_say(server, &err);
			complain("gave up after %g s: %s", timeout_ms / 1000.0, err.text);
			return err.status == MSP_E_NOT_FOUND ? EXIT_SOME_FAILED : EXIT_UNREACHABLE;
		}
		if (msp_monotonic_ms() >= say_at_ms) {
			wait_say(server, &err);
			say_at_ms = msp_monotonic_ms() + WAIT_SAY_MS;
		}
		if (stop_wait_ms(server->stop, WAIT_POLL_MS))
			break;
	}
	return EXIT_DONE;
}

/* ---- services ---- */

static int service_add(struct server *server, const struct model *model)
{
	const struct service_settings *settings = model->settings->level.service;
	struct msp_error err;
	struct msp_service_config config = {
	    .entry = model->entry,
	    .transport = server->graph->transport,
	    .workers = (int)model->settings->own->workers,
	    .group = graph_group(model),
	    .instance = server->graph->tree.program->instance,
	    .guarantee = (enum msp_guarantee)settings->guarantee,
	    .commit_interval_ms = (int)settings->commit_interval_ms,
	    .batch_max_messages = (size_t)settings->batch_max_messages,
	    .batch_max_bytes = (size_t)settings->batch_max_bytes,
	    .batch_max_ms = (int)settings->batch_max_ms,
	    .stop_timeout_ms = (int)server->graph->tree.program->stop_timeout_ms,
	    .output_headers = settings->output_headers,
	    .topics_hint = server->hint,
	};
	int status = graph_pipeline_config(model, &config.pipeline);
	if (status != EXIT_DONE)
		return status;
	return msp_processor_add(server->processor, &config, &err) == MSP_OK ? EXIT_DONE : complain_of(&err);
}

static int services_start(struct server *server)
{
	struct msp_error err;
	int status = EXIT_DONE;
	if (msp_processor_new(&server->processor, &err) != MSP_OK)
		return complain_of(&err);
	for (size_t i = 0; i < server->model_count && status == EXIT_DONE; i++)
		status = service_add(server, server->models[i]);
	if (status != EXIT_DONE)
		return status;
	return msp_processor_start(server->processor, &err) == MSP_OK ? EXIT_DONE : complain_of(&err);
}

/* ---- telling what is served ---- */

/* A partition has one worker at a time: the others would be idle. */
static void workers_check(const struct server *server, const struct model *model)
{
	const char *topic = model->entry->topics.name[MSP_TOPIC_INPUTS];
	struct msp_topic_info *info = NULL;
	if (msp_admin_topic_describe(server->admin, topic, &info, WAIT_CALL_MS, NULL) != MSP_OK)
		return; /* the workers tell what is wrong with the broker */
	/* Where positions are ids, all workers share one sequence. */
	bool partitioned = info->partition_count && info->partitions[0].oldest != MSP_OFFSET_NONE;
	if (partitioned && model->settings->own->workers > (int64_t)info->partition_count)
		msp_log(MSP_LOG_WARN, "more workers than partitions: the others have nothing to do", "model",
		        model->entry->identity, "workers", MSP_LOG_NUMBER(model->settings->own->workers), "partitions",
		        MSP_LOG_NUMBER((int64_t)info->partition_count), "topic", topic, NULL);
	free(info);
}

static void serving_say(const struct server *server)
{
	char models[400] = "";
	size_t end = 0;
	int64_t workers = 0;
	char *broker = graph_broker_text(server->graph);
	for (size_t i = 0; i < server->model_count; i++) {
		workers += server->models[i]->settings->own->workers;
		if (end < sizeof(models))
			end += (size_t)snprintf(models + end, sizeof(models) - end, "%s%s", end ? "," : "",
			                        server->models[i]->entry->identity);
		workers_check(server, server->models[i]);
	}
	msp_log(MSP_LOG_INFO, "serving", "models", models, "workers", MSP_LOG_NUMBER(workers), "broker",
	        broker ? broker : "", NULL);
	free(broker);
}

/* ---- -e: what is left ---- */

static int64_t backlogs_remaining(const struct server *server)
{
	int64_t remaining = 0;
	for (size_t i = 0; i < server->model_count; i++)
		remaining += server->backlogs[i].remaining;
	return remaining;
}

static int backlogs_init(struct server *server)
{
	struct patience patience;
	int status = EXIT_DONE;
	server->backlogs = calloc(server->model_count + 1, sizeof(*server->backlogs));
	if (!server->backlogs) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	patience_init(&patience, server->graph, server->stop);
	for (size_t i = 0; i < server->model_count && status == EXIT_DONE && !stop_is_asked(server->stop); i++)
		status = backlog_init(&server->backlogs[i], server->admin, &patience, graph_group(server->models[i]),
		                      server->models[i]->entry->topics.name[MSP_TOPIC_INPUTS]);
	server->backlog_total = backlogs_remaining(server);
	return status;
}

static void backlogs_free(struct server *server)
{
	for (size_t i = 0; server->backlogs && i < server->model_count; i++)
		backlog_done(&server->backlogs[i]);
	free(server->backlogs);
}

/* True when the broker says that all is settled. It is asked often when our own count says that the end is near, and
 * seldom before: other processes may help. */
static bool backlogs_are_settled(struct server *server, uint64_t settled)
{
	int64_t now = msp_monotonic_ms();
	int pause = settled >= (uint64_t)server->backlog_total ? BACKLOG_SOON_MS : BACKLOG_LATER_MS;
	if (now < server->backlog_asked_ms + pause)
		return false;
	server->backlog_asked_ms = now;
	for (size_t i = 0; i < server->model_count; i++)
		if (server->backlogs[i].remaining &&
		    backlog_ask(&server->backlogs[i], server->admin, WAIT_CALL_MS, NULL) != MSP_OK)
			return false; /* the workers tell what is wrong with the broker */
	return !backlogs_remaining(server);
}

/* ---- serving ---- */

static void progress_count(struct server *server, struct msp_counters *ret_counters)
{
	msp_processor_counters(server->processor, ret_counters);
	server->progress.done = ret_counters->outputs + ret_counters->errors;
	server->progress.failed = ret_counters->errors;
	progress_show(&server->progress);
}

static int tick_ms(const struct server *server)
{
	if (!server->was_ready && msp_monotonic_ms() < server->begun_ms + STARTING_MS)
		return STARTING_TICK_MS;
	return server->args->stop_at_end ? BACKLOG_SOON_MS : SERVING_TICK_MS;
}

/* Until a stop signal, a worker's failure, or the end of what -e waits for. */
static int server_serve(struct server *server)
{
	struct msp_counters counters;
	int status = EXIT_DONE;
	while (status == EXIT_DONE && !msp_processor_failed(server->processor)) {
		bool ready = msp_processor_ready(server->processor);
		server->was_ready = server->was_ready || ready;
		status = ready_file_set(&server->ready_file, ready);
		msp_processor_watch(server->processor);
		progress_count(server, &counters);
		if (server->args->stop_at_end && backlogs_are_settled(server, server->progress.done))
			break;
		if (stop_wait_ms(server->stop, tick_ms(server)))
			break;
	}
	return status;
}

/* ---- the end ---- */

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* "150 outputs, 4 errors (3 malformed, 1 schema_violation), 154 messages in 0.3 s, 513/s" */
static void tally_report(const struct server *server)
{
	struct msp_counters counters;
	char codes[400] = "";
	size_t end = 0;
	msp_processor_counters(server->processor, &counters);
	for (unsigned code = 0; code < MSP_FAILURE_CODES; code++)
		if (counters.errors_by_code[code] && end < sizeof(codes))
			end += (size_t)snprintf(codes + end, sizeof(codes) - end, "%s%llu %s", end ? ", " : "",
			                        (unsigned long long)counters.errors_by_code[code],
			                        msp_failure_code_name((enum msp_failure_code)code));
	double seconds = (double)(msp_monotonic_ms() - server->begun_ms) / 1000;
	uint64_t total = counters.outputs + counters.errors;
	report("%llu output%s, %llu error%s%s%s%s; %llu message%s in %.1f s, %.0f/s", (unsigned long long)counters.outputs,
	       plural(counters.outputs), (unsigned long long)counters.errors, plural(counters.errors), *codes ? " (" : "",
	       codes, *codes ? ")" : "", (unsigned long long)total, plural(total), seconds,
	       seconds > 0 ? (double)total / seconds : 0.0);
}

/* The process ends without waiting for them. */
static void last_words(void *context)
{
	struct server *server = context;
	ready_file_set(&server->ready_file, false);
	if (server->processor)
		msp_processor_say_unended(server->processor);
}

static int server_stop(struct server *server, int status)
{
	struct msp_error err;
	stop_begin(server->stop);
	msp_processor_stop(server->processor);
	ready_file_set(&server->ready_file, false);
	progress_clear(&server->progress);
	if (msp_processor_join(server->processor, &err) != MSP_OK) {
		complain("%s", err.text);
		status = err.status == MSP_E_CONFLICT ? EXIT_USAGE : EXIT_SOME_FAILED;
	}
	progress_clear(&server->progress);
	if (!server->args->common.quiet)
		tally_report(server);
	return status;
}

static int stop_limit_ms(const struct server *server)
{
	int timeout_ms = (int)server->graph->tree.program->stop_timeout_ms;
	return timeout_ms > STOP_LEAST_MS ? timeout_ms : STOP_LEAST_MS;
}

static int server_work(struct server *server)
{
	int status = topics_wait(server);
	if (status == EXIT_DONE && server->args->stop_at_end)
		status = backlogs_init(server);
	if (status != EXIT_DONE || stop_is_asked(server->stop))
		return status;
	status = services_start(server);
	stop_limit(server->stop, stop_limit_ms(server), last_words, server);
	if (status == EXIT_DONE)
		serving_say(server);
	server->begun_ms = msp_monotonic_ms();
	return status == EXIT_DONE ? server_stop(server, server_serve(server)) : status;
}

int server_run(const struct graph *graph, const struct run_args *args, struct stop *stop)
{
	struct server server = {
	    .graph = graph,
	    .args = args,
	    .models = graph->set.models,
	    .model_count = graph->set.model_count,
	    .stop = stop,
	};
	if (ready_file_init(&server.ready_file, args->ready_file) != EXIT_DONE)
		return EXIT_USAGE;
	progress_init(&server.progress, args->common.quiet, "settled");
	server.hint = topics_hint(&server);
	stop_limit(stop, stop_limit_ms(&server), NULL, NULL);
	int status = server_work(&server);
	stop_limit(stop, stop_limit_ms(&server), NULL, NULL);
	msp_processor_free(server.processor);
	free(server.hint);
	backlogs_free(&server);
	if (server.admin)
		msp_admin_free(server.admin);
	return status;
}
