/* msp models list, msp models describe */
#include "builtin.h"
#include "commands.h"
#include "complain.h"
#include "graph/graph.h"
#include "message/output.h"

#include <stdlib.h>

#define MAX_TEXT_BYTES ((size_t)16 << 20)

struct models_args {
	struct common_args common;
};

/* ---- list ---- */

static void model_line(struct output *out, const struct model *model)
{
	const struct msp_registry_entry *entry = model->entry;
	const char *inputs = entry->topics.name[MSP_TOPIC_INPUTS];
	size_t common = strlen(inputs) - strlen(msp_topic_kind_name(MSP_TOPIC_INPUTS));
	output_printf(out, "%s\t%s\t%s\t%.*s{inputs,outputs,errors}\n", model->settings->label, entry->identity,
	              entry->plugin.path, (int)common, inputs);
}

static int models_open(struct graph *graph, const struct models_args *args)
{
	const struct graph_request request = {{.names = &args->common.operands, .need = MODEL_INFO}, .transport = false};
	return graph_open(graph, &args->common, &request);
}

static int models_list(void *arguments)
{
	struct graph graph;
	int status = models_open(&graph, arguments);
	if (status == EXIT_DONE) {
		struct output out;
		output_init(&out, STDOUT_FILENO);
		for (size_t i = 0; i < graph.set.model_count; i++)
			model_line(&out, graph.set.models[i]);
		status = output_done(&out);
	}
	graph_close(&graph);
	return status;
}

/* ---- describe ---- */

/* The codec that writes JSON, indented for people. */
static enum msp_status json_open(struct msp_codec **ret_codec, struct msp_error *err)
{
	const struct msp_codec_ops *ops;
	enum msp_status status = builtin_json(&ops, err);
	if (status != MSP_OK)
		return status;
	const struct msp_codec_config config = {.max_depth = 200, .indent = 2};
	return ops->open(&config, ret_codec, err);
}

static struct msp_value optional_string(const char *string)
{
	return string ? msp_value_string(string) : msp_value_null();
}

static enum msp_status topics_value(const struct msp_topics *topics, struct msp_arena *arena,
                                    struct msp_value *ret_value)
{
	if (!msp_value_object(arena, MSP_TOPIC_KINDS, ret_value))
		return msp_arena_status(arena);
	for (unsigned kind = 0; kind < MSP_TOPIC_KINDS; kind++)
		msp_value_set(ret_value, kind, msp_topic_kind_name((enum msp_topic_kind)kind),
		              msp_value_string(topics->name[kind]));
	return MSP_OK;
}

/* Everything that there is to know about a model, as one object. */
static enum msp_status model_value(const struct model *model, struct msp_arena *arena, struct msp_value *ret_value)
{
	const struct msp_registry_entry *entry = model->entry;
	const struct msp_model_info *info = entry->info;
	struct msp_value input, output, topics;
	enum msp_status status = msp_schema_describe(info->input, arena, &input);
	if (status == MSP_OK)
		status = msp_schema_describe(info->output, arena, &output);
	if (status == MSP_OK)
		status = topics_value(&entry->topics, arena, &topics);
	if (status != MSP_OK)
		return status;
	if (!msp_value_object(arena, 8, ret_value))
		return msp_arena_status(arena);
	msp_value_set(ret_value, 0, "model", msp_value_string(entry->identity));
	msp_value_set(ret_value, 1, "label", msp_value_string(model->settings->label));
	msp_value_set(ret_value, 2, "summary", optional_string(info->summary));
	msp_value_set(ret_value, 3, "plugin", msp_value_string(entry->plugin.path));
	msp_value_set(ret_value, 4, "topics", topics);
	msp_value_set(ret_value, 5, "group", msp_value_string(graph_group(model)));
	msp_value_set(ret_value, 6, "input", input);
	msp_value_set(ret_value, 7, "output", output);
	return MSP_OK;
}

static enum msp_status models_encode(const struct model_set *set, struct msp_codec *codec, struct msp_buffer *text,
                                     struct msp_error *err)
{
	struct msp_arena arena;
	enum msp_status status = MSP_OK;
	msp_arena_init(&arena, MAX_TEXT_BYTES);
	for (size_t i = 0; i < set->model_count && status == MSP_OK; i++) {
		struct msp_value value;
		status = model_value(set->models[i], &arena, &value);
		if (status != MSP_OK)
			msp_error_set(err, status, "the schemas of %s are too large", set->models[i]->settings->label);
		else
			status = msp_codec_encode(codec, &value, text, NULL, err);
		if (status == MSP_OK && msp_buffer_append_char(text, '\n') != MSP_OK)
			status = msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	}
	msp_arena_done(&arena);
	return status;
}

static int models_print(const struct model_set *set)
{
	struct msp_codec *codec = NULL;
	struct msp_error err;
	struct msp_buffer text;
	struct output out;
	msp_buffer_init(&text, MAX_TEXT_BYTES);
	output_init(&out, STDOUT_FILENO);
	enum msp_status status = json_open(&codec, &err);
	if (status == MSP_OK)
		status = models_encode(set, codec, &text, &err);
	output_bytes(&out, msp_buffer_bytes(&text));
	int written = output_done(&out);
	if (codec)
		msp_codec_free(codec);
	msp_buffer_done(&text);
	return status == MSP_OK ? written : complain_of(&err);
}

static int models_describe(void *arguments)
{
	struct graph graph;
	int status = models_open(&graph, arguments);
	if (status == EXIT_DONE)
		status = models_print(&graph.set);
	graph_close(&graph);
	return status;
}

const struct command command_models_list = {
    .group = "models",
    .name = "list",
    .summary = "show the models, their plugins and their topics",
    .operands = "[MODEL…]",
    .text = "Shows one line per model: label, name and version, plugin, topics; with tabs between.\n"
            "Without arguments: every configured model. MODEL is a label, a plugin, or a name; the first that fits.\n"
            "\n"
            "Examples:\n"
            "  msp models list\n"
            "  msp models list iris echo",
    .args_size = sizeof(struct models_args),
    .run = models_list,
};

const struct command command_models_describe = {
    .group = "models",
    .name = "describe",
    .summary = "show what models take and give, as JSON Schema",
    .operands = "[MODEL…]",
    .text = "Shows each model as a JSON object: name and version, plugin, topics, consumer group, and the\n"
            "JSON Schemas (draft 2020-12) of its inputs and outputs.\n"
            "\n"
            "Examples:\n"
            "  msp models describe iris\n"
            "  msp models describe iris | jq .input.properties",
    .args_size = sizeof(struct models_args),
    .run = models_describe,
};
