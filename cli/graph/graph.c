#include "graph.h"

#include "builtin.h"
#include "complain.h"

#include <limits.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS 10000

/* ---- transports and codecs ---- */

static void part_bind(struct config *config, const char *name, const struct msp_option_table *table,
                      config_check_fn *property_check, struct part_options *part)
{
	char prefix[64];
	snprintf(prefix, sizeof(prefix), "%s.", name);
	*part = (struct part_options){.name = name, .table = table};
	if (table) {
		part->options = calloc(1, table->struct_size);
		if (!part->options || msp_options_init(table, part->options, NULL) != MSP_OK)
			config->no_memory = true;
		else
			config_bind(config, prefix, table, part->options);
	}
	if (property_check)
		config_take_rest(config, prefix, property_check, &part->properties, &part->property_count);
}

static void part_done(struct part_options *part)
{
	if (part->options)
		msp_options_done(part->table, part->options);
	free(part->options);
	free(part->properties);
}

static void parts_bind(struct graph *graph)
{
	size_t transports = 0, codecs = 0;
	while (builtin_transports[transports])
		transports++;
	while (builtin_codecs[codecs])
		codecs++;
	graph->transports = calloc(transports + 1, sizeof(*graph->transports));
	graph->codecs = calloc(codecs + 1, sizeof(*graph->codecs));
	if (!graph->transports || !graph->codecs) {
		graph->config.no_memory = true;
		return;
	}
	for (; graph->transport_count < transports; graph->transport_count++) {
		const struct msp_transport_ops *ops = builtin_transports[graph->transport_count];
		part_bind(&graph->config, ops->name, ops->options, ops->property_check,
		          &graph->transports[graph->transport_count]);
	}
	for (; graph->codec_count < codecs; graph->codec_count++) {
		const struct msp_codec_ops *ops = builtin_codecs[graph->codec_count];
		part_bind(&graph->config, ops->name, ops->options, NULL, &graph->codecs[graph->codec_count]);
	}
}

static const struct part_options *part_find(const struct part_options *parts, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(parts[i].name, name))
			return &parts[i];
	return NULL;
}

/* ---- opening ---- */

/* Told once, where it is written, and not again by each model. */
static void topic_prefix_check(struct graph *graph)
{
	const struct msp_model_info any = {.name = "x"};
	const struct config_entry *entry = config_find(&graph->config, "topic.prefix");
	struct msp_topics topics;
	struct msp_error err;
	if (!entry || !entry->value || msp_topics_init(&topics, graph->program.topic_prefix, &any, NULL, &err) == MSP_OK)
		return;
	config_problem(&graph->config, &entry->origin, "topic.prefix: %s",
	               entry->written ? "the text behind its references is no prefix of topic names" : err.text);
	const struct msp_option *option = msp_option_find(&program_options, "topic.prefix");
	if (msp_option_set(option, &graph->program, option->default_text, NULL) != MSP_OK)
		graph->config.no_memory = true;
}

static void top_level_bind(struct graph *graph)
{
	struct config *config = &graph->config;
	if (msp_options_init(&program_options, &graph->program, NULL) != MSP_OK ||
	    msp_options_init(&service_options, &graph->service, NULL) != MSP_OK) {
		config->no_memory = true;
		return;
	}
	config_bind(config, "", &program_options, &graph->program);
	topic_prefix_check(graph);
	service_bind(config, "", &graph->service);
	parts_bind(graph);
	msp_log_set_level((enum msp_log_level)graph->program.log_level);
}

/* Beside the program: in the build tree, and installed. */
static char *plugin_path_default(void)
{
	char program[PATH_MAX], *path = NULL;
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (size <= 0)
		return NULL;
	program[size] = 0;
	*strrchr(program, '/') = 0;
	return asprintf(&path, "%s/models:%s/" MSP_PLUGIN_PATH, program, program) < 0 ? NULL : path;
}

static void plugin_path_set(struct graph *graph)
{
	graph->plugin_path = graph->program.plugin_path ? strdup(graph->program.plugin_path) : plugin_path_default();
	if (!graph->plugin_path)
		graph->config.no_memory = true;
}

static int open_named(struct graph *graph, const struct common_args *args, enum graph_scope scope,
                      const struct text_list *names)
{
	struct msp_error err;
	memset(graph, 0, sizeof(*graph));
	graph->args = args;
	config_init(&graph->config);
	config_load(&graph->config, args);
	top_level_bind(graph);
	plugin_path_set(graph);
	if (msp_registry_new(graph->program.topic_prefix, graph_topic_wrap(graph), &graph->registry, &err) != MSP_OK)
		return complain_of(&err);
	if (scope == GRAPH_MODELS && !graph->config.no_memory)
		graph_models_load(graph, names);
	else
		config_skip(&graph->config, "models");
	config_refuse_unknown(&graph->config);
	return config_report(&graph->config);
}

int graph_open(struct graph *graph, const struct common_args *args, enum graph_scope scope)
{
	return open_named(graph, args, scope, NULL);
}

int graph_open_named(struct graph *graph, const struct common_args *args, const struct text_list *names)
{
	return open_named(graph, args, GRAPH_MODELS, names);
}

void graph_close(struct graph *graph)
{
	if (graph->transport)
		msp_transport_free(graph->transport);
	graph_models_free(graph);
	msp_registry_free(graph->registry);
	for (size_t i = 0; i < graph->transport_count; i++)
		part_done(&graph->transports[i]);
	for (size_t i = 0; i < graph->codec_count; i++)
		part_done(&graph->codecs[i]);
	free(graph->transports);
	free(graph->codecs);
	msp_options_done(&program_options, &graph->program);
	msp_options_done(&service_options, &graph->service);
	free(graph->plugin_path);
	config_done(&graph->config);
}

/* ---- using ---- */

/* Says where the broker's URL is written and what to write instead. */
static int broker_refuse(struct graph *graph, const struct msp_error *err)
{
	const struct config_entry *entry = config_find(&graph->config, "broker");
	if (!entry)
		complain("no broker is named, and the default, %s, is not in this build; name one, as in -b %s",
		         graph->program.broker, builtin_example());
	else if (entry->written)
		config_problem(&graph->config, &entry->origin,
		               "broker: what \"%s\" stands for is no URL for this build, as %s is", entry->written,
		               builtin_example());
	else
		config_problem(&graph->config, &entry->origin, "broker: %s", err->text);
	return entry ? config_report(&graph->config) : EXIT_USAGE;
}

/* A setting that is refused for what the others are, where it is written. */
static int setting_refuse(struct graph *graph, const struct msp_error *err)
{
	char key[128];
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(err->text, ":"), err->text);
	const struct config_entry *entry = config_find(&graph->config, key);
	if (!entry)
		return complain_of(err);
	config_problem(&graph->config, &entry->origin, "%s", err->text);
	return config_report(&graph->config);
}

static bool is_of_setting(const struct msp_error *err, const char *transport)
{
	size_t size = strlen(transport);
	return strncmp(err->text, transport, size) == 0 && err->text[size] == '.';
}

int graph_connect(struct graph *graph)
{
	const struct msp_transport_ops *ops;
	struct msp_error err;
	if (builtin_transport_find(graph->program.broker, &ops, &err) != MSP_OK)
		return broker_refuse(graph, &err);
	const struct part_options *part = part_find(graph->transports, graph->transport_count, ops->name);
	const struct msp_transport_config config = {
	    .url = graph->program.broker,
	    .options = part->options,
	    .properties = part->properties,
	    .property_count = part->property_count,
	    .instance = graph->program.instance,
	};
	if (ops->open(&config, &graph->transport, &err) == MSP_OK)
		return EXIT_DONE;
	if (err.status == MSP_E_INVALID && is_of_setting(&err, ops->name))
		return setting_refuse(graph, &err);
	return err.status == MSP_E_INVALID ? broker_refuse(graph, &err) : complain_of(&err);
}

const char *graph_topic_wrap(const struct graph *graph)
{
	const struct msp_transport_ops *ops;
	if (builtin_transport_find(graph->program.broker, &ops, NULL) != MSP_OK || !ops->topic_wrap)
		return NULL;
	return ops->topic_wrap(part_find(graph->transports, graph->transport_count, ops->name)->options);
}

int graph_timeout_ms(const struct graph *graph)
{
	return graph->args->timeout_ms == TIMEOUT_UNSET ? DEFAULT_TIMEOUT_MS : graph->args->timeout_ms;
}

const void *graph_codec_options(const struct graph *graph, const struct msp_codec_ops *ops)
{
	const struct part_options *part = part_find(graph->codecs, graph->codec_count, ops->name);
	return part ? part->options : NULL;
}

static int codec_resolve(const char *side, const struct service_settings *service, const struct msp_codec_ops **ret_ops)
{
	struct msp_error err;
	if (builtin_codec_find(side ? side : service->codec, ret_ops, &err) == MSP_OK)
		return EXIT_DONE;
	return complain_of(&err);
}

int graph_pipeline_config(const struct graph *graph, const struct graph_model *model,
                          struct msp_pipeline_config *ret_config)
{
	const struct service_settings *service = &model->service;
	const struct msp_codec_ops *input, *output;
	int status = codec_resolve(service->codec_input, service, &input);
	if (status == EXIT_DONE)
		status = codec_resolve(service->codec_output, service, &output);
	if (status != EXIT_DONE)
		return status;
	*ret_config = (struct msp_pipeline_config){
	    .input_codec = input,
	    .output_codec = output,
	    .input_codec_options = graph_codec_options(graph, input),
	    .output_codec_options = graph_codec_options(graph, output),
	    .max_depth = (int)service->codec_max_depth,
	    .max_message_bytes = (size_t)service->message_max_bytes,
	    .delivery_limit = (int)service->delivery_limit,
	    .max_memory = (size_t)service->batch_max_memory_bytes,
	};
	return EXIT_DONE;
}

const char *graph_group(const struct graph_model *model)
{
	return model->service.group ? model->service.group : model->entry->topics.group;
}

char *graph_broker_text(const struct graph *graph)
{
	struct msp_buffer buffer;
	const struct config_entry *entry = config_find(&graph->config, "broker");
	msp_buffer_init(&buffer, 1 << 16);
	if (config_append_url(&buffer, entry ? config_shown(entry) : graph->program.broker) == MSP_OK &&
	    msp_buffer_append_char(&buffer, 0) == MSP_OK)
		return buffer.data;
	msp_buffer_done(&buffer);
	return NULL;
}
