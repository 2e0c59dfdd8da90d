#include "graph.h"

#include "builtin.h"
#include "complain.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_TIMEOUT_MS 10000

/* ---- the transport ---- */

/* Says where the broker's URL is written and what to write instead. */
static int broker_refuse(struct settings_tree *tree, const struct msp_error *err)
{
	const struct config_entry *entry = config_find(&tree->config, "broker");
	if (!entry)
		complain("no broker is named, and the default, %s, is not in this build; name one, as in -b %s",
		         tree->program->broker, builtin_example());
	else if (entry->written)
		config_problem(&tree->config, &entry->origin,
		               "broker: what \"%s\" stands for is no URL for this build, as %s is", entry->written,
		               builtin_example());
	else
		config_problem(&tree->config, &entry->origin, "broker: %s", err->text);
	return entry ? config_report(&tree->config) : EXIT_USAGE;
}

/* A setting that is refused for what the others are, where it is written. */
static int setting_refuse(struct settings_tree *tree, const struct msp_error *err)
{
	char key[128];
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(err->text, ":"), err->text);
	const struct config_entry *entry = config_find(&tree->config, key);
	if (!entry)
		return complain_of(err);
	config_problem(&tree->config, &entry->origin, "%s", err->text);
	return config_report(&tree->config);
}

static bool is_of_setting(const struct msp_error *err, const char *transport)
{
	size_t size = strlen(transport);
	return strncmp(err->text, transport, size) == 0 && err->text[size] == '.';
}

static int transport_open(struct settings_tree *tree, struct msp_transport **ret_transport)
{
	const struct msp_transport_ops *ops;
	struct msp_error err;
	if (builtin_transport_find(tree->program->broker, &ops, &err) != MSP_OK)
		return broker_refuse(tree, &err);
	const struct settings_transport *settings = settings_transport_of(tree, ops);
	const struct msp_transport_config config = {
	    .url = tree->program->broker,
	    .options = settings->scope.options,
	    .properties = settings->properties,
	    .property_count = settings->property_count,
	    .instance = tree->program->instance,
	};
	if (ops->open(&config, ret_transport, &err) == MSP_OK)
		return EXIT_DONE;
	if (err.status == MSP_E_INVALID && is_of_setting(&err, ops->name))
		return setting_refuse(tree, &err);
	return err.status == MSP_E_INVALID ? broker_refuse(tree, &err) : complain_of(&err);
}

/* What the broker's transport puts around what a model's topics share, or NULL. */
static const char *topic_wrap(const struct settings_tree *tree)
{
	const struct msp_transport_ops *ops;
	if (tree->config.no_memory || builtin_transport_find(tree->program->broker, &ops, NULL) != MSP_OK ||
	    !ops->topic_wrap)
		return NULL;
	return ops->topic_wrap(settings_transport_of(tree, ops)->scope.options);
}

/* ---- the graph ---- */

static int models_open(struct graph *graph, const struct model_request *request)
{
	model_set_open(&graph->set, &graph->tree, topic_wrap(&graph->tree), request);
	config_refuse_unknown(&graph->tree.config);
	model_set_load(&graph->set, request->need);
	int status = config_report(&graph->tree.config);
	if (status != EXIT_DONE || !request->names || request->all || graph->set.model_count)
		return status;
	complain("no model is configured; name one with -m, or put it under models: in msp.yaml");
	return EXIT_USAGE;
}

int graph_open(struct graph *graph, const struct common_args *args, const struct graph_request *request)
{
	*graph = (struct graph){.args = args};
	settings_tree_load(&graph->tree, args);
	int status = models_open(graph, &request->models);
	return status == EXIT_DONE && request->transport ? transport_open(&graph->tree, &graph->transport) : status;
}

int graph_open_with(struct graph *graph, const struct common_args *args, const char *name, enum model_need need,
                    bool transport)
{
	const struct text_list names = {&name, 1};
	const struct graph_request request = {{.names = name ? &names : NULL, .need = need}, .transport = transport};
	return graph_open(graph, args, &request);
}

void graph_close(struct graph *graph)
{
	if (graph->transport)
		msp_transport_free(graph->transport);
	model_set_done(&graph->set);
	settings_tree_done(&graph->tree);
}

int graph_timeout_ms(const struct graph *graph)
{
	return graph->args->timeout_ms == TIMEOUT_UNSET ? DEFAULT_TIMEOUT_MS : graph->args->timeout_ms;
}

char *graph_broker_text(const struct graph *graph)
{
	struct msp_buffer buffer;
	const struct config_entry *entry = config_find(&graph->tree.config, "broker");
	msp_buffer_init(&buffer, 1 << 16);
	if (config_append_url(&buffer, entry ? config_shown(entry) : graph->tree.program->broker) == MSP_OK &&
	    msp_buffer_append_char(&buffer, 0) == MSP_OK)
		return buffer.data;
	msp_buffer_done(&buffer);
	return NULL;
}

/* ---- its models ---- */

const struct model *graph_model(const struct graph *graph)
{
	return graph->set.model_count ? graph->set.models[0] : NULL;
}

const struct settings_level *graph_level(const struct graph *graph, const struct model *model)
{
	return model ? &model->settings->level : &graph->tree.level;
}

const char *graph_group(const struct model *model)
{
	const char *group = model->settings->level.service->group;
	return group ? group : model->entry->topics.group;
}

int graph_pipeline_config(const struct model *model, struct msp_pipeline_config *ret_config)
{
	const struct settings_level *level = &model->settings->level;
	const struct service_settings *service = level->service;
	const struct msp_codec_ops *input, *output;
	struct msp_error err;
	if (builtin_codec_find(settings_codec(service, MSP_SIDE_INPUT), &input, &err) != MSP_OK ||
	    builtin_codec_find(settings_codec(service, MSP_SIDE_OUTPUT), &output, &err) != MSP_OK)
		return complain_of(&err);
	*ret_config = (struct msp_pipeline_config){
	    .input_codec = input,
	    .output_codec = output,
	    .input_codec_options = settings_codec_options(level, input),
	    .output_codec_options = settings_codec_options(level, output),
	    .input_topic = model->entry->topics.name[MSP_TOPIC_INPUTS],
	    .output_topic = model->entry->topics.name[MSP_TOPIC_OUTPUTS],
	    .max_depth = (int)service->codec_max_depth,
	    .max_message_bytes = (size_t)service->message_max_bytes,
	    .delivery_limit = (int)service->delivery_limit,
	    .max_memory = (size_t)service->batch_max_memory_bytes,
	};
	return EXIT_DONE;
}
