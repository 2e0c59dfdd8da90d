#include "topics.h"

#include "complain.h"
#include "message/output.h"
#include "serve/broker.h"

#include <stdio.h>
#include <stdlib.h>

/* Room for the headers of an error record. */
#define ERROR_HEADER_BYTES ((size_t)64 << 10)

/* One topic that a command works on. */
struct target {
	const char *name;
	const struct model *model; /* NULL: named by -t */
	enum msp_topic_kind kind;
};

struct targets {
	struct target *items; /* owned */
	size_t count;
};

/* What a command does to one topic. */
struct work {
	const struct topics_args *args;
	const struct graph *graph;
	struct msp_admin *admin;
	struct patience patience;
	struct output out;
	struct msp_property *properties; /* owned; of args->properties */
};

typedef int work_fn(struct work *work, const struct target *target);

static int out_of_memory(void)
{
	complain("out of memory");
	return EXIT_SOME_FAILED;
}

/* ---- targets ---- */

static void targets_of_models(const struct graph *graph, struct targets *targets)
{
	size_t count = graph->set.model_count * MSP_TOPIC_KINDS;
	targets->items = calloc(count, sizeof(*targets->items));
	for (size_t i = 0; i < count && targets->items; i++) {
		const struct model *model = graph->set.models[i / MSP_TOPIC_KINDS];
		enum msp_topic_kind kind = (enum msp_topic_kind)(i % MSP_TOPIC_KINDS);
		targets->items[targets->count++] = (struct target){model->entry->topics.name[kind], model, kind};
	}
}

static int targets_named(const struct topics_args *args, struct targets *targets)
{
	struct msp_error err;
	targets->items = calloc(args->topics.count, sizeof(*targets->items));
	for (size_t i = 0; i < args->topics.count && targets->items; i++) {
		if (msp_topic_check(args->topics.items[i], &err) != MSP_OK) {
			complain("%s: %s", args->topics.items[i], err.text);
			return EXIT_USAGE;
		}
		targets->items[targets->count++] = (struct target){.name = args->topics.items[i]};
	}
	return EXIT_DONE;
}

static int targets_init(const struct graph *graph, const struct topics_args *args, struct targets *targets)
{
	*targets = (struct targets){0};
	int status = EXIT_DONE;
	if (args->topics.count)
		status = targets_named(args, targets);
	else
		targets_of_models(graph, targets);
	if (status != EXIT_DONE || targets->items)
		return status;
	return out_of_memory();
}

/* ---- create ---- */

static size_t target_max_bytes(const struct work *work, const struct target *target)
{
	const struct service_settings *service = graph_level(work->graph, target->model)->service;
	size_t bytes = (size_t)service->message_max_bytes;
	return target->model && target->kind == MSP_TOPIC_ERRORS ? bytes + ERROR_HEADER_BYTES : bytes;
}

/* Results have the timestamps of their inputs, by which retention would delete them. */
static bool target_append_time(const struct work *work, const struct target *target)
{
	return target->model && target->kind != MSP_TOPIC_INPUTS && work->graph->tree.program->topics_log_append_time;
}

static enum msp_status topic_try_create(struct work *work, const struct msp_topic_spec *spec, struct msp_error *err)
{
	for (;;) {
		enum msp_status status = msp_admin_topic_create(work->admin, spec, patience_left_ms(&work->patience), err);
		if (status == MSP_OK || !patience_retry(&work->patience, err))
			return status;
	}
}

/* MSP_OK: the topic is there. */
static enum msp_status topic_check(struct work *work, const char *topic, struct msp_error *err)
{
	struct msp_topic_info *info = NULL;
	enum msp_status status = broker_describe(work->admin, &work->patience, topic, &info, err);
	free(info);
	return status;
}

static int topic_would_create(struct work *work, const struct msp_topic_spec *spec)
{
	struct msp_error err;
	enum msp_status status = topic_check(work, spec->name, &err);
	if (status == MSP_OK) {
		output_printf(&work->out, "exists %s\n", spec->name);
		return work->args->if_not_exists ? EXIT_DONE : EXIT_SOME_FAILED;
	}
	if (status != MSP_E_NOT_FOUND)
		return patience_end(&work->patience, &err);
	output_printf(&work->out, "would create %s (partitions %d, messages up to %zu bytes)\n", spec->name,
	              (int)spec->partitions, spec->max_message_bytes);
	return EXIT_DONE;
}

static int topic_create(struct work *work, const struct target *target)
{
	const struct msp_topic_spec spec = {
	    .name = target->name,
	    .partitions = (int32_t)work->args->partitions,
	    .replication = (int32_t)work->args->replication,
	    .max_message_bytes = target_max_bytes(work, target),
	    .append_time = target_append_time(work, target),
	    .properties = work->properties,
	    .property_count = work->args->properties.count,
	    .group = target->model && target->kind == MSP_TOPIC_INPUTS ? graph_group(target->model) : NULL,
	};
	struct msp_error err;
	if (work->args->dry_run)
		return topic_would_create(work, &spec);
	enum msp_status status = topic_try_create(work, &spec, &err);
	if (status == MSP_E_EXISTS && work->args->if_not_exists) {
		output_printf(&work->out, "exists %s\n", spec.name);
		return EXIT_DONE;
	}
	if (status != MSP_OK)
		return patience_end(&work->patience, &err);
	output_printf(&work->out, "created %s (partitions %d)\n", spec.name, (int)spec.partitions);
	return EXIT_DONE;
}

/* ---- delete ---- */

static int topic_delete(struct work *work, const struct target *target)
{
	struct msp_error err;
	if (work->args->dry_run) {
		if (topic_check(work, target->name, &err) != MSP_OK)
			return patience_end(&work->patience, &err);
		output_printf(&work->out, "would delete %s\n", target->name);
		return EXIT_DONE;
	}
	while (msp_admin_topic_delete(work->admin, target->name, patience_left_ms(&work->patience), &err) != MSP_OK)
		if (!patience_retry(&work->patience, &err))
			return patience_end(&work->patience, &err);
	output_printf(&work->out, "deleted %s\n", target->name);
	return EXIT_DONE;
}

/* ---- describe ---- */

static void partition_describe(struct output *out, const struct msp_partition_info *info)
{
	if (info->partition == MSP_PARTITION_ANY)
		output_printf(out, "  ");
	else
		output_printf(out, "  partition %d: ", (int)info->partition);
	if (info->count >= 0)
		output_printf(out, "%lld message%s, ", (long long)info->count, info->count == 1 ? "" : "s");
	if (info->newest == MSP_OFFSET_NONE)
		output_printf(out, "ids from %s to %s", *info->oldest_id ? info->oldest_id : "-",
		              *info->newest_id ? info->newest_id : "-");
	else
		output_printf(out, "offsets from %lld, next %lld", (long long)info->oldest, (long long)info->newest);
	if (info->waiting > 0)
		output_printf(out, ", then %lld behind an open transaction", (long long)info->waiting);
	output_printf(out, "\n");
}

static int lag_describe(struct work *work, const struct target *target, const struct msp_topic_info *info)
{
	const char *group = graph_group(target->model);
	struct msp_error err;
	struct msp_group_lag *lag;
	while (msp_admin_group_lag(work->admin, group, target->name, info, &lag, patience_left_ms(&work->patience), &err) !=
	       MSP_OK)
		if (!patience_retry(&work->patience, &err))
			return patience_end(&work->patience, &err);
	int64_t remaining = msp_group_lag_messages(lag);
	free(lag);
	output_printf(&work->out, "  group %s: %lld message%s to settle\n", group, (long long)remaining,
	              remaining == 1 ? "" : "s");
	return EXIT_DONE;
}

static int topic_describe(struct work *work, const struct target *target)
{
	struct msp_topic_info *info = NULL;
	struct msp_error err;
	if (broker_describe(work->admin, &work->patience, target->name, &info, &err) != MSP_OK)
		return patience_end(&work->patience, &err);
	output_printf(&work->out, "%s\n", target->name);
	for (size_t i = 0; i < info->partition_count; i++)
		partition_describe(&work->out, &info->partitions[i]);
	bool is_input = target->model && target->kind == MSP_TOPIC_INPUTS;
	int status = is_input ? lag_describe(work, target, info) : EXIT_DONE;
	free(info);
	return status;
}

/* ---- running over topics ---- */

/* The array that the specs borrow; the values stay in argv. */
static int properties_init(struct work *work)
{
	const struct text_list *list = &work->args->properties;
	work->properties = calloc(list->count + 1, sizeof(*work->properties));
	for (size_t i = 0; i < list->count && work->properties; i++) {
		const char *equals = strchr(list->items[i], '=');
		if (!equals || equals == list->items[i]) {
			complain("--topic-config takes KEY=VALUE, not \"%s\"", list->items[i]);
			return EXIT_USAGE;
		}
		char *name = strndup(list->items[i], (size_t)(equals - list->items[i]));
		if (!name)
			return out_of_memory();
		work->properties[i] = (struct msp_property){name, equals + 1};
	}
	return work->properties ? EXIT_DONE : out_of_memory();
}

static void properties_done(struct work *work)
{
	for (size_t i = 0; work->properties && i < work->args->properties.count; i++)
		free((void *)(uintptr_t)work->properties[i].name);
	free(work->properties);
}

/* Goes on after a topic that failed, unless the broker is away. */
static int targets_work(struct work *work, const struct targets *targets, work_fn *each)
{
	int status = EXIT_DONE;
	for (size_t i = 0; i < targets->count && status != EXIT_UNREACHABLE; i++) {
		patience_reset(&work->patience);
		int one = each(work, &targets->items[i]);
		if (one != EXIT_DONE)
			status = one;
	}
	return status;
}

static int work_connected(struct work *work, const struct graph *graph, const struct targets *targets, work_fn *each)
{
	int status = properties_init(work);
	if (status == EXIT_DONE)
		status = broker_admin(graph, NULL, &work->admin);
	if (status == EXIT_DONE && work->args->replication && graph->transport->ops->single_copy)
		report("msp: --replication has no effect: the broker keeps one copy of a topic");
	if (status == EXIT_DONE) {
		patience_init(&work->patience, graph, NULL);
		status = targets_work(work, targets, each);
	}
	if (work->admin)
		msp_admin_free(work->admin);
	properties_done(work);
	int written = output_done(&work->out);
	return status == EXIT_DONE ? written : status;
}

static int topics_run(const struct topics_args *args, work_fn *each)
{
	struct graph graph;
	struct targets targets = {0};
	struct work work = {.args = args, .graph = &graph};
	output_init(&work.out, STDOUT_FILENO);
	if (args->topics.count && args->models.count) {
		complain("-t and -m cannot be used together");
		return EXIT_USAGE;
	}
	const struct graph_request request = {{.names = args->topics.count ? NULL : &args->models, .need = MODEL_INFO},
	                                      .transport = true};
	int status = graph_open(&graph, &args->common, &request);
	if (status == EXIT_DONE)
		status = targets_init(&graph, args, &targets);
	if (status == EXIT_DONE)
		status = work_connected(&work, &graph, &targets, each);
	free(targets.items);
	graph_close(&graph);
	return status;
}

int topics_create(const struct topics_args *args)
{
	return topics_run(args, topic_create);
}

int topics_describe(const struct topics_args *args)
{
	return topics_run(args, topic_describe);
}

int topics_delete(const struct topics_args *args)
{
	return topics_run(args, topic_delete);
}

/* ---- list ---- */

static void topic_print(void *out, const char *topic)
{
	output_text(out, msp_bytes_of_string(topic));
	output_write(out, "\n", 1);
}

static int admin_list(const struct graph *graph)
{
	struct msp_admin *admin;
	struct patience patience;
	struct output out;
	struct msp_error err;
	int status = broker_admin(graph, NULL, &admin);
	if (status != EXIT_DONE)
		return status;
	output_init(&out, STDOUT_FILENO);
	patience_init(&patience, graph, NULL);
	while (msp_admin_topic_list(admin, topic_print, &out, patience_left_ms(&patience), &err) != MSP_OK) {
		out.size = 0;
		if (patience_retry(&patience, &err))
			continue;
		status = patience_end(&patience, &err);
		break;
	}
	msp_admin_free(admin);
	int written = output_done(&out);
	return status == EXIT_DONE ? written : status;
}

int topics_list(const struct topics_args *args)
{
	struct graph graph;
	int status = graph_open_with(&graph, &args->common, NULL, MODEL_OPTIONS, true);
	if (status == EXIT_DONE)
		status = admin_list(&graph);
	graph_close(&graph);
	return status;
}
