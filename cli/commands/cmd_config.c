/* msp config show, msp config check, msp config describe */
#include "builtin.h"
#include "commands.h"
#include "complain.h"
#include "graph/graph.h"
#include "message/output.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_TEXT_BYTES ((size_t)16 << 20)
#define ONE_OR_ALL     ", for all models or under `models.<label>.` for one"

struct config_args {
	struct common_args common;
	struct text_list models;
	bool markdown;
};

/* ---- show ---- */

/* `text` as a scalar, without the secrets of a URL. */
static bool masked_append(struct msp_buffer *text, const char *value)
{
	struct msp_buffer masked;
	msp_buffer_init(&masked, MAX_TEXT_BYTES);
	bool ok = config_append_url(&masked, value) == MSP_OK && msp_buffer_append_char(&masked, 0) == MSP_OK &&
	          config_append_scalar(text, masked.data) == MSP_OK;
	msp_buffer_done(&masked);
	return ok;
}

static bool value_append(struct msp_buffer *text, const struct settings_scope *scope, const struct msp_option *option,
                         const struct config_entry *entry)
{
	if (entry && entry->written && !option->secret)
		return masked_append(text, entry->written);
	struct msp_buffer value;
	msp_buffer_init(&value, MAX_TEXT_BYTES);
	bool ok = msp_option_format(option, scope->options, &value) == MSP_OK &&
	          msp_buffer_append_char(&value, 0) == MSP_OK && masked_append(text, value.data);
	msp_buffer_done(&value);
	return ok;
}

static bool option_is_set(const struct settings_scope *scope, const struct msp_option *option)
{
	if (option->type != MSP_OPTION_STRING || option->default_text)
		return true;
	return *(const char *const *)(const void *)((const char *)scope->options + option->offset) != NULL;
}

static bool line_append(struct msp_buffer *text, size_t start, const struct config_entry *entry)
{
	char origin[CONFIG_PLACE_SIZE];
	const struct config_origin by_default = {.layer = CONFIG_DEFAULT};
	config_origin_text(entry ? &entry->origin : &by_default, origin, sizeof(origin));
	size_t width = text->size - start;
	return msp_buffer_printf(text, "%*s# %s\n", width < 48 ? (int)(49 - width) : 1, "", origin) == MSP_OK;
}

static bool option_show(struct msp_buffer *text, const struct config *config, const struct settings_scope *scope,
                        const struct msp_option *option)
{
	char key[512];
	snprintf(key, sizeof(key), "%s%s", scope->prefix, option->name);
	const struct config_entry *entry = config_find(config, key);
	if (!entry && (scope->inherits || !option_is_set(scope, option)))
		return true;
	size_t start = text->size;
	return msp_buffer_printf(text, "%s: ", key) == MSP_OK && value_append(text, scope, option, entry) &&
	       line_append(text, start, entry);
}

static bool property_show(struct msp_buffer *text, const struct config *config,
                          const struct settings_transport *transport, const struct msp_property *property)
{
	char key[512];
	snprintf(key, sizeof(key), "%s.%s", transport->ops->name, property->name);
	const struct config_entry *entry = config_find(config, key);
	const char *value = config_key_is_secret(key) ? "********" : entry ? config_shown(entry) : property->value;
	size_t start = text->size;
	return msp_buffer_printf(text, "%s: ", key) == MSP_OK && masked_append(text, value) &&
	       line_append(text, start, entry);
}

static bool scope_show(struct msp_buffer *text, const struct config *config, const struct settings_scope *scope)
{
	bool ok = true;
	for (size_t i = 0; scope->table && i < scope->table->count && ok; i++)
		ok = option_show(text, config, scope, &scope->table->options[i]);
	return ok;
}

static bool level_show(struct msp_buffer *text, const struct config *config, const struct settings_level *level)
{
	bool ok = scope_show(text, config, &level->scope);
	for (size_t i = 0; i < level->codec_count && ok; i++)
		ok = scope_show(text, config, &level->codecs[i]);
	return ok;
}

static bool transport_show(struct msp_buffer *text, const struct config *config,
                           const struct settings_transport *transport)
{
	bool ok = scope_show(text, config, &transport->scope);
	for (size_t i = 0; i < transport->property_count && ok; i++)
		ok = property_show(text, config, transport, &transport->properties[i]);
	return ok;
}

static bool model_show(struct msp_buffer *text, const struct config *config, const struct model *model)
{
	const struct settings_model *settings = model->settings;
	const struct settings_scope plugin = {
	    .prefix = settings->scope.prefix,
	    .table = model->entry->plugin.symbol->options,
	    .options = model->entry->options,
	};
	return scope_show(text, config, &settings->scope) && level_show(text, config, &settings->level) &&
	       scope_show(text, config, &plugin);
}

static bool graph_show(struct msp_buffer *text, const struct graph *graph)
{
	const struct settings_tree *tree = &graph->tree;
	bool ok = scope_show(text, &tree->config, &tree->scope) && level_show(text, &tree->config, &tree->level);
	for (size_t i = 0; i < tree->transport_count && ok; i++)
		ok = transport_show(text, &tree->config, &tree->transports[i]);
	for (size_t i = 0; i < graph->set.model_count && ok; i++)
		ok = model_show(text, &tree->config, graph->set.models[i]);
	return ok;
}

static int text_print(struct msp_buffer *text, bool complete)
{
	struct output out;
	output_init(&out, STDOUT_FILENO);
	if (complete)
		output_bytes(&out, msp_buffer_bytes(text));
	else
		complain("out of memory");
	int status = output_done(&out);
	msp_buffer_done(text);
	return complete ? status : EXIT_SOME_FAILED;
}

/* Every configured model and those that are named. */
static int models_open(struct graph *graph, const struct config_args *args, enum model_need need, bool transport)
{
	const struct graph_request request = {{.names = &args->models, .all = true, .need = need}, .transport = transport};
	return graph_open(graph, &args->common, &request);
}

static int config_show(void *arguments)
{
	struct graph graph;
	int status = models_open(&graph, arguments, MODEL_OPTIONS, false);
	if (status == EXIT_DONE) {
		struct msp_buffer text;
		msp_buffer_init(&text, MAX_TEXT_BYTES);
		bool complete = graph_show(&text, &graph);
		status = text_print(&text, complete);
	}
	graph_close(&graph);
	return status;
}

/* ---- check ---- */

static int config_check(void *arguments)
{
	const struct config_args *args = arguments;
	struct graph graph;
	int status = models_open(&graph, args, MODEL_INFO, true);
	for (size_t i = 0; i < graph.set.model_count && status == EXIT_DONE; i++) {
		struct msp_pipeline_config pipeline;
		status = graph_pipeline_config(graph.set.models[i], &pipeline);
	}
	if (status == EXIT_DONE && !args->common.quiet)
		report("The configuration is fine: %zu model%s.", graph.set.model_count, graph.set.model_count == 1 ? "" : "s");
	graph_close(&graph);
	return status;
}

/* ---- describe ---- */

/* A table of options under one heading. */
struct reference {
	const char *title;
	const char *prefix;
	const struct msp_option_table *table;
};

static bool range_append(struct msp_buffer *text, const struct msp_option *option)
{
	if (!option->min && !option->max)
		return true;
	return msp_buffer_printf(text, " %lld–%lld", (long long)option->min, (long long)option->max) == MSP_OK;
}

static bool option_markdown(struct msp_buffer *text, const char *prefix, const struct msp_option *option)
{
	struct msp_buffer type;
	msp_buffer_init(&type, MAX_TEXT_BYTES);
	bool ok = msp_option_type_text(option, &type) == MSP_OK && msp_buffer_append_char(&type, 0) == MSP_OK &&
	          msp_buffer_printf(text, "| `%s%s` | ", prefix, option->name) == MSP_OK;
	for (const char *c = type.data; ok && *c; c++)
		ok = *c == '|' ? msp_buffer_append_string(text, "\\|") == MSP_OK : msp_buffer_append_char(text, *c) == MSP_OK;
	ok = ok && range_append(text, option);
	const char *tick = option->default_text ? "`" : "";
	ok = ok && msp_buffer_printf(text, " | %s%s%s | %s |\n", tick, option->default_text ? option->default_text : "",
	                             tick, option->help) == MSP_OK;
	msp_buffer_done(&type);
	return ok;
}

static bool option_plain(struct msp_buffer *text, const char *prefix, const struct msp_option *option)
{
	bool ok = msp_buffer_printf(text, "%s%s\n    %s\n    ", prefix, option->name, option->help) == MSP_OK &&
	          msp_option_type_text(option, text) == MSP_OK && range_append(text, option);
	if (ok && option->default_text)
		ok = msp_buffer_printf(text, ", default %s", option->default_text) == MSP_OK;
	return ok && msp_buffer_append_char(text, '\n') == MSP_OK;
}

static bool reference_append(struct msp_buffer *text, const struct reference *reference, bool markdown)
{
	bool ok =
	    msp_buffer_printf(text, markdown ? "**%s**\n\n| key | type | default | |\n|---|---|---|---|\n" : "# %s\n\n",
	                      reference->title) == MSP_OK;
	for (size_t i = 0; ok && i < reference->table->count; i++) {
		const struct msp_option *option = &reference->table->options[i];
		ok =
		    markdown ? option_markdown(text, reference->prefix, option) : option_plain(text, reference->prefix, option);
	}
	return ok && msp_buffer_append_char(text, '\n') == MSP_OK;
}

static bool part_append(struct msp_buffer *text, const char *kind, const char *name, const char *where,
                        const struct msp_option_table *table, bool markdown)
{
	char title[128], prefix[64];
	if (!table)
		return true;
	snprintf(title, sizeof(title), "%s %s%s", kind, name, where);
	snprintf(prefix, sizeof(prefix), "%s.", name);
	const struct reference reference = {title, prefix, table};
	return reference_append(text, &reference, markdown);
}

static bool plugin_append(struct msp_buffer *text, const struct model *model, bool markdown)
{
	char title[512];
	const struct msp_registry_entry *entry = model->entry;
	if (!entry->plugin.symbol->options)
		return true;
	snprintf(title, sizeof(title), "Model %s (%s)", entry->label, entry->plugin.path);
	const struct reference reference = {title, model->settings->scope.prefix, entry->plugin.symbol->options};
	return reference_append(text, &reference, markdown);
}

static bool describe_append(struct msp_buffer *text, const struct graph *graph, bool markdown)
{
	const struct reference references[] = {
	    {"The program", "", &program_options},
	    {"Serving" ONE_OR_ALL, "", &service_options},
	    {"Each model", "models.<label>.", &model_options},
	};
	bool ok = true;
	for (size_t i = 0; i < 3 && ok; i++)
		ok = reference_append(text, &references[i], markdown);
	for (size_t i = 0; builtin_transports[i] && ok; i++)
		ok = part_append(text, "Transport", builtin_transports[i]->name, "", builtin_transports[i]->options, markdown);
	for (size_t i = 0; builtin_codecs[i] && ok; i++)
		ok = part_append(text, "Codec", builtin_codecs[i]->name, ONE_OR_ALL, builtin_codecs[i]->options, markdown);
	for (size_t i = 0; i < graph->set.model_count && ok; i++)
		ok = plugin_append(text, graph->set.models[i], markdown);
	return ok;
}

static int config_describe(void *arguments)
{
	const struct config_args *args = arguments;
	struct graph graph;
	int status = models_open(&graph, args, MODEL_OPTIONS, false);
	if (status == EXIT_DONE) {
		struct msp_buffer text;
		msp_buffer_init(&text, MAX_TEXT_BYTES);
		bool complete = describe_append(&text, &graph, args->markdown);
		status = text_print(&text, complete);
	}
	graph_close(&graph);
	return status;
}

#define CONFIG_FLAGS                                                                                                   \
	{                                                                                                                  \
		"model", 'm', FLAG_LIST, offsetof(struct config_args, models), "MODEL", 0, 0,                                  \
		    "also a model that is not in the configuration; may be repeated"                                           \
	}

static const struct flag config_flags[] = {CONFIG_FLAGS};
static const struct flag describe_flags[] = {
    CONFIG_FLAGS,
    {"markdown", 0, FLAG_SWITCH, offsetof(struct config_args, markdown), NULL, 0, 0, "as Markdown tables"},
};

const struct command command_config_show = {
    .group = "config",
    .name = "show",
    .summary = "show every setting and where it comes from",
    .operands = "",
    .text = "Shows the configuration as it holds, one key per line, with the origin of each value.\n"
            "Secrets are masked. Later layers win: built-in default, msp.yaml, msp.ENV.yaml, MSP_… variables,\n"
            "-X, flags.\n"
            "\n"
            "Examples:\n"
            "  msp config show\n"
            "  msp config show --env prod",
    .flags = config_flags,
    .flag_count = 1,
    .args_size = sizeof(struct config_args),
    .run = config_show,
};

const struct command command_config_check = {
    .group = "config",
    .name = "check",
    .summary = "tell every mistake in the configuration",
    .operands = "",
    .text = "Reads the configuration, opens the plugins it names, and tells every mistake with file, line and\n"
            "column. Does not contact the broker. Exit status 2 when there is a mistake.\n"
            "\n"
            "Examples:\n"
            "  msp config check\n"
            "  msp config check -F /etc/msp/msp.yaml --env prod",
    .flags = config_flags,
    .flag_count = 1,
    .args_size = sizeof(struct config_args),
    .run = config_check,
};

const struct command command_config_describe = {
    .group = "config",
    .name = "describe",
    .summary = "show every key there is, its type, range and default",
    .operands = "",
    .text = "Shows the reference of all configuration keys of this build and of the configured models.\n"
            "\n"
            "Examples:\n"
            "  msp config describe\n"
            "  msp config describe -m iris --markdown",
    .flags = describe_flags,
    .flag_count = 2,
    .args_size = sizeof(struct config_args),
    .run = config_describe,
};
