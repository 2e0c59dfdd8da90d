/* The models of the graph: which are configured, their settings, their plugins. */
#include "args.h"
#include "builtin.h"
#include "complain.h"
#include "graph.h"
#include "plugins.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define MODELS_PREFIX "models."
#define LABEL_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* ---- service settings ---- */

/* What sets a codec at `prefix`, or NULL; --codec overrules what models say. */
static struct config_entry *codec_entry(struct config *config, const char *prefix, const char *name)
{
	char key[512];
	const struct config_entry *top = config_lookup(config, name);
	if (*prefix && top && top->origin.layer == CONFIG_FLAG)
		return NULL;
	snprintf(key, sizeof(key), "%s%s", prefix, name);
	struct config_entry *entry = config_lookup(config, key);
	return entry && entry->value ? entry : NULL;
}

static void codec_check(struct config *config, const struct config_entry *entry)
{
	const struct msp_codec_ops *ops;
	struct msp_error err;
	if (!entry || builtin_codec_find(entry->value, &ops, &err) == MSP_OK)
		return;
	if (entry->written)
		config_problem(config, &entry->origin, "%s: what \"%s\" stands for is no codec of this build", entry->key,
		               entry->written);
	else
		config_problem(config, &entry->origin, "%s: %s", entry->key, err.text);
}

/* `codec` of a scope stands for both sides, unless one is set by itself in the same layer or a later one. */
static void codec_spread(struct config *config, const char *prefix, struct service_settings *service)
{
	static const char *const sides[] = {"codec.input", "codec.output"};
	const struct config_entry *both = codec_entry(config, prefix, "codec");
	codec_check(config, both);
	for (size_t i = 0; i < 2; i++) {
		struct config_entry *side = codec_entry(config, prefix, sides[i]);
		if (side && side->origin.layer != CONFIG_FLAG)
			codec_check(config, side);
		if (!both || (side && side->origin.layer >= both->origin.layer))
			continue;
		if (msp_option_set(msp_option_find(&service_options, sides[i]), service, both->value, NULL) != MSP_OK)
			config->no_memory = true;
		if (side) {
			config_set(config, side->key, config_shown(both), &both->origin);
			side->used = true;
		}
	}
}

void service_bind(struct config *config, const char *prefix, struct service_settings *service)
{
	if (*prefix)
		config_bind_inherited(config, prefix, &service_options, service);
	else
		config_bind(config, prefix, &service_options, service);
	codec_spread(config, prefix, service);
}

/* What holds for all models is where each starts from. */
static bool service_copy(struct service_settings *service, const struct service_settings *from)
{
	*service = *from;
	bool ok = true;
	for (size_t i = 0; i < service_options.count; i++) {
		const struct msp_option *option = &service_options.options[i];
		if (option->type != MSP_OPTION_STRING)
			continue;
		const char **field = (const char **)(void *)((char *)service + option->offset);
		const char *text = *field;
		*field = NULL;
		ok = ok && (!text || msp_option_set(option, service, text, NULL) == MSP_OK);
	}
	return ok;
}

/* ---- one model ---- */

static struct graph_model *model_new(struct graph *graph, const char *label)
{
	struct graph_model **models = realloc(graph->models, (graph->model_count + 1) * sizeof(struct graph_model *));
	if (models)
		graph->models = models;
	struct graph_model *model = models ? calloc(1, sizeof(*model)) : NULL;
	if (!model) {
		graph->config.no_memory = true;
		return NULL;
	}
	graph->models[graph->model_count++] = model;
	model->label = strdup(label);
	if (!model->label || msp_options_init(&model_options, &model->settings, NULL) != MSP_OK ||
	    !service_copy(&model->service, &graph->service))
		graph->config.no_memory = true;
	return model;
}

/* Where a mistake about the model as a whole is: its plugin, or its first key. */
static const struct config_origin *model_origin(struct graph *graph, const char *prefix)
{
	char key[512];
	snprintf(key, sizeof(key), "%splugin", prefix);
	const struct config_entry *entry = config_lookup(&graph->config, key);
	size_t size = strlen(prefix);
	for (size_t i = 0; !entry && i < graph->config.entry_count; i++) {
		const char *other = graph->config.entries[i].key;
		if (!strncmp(other, prefix, size) || (!strncmp(other, prefix, size - 1) && !other[size - 1]))
			entry = &graph->config.entries[i];
	}
	return entry ? &entry->origin : NULL;
}

/* The plugin's own options, bound under the model's prefix. NULL without a table, or without memory. */
static void *plugin_options_bind(struct config *config, const char *prefix, const struct msp_option_table *table)
{
	if (!table)
		return NULL;
	void *options = calloc(1, table->struct_size);
	if (options && msp_options_init(table, options, NULL) == MSP_OK) {
		config_bind(config, prefix, table, options);
		return options;
	}
	config->no_memory = true;
	free(options);
	return NULL;
}

static void model_register(struct graph *graph, struct graph_model *model, const char *prefix, void *options)
{
	struct msp_error err;
	struct msp_registry_entry *entry;
	enum msp_status status = msp_registry_add(graph->registry, model->label, &model->plugin, &options, &entry, &err);
	if (status == MSP_OK)
		status = msp_registry_load(graph->registry, entry, &err);
	if (status == MSP_OK) {
		model->entry = entry;
		return;
	}
	config_problem(&graph->config, model_origin(graph, prefix), "%s", err.text);
	config_forget_table(&graph->config, prefix);
}

/* The label that `label` is a slip of the pen of, or NULL. */
static const char *nearest_label(const struct graph *graph, const char *label)
{
	const char *nearest = NULL;
	for (size_t i = 0; i < graph->model_count && !nearest; i++)
		if (strcmp(graph->models[i]->label, label) != 0)
			nearest = nearest_name(label, (const char *const *)&graph->models[i]->label, 1);
	return nearest;
}

static void plugin_refuse(struct graph *graph, const struct graph_model *model, const char *prefix,
                          const struct msp_error *err)
{
	const struct config_origin *origin = model_origin(graph, prefix);
	const char *name = model->settings.plugin ? model->settings.plugin : model->label;
	const char *nearest = origin || err->status != MSP_E_NOT_FOUND ? NULL : nearest_label(graph, model->label);
	char plugin[256];
	if (!nearest && err->status == MSP_E_NOT_FOUND && !strchr(name, '/') &&
	    plugins_nearest(graph->plugin_path, name, plugin, sizeof(plugin)))
		nearest = plugin;
	config_problem(&graph->config, origin, "model \"%s\": %s%s%s%s", model->label, err->text,
	               nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	config_skip(&graph->config, prefix);
}

static void model_load(struct graph *graph, struct graph_model *model, const char *prefix)
{
	struct config *config = &graph->config;
	struct msp_error err;
	const char *name = model->settings.plugin ? model->settings.plugin : model->label;
	if (msp_plugin_load(name, graph->plugin_path, &model->plugin, &err) != MSP_OK) {
		plugin_refuse(graph, model, prefix, &err);
		return;
	}
	const struct msp_option_table *table = model->plugin.symbol->options;
	size_t problems = config->problem_count;
	void *options = plugin_options_bind(config, prefix, table);
	if (!config->no_memory && config->problem_count == problems) {
		model_register(graph, model, prefix, options);
		return;
	}
	if (options)
		msp_options_done(table, options);
	free(options);
}

/* Binds everything under models.<label>. */
static void model_add(struct graph *graph, const char *label)
{
	struct config *config = &graph->config;
	struct graph_model *model = model_new(graph, label);
	char prefix[256];
	snprintf(prefix, sizeof(prefix), MODELS_PREFIX "%s.", label);
	if (!model || config->no_memory)
		return;
	config_bind(config, prefix, &model_options, &model->settings);
	service_bind(config, prefix, &model->service);
	model_load(graph, model, prefix);
}

/* ---- all models ---- */

static struct graph_model *model_by_label(const struct graph *graph, const char *label)
{
	for (size_t i = 0; i < graph->model_count; i++)
		if (!strcmp(graph->models[i]->label, label))
			return graph->models[i];
	return NULL;
}

/* Adds the model that a key "models.<label>…" names, unless it is there. */
static void model_add_of_key(struct graph *graph, size_t index)
{
	struct config_entry *entry = &graph->config.entries[index];
	size_t prefix_size = strlen(MODELS_PREFIX);
	if (strncmp(entry->key, MODELS_PREFIX, prefix_size) != 0)
		return;
	const char *label = entry->key + prefix_size;
	size_t size = strcspn(label, ".");
	char copy[128];
	if (!label[size]) {
		entry->used = true;
		if (entry->value) {
			config_problem(&graph->config, &entry->origin,
			               "model \"%s\" takes settings, not a value; for another plugin: \"%s: {plugin: NAME}\"",
			               label, label);
			return;
		}
		/* With nothing below it: all defaults. */
	}
	if (!size || size >= sizeof(copy) || strspn(label, LABEL_CHARS) < size) {
		config_problem(&graph->config, &entry->origin, "\"%.*s\" is no label of a model: letters, digits, - and _",
		               (int)size, label);
		entry->used = true;
		return;
	}
	memcpy(copy, label, size);
	copy[size] = 0;
	if (!model_by_label(graph, copy))
		model_add(graph, copy);
}

/* The label for a plugin that is named by its path: "/opt/models/iris.so" is "iris". */
static void label_of_path(const char *path, char *label, size_t size)
{
	snprintf(label, size, "%s", strrchr(path, '/') + 1);
	char *dot = strchr(label, '.');
	if (dot)
		*dot = 0;
}

static bool is_label(const char *text)
{
	return *text && strspn(text, LABEL_CHARS) == strlen(text);
}

/* Adds the plugin at `path`, which holds a slash and starts at the working directory unless it is absolute. */
static void model_add_path(struct graph *graph, const char *path)
{
	const struct config_origin origin = {.layer = CONFIG_FLAG, .name = "-m"};
	struct config *config = &graph->config;
	char resolved[PATH_MAX], label[128], key[192];
	if (!realpath(path, resolved)) {
		config_problem(config, &origin, "no plugin at %s: %s", path, strerror(errno));
		return;
	}
	label_of_path(path, label, sizeof(label));
	if (!is_label(label)) {
		config_problem(config, &origin, "\"%s\" gives no label; set models.LABEL.plugin to its absolute path", path);
		return;
	}
	if (model_by_label(graph, label)) {
		config_problem(config, &origin,
		               "%s would be the model \"%s\", which is another one; give it a label of its own", path, label);
		return;
	}
	snprintf(key, sizeof(key), MODELS_PREFIX "%s.plugin", label);
	config_set(config, key, resolved, &origin);
	model_add(graph, label);
}

/* A name that the configuration does not have means the plugin of that name, with its defaults. */
static void model_add_named(struct graph *graph, const char *name)
{
	if (graph_model_find(graph, name) || graph->config.problem_count)
		return;
	if (strchr(name, '/'))
		model_add_path(graph, name);
	else if (is_label(name) && !model_by_label(graph, name))
		model_add(graph, name);
	else
		config_problem(&graph->config, NULL, "there is no model \"%s\"; a plugin's file needs a path, as in ./%s", name,
		               name);
}

void graph_models_load(struct graph *graph, const struct text_list *names)
{
	struct config_entry *whole = config_find(&graph->config, "models");
	if (whole && whole->value)
		config_problem(&graph->config, &whole->origin,
		               "models takes one label per line, each with a colon behind it, as in \"iris:\"");
	if (whole)
		whole->used = true;
	/* Binding adds entries for what the environment says, all of models that are there already. */
	for (size_t i = 0, count = graph->config.entry_count; i < count; i++)
		model_add_of_key(graph, i);
	for (size_t i = 0; names && i < names->count; i++)
		model_add_named(graph, names->items[i]);
}

void graph_models_free(struct graph *graph)
{
	for (size_t i = 0; i < graph->model_count; i++) {
		struct graph_model *model = graph->models[i];
		msp_options_done(&model_options, &model->settings);
		msp_options_done(&service_options, &model->service);
		msp_plugin_unload(&model->plugin);
		free(model->label);
		free(model);
	}
	free(graph->models);
	graph->models = NULL;
	graph->model_count = 0;
}

/* ---- selection ---- */

/* The model whose plugin is the file at `path`. */
static struct graph_model *model_by_path(const struct graph *graph, const char *path)
{
	char resolved[PATH_MAX];
	if (!strchr(path, '/') || !realpath(path, resolved))
		return NULL;
	for (size_t i = 0; i < graph->model_count; i++)
		if (graph->models[i]->entry && !strcmp(graph->models[i]->entry->plugin.path, resolved))
			return graph->models[i];
	return NULL;
}

struct graph_model *graph_model_find(const struct graph *graph, const char *name)
{
	const struct msp_registry_entry *entry = msp_registry_find(graph->registry, name);
	for (size_t i = 0; entry && i < graph->model_count; i++)
		if (graph->models[i]->entry == entry)
			return graph->models[i];
	for (size_t i = 0; i < graph->model_count; i++) {
		const char *plugin = graph->models[i]->settings.plugin;
		if (graph->models[i]->entry && plugin && !strcmp(plugin, name))
			return graph->models[i];
	}
	return model_by_path(graph, name);
}

static bool selection_has(struct graph_model *const *models, size_t count, const struct graph_model *model)
{
	for (size_t i = 0; i < count; i++)
		if (models[i] == model)
			return true;
	return false;
}

int graph_select(const struct graph *graph, const struct text_list *names, struct graph_model ***ret_models,
                 size_t *ret_count)
{
	struct graph_model **models = calloc(graph->model_count + 1, sizeof(struct graph_model *));
	size_t count = 0;
	if (!models) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	for (size_t i = 0; !names->count && i < graph->model_count; i++)
		models[count++] = graph->models[i];
	for (size_t i = 0; i < names->count; i++) {
		struct graph_model *model = graph_model_find(graph, names->items[i]);
		if (model && !selection_has(models, count, model))
			models[count++] = model;
	}
	if (!count) {
		free(models);
		complain("no model is configured; name one with -m, or put it under models: in msp.yaml");
		return EXIT_USAGE;
	}
	*ret_models = models;
	*ret_count = count;
	return EXIT_DONE;
}
