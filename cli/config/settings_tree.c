#include "settings_tree.h"

#include "args.h"
#include "builtin.h"

#include <msp/log.h>
#include <msp/topic.h>
#include <stdio.h>
#include <stdlib.h>

#define MODELS_PREFIX "models."
#define LABEL_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define LABEL_SIZE    128

/* ---- the program and its transports ---- */

/* Told once, where it is written, and not again by each model. */
static void topic_prefix_check(struct settings_tree *tree)
{
	const struct msp_model_info any = {.name = "x"};
	const struct config_entry *entry = config_find(&tree->config, "topic.prefix");
	struct msp_topics topics;
	struct msp_error err;
	if (!entry || !entry->value || msp_topics_init(&topics, tree->program->topic_prefix, &any, NULL, &err) == MSP_OK)
		return;
	config_problem(&tree->config, &entry->origin, "topic.prefix: %s",
	               entry->written ? "the text behind its references is no prefix of topic names" : err.text);
	const struct msp_option *option = msp_option_find(&program_options, "topic.prefix");
	if (msp_option_set(option, tree->scope.options, option->default_text, NULL) != MSP_OK)
		tree->config.no_memory = true;
}

static void program_bind(struct settings_tree *tree)
{
	settings_scope_bind(&tree->scope, &tree->config, "", &program_options, NULL);
	tree->program = tree->scope.options;
	if (tree->config.no_memory)
		return;
	topic_prefix_check(tree);
	msp_log_set_level((enum msp_log_level)tree->program->log_level);
}

static void transports_bind(struct settings_tree *tree)
{
	size_t count = 0;
	while (builtin_transports[count])
		count++;
	tree->transports = calloc(count + 1, sizeof(*tree->transports));
	if (!tree->transports)
		tree->config.no_memory = true;
	while (tree->transport_count < count && !tree->config.no_memory) {
		struct settings_transport *transport = &tree->transports[tree->transport_count];
		char prefix[64];
		transport->ops = builtin_transports[tree->transport_count++];
		snprintf(prefix, sizeof(prefix), "%s.", transport->ops->name);
		settings_scope_bind(&transport->scope, &tree->config, prefix, transport->ops->options, NULL);
		if (transport->ops->property_check)
			config_take_rest(&tree->config, prefix, transport->ops->property_check, &transport->properties,
			                 &transport->property_count);
	}
}

const struct settings_transport *settings_transport_of(const struct settings_tree *tree,
                                                       const struct msp_transport_ops *ops)
{
	const struct settings_transport *transport = tree->transports;
	while (transport->ops != ops)
		transport++;
	return transport;
}

/* ---- models ---- */

bool settings_is_label(const char *text)
{
	size_t size = strspn(text, LABEL_CHARS);
	return size && size < LABEL_SIZE && !text[size];
}

struct settings_model *settings_model_find(const struct settings_tree *tree, const char *label)
{
	for (size_t i = 0; i < tree->model_count; i++)
		if (!strcmp(tree->models[i]->label, label))
			return tree->models[i];
	return NULL;
}

static struct settings_model *model_new(struct settings_tree *tree, const char *label)
{
	struct settings_model **models = realloc(tree->models, (tree->model_count + 1) * sizeof(*models));
	if (models)
		tree->models = models;
	struct settings_model *model = models ? calloc(1, sizeof(*model)) : NULL;
	if (model)
		tree->models[tree->model_count++] = model;
	if (!model || !(model->label = strdup(label)))
		tree->config.no_memory = true;
	return model;
}

/* Binds what stands under models.<label>, but for the plugin's own options. */
static void model_bind(struct settings_tree *tree, struct settings_model *model)
{
	char prefix[sizeof(MODELS_PREFIX) + LABEL_SIZE];
	snprintf(prefix, sizeof(prefix), MODELS_PREFIX "%s.", model->label);
	settings_scope_bind(&model->scope, &tree->config, prefix, &model_options, NULL);
	model->own = model->scope.options;
	settings_level_bind(&model->level, &tree->config, prefix, &tree->level);
}

struct settings_model *settings_model_add(struct settings_tree *tree, const char *label, const char *plugin_path)
{
	const struct config_origin origin = {.layer = CONFIG_FLAG, .name = "-m"};
	char key[sizeof(MODELS_PREFIX) + LABEL_SIZE + sizeof(".plugin")];
	snprintf(key, sizeof(key), MODELS_PREFIX "%s.plugin", label);
	if (plugin_path)
		config_set(&tree->config, key, plugin_path, &origin);
	struct settings_model *model = model_new(tree, label);
	if (!tree->config.no_memory)
		model_bind(tree, model);
	return tree->config.no_memory ? NULL : model;
}

const struct config_origin *settings_model_origin(struct settings_tree *tree, const struct settings_model *model)
{
	char key[512];
	const char *prefix = model->scope.prefix;
	snprintf(key, sizeof(key), "%splugin", prefix);
	const struct config_entry *entry = config_find(&tree->config, key);
	size_t size = strlen(prefix);
	for (size_t i = 0; !entry && i < tree->config.entry_count; i++) {
		const char *other = tree->config.entries[i].key;
		if (!strncmp(other, prefix, size) || (!strncmp(other, prefix, size - 1) && !other[size - 1]))
			entry = &tree->config.entries[i];
	}
	return entry ? &entry->origin : NULL;
}

/* ---- which models ---- */

/* The label in a key "models.<label>…". False: there is none, which may be a mistake. */
static bool label_of_key(struct config *config, struct config_entry *entry, char label[LABEL_SIZE])
{
	size_t prefix_size = strlen(MODELS_PREFIX);
	if (strncmp(entry->key, MODELS_PREFIX, prefix_size) != 0)
		return false;
	const char *text = entry->key + prefix_size;
	size_t size = strcspn(text, ".");
	bool alone = !text[size]; /* with nothing below it: all defaults */
	snprintf(label, LABEL_SIZE, "%.*s", (int)size, text);
	bool valid = size < LABEL_SIZE && settings_is_label(label);
	if (alone || !valid)
		entry->used = true;
	if (alone && entry->value)
		config_problem(config, &entry->origin,
		               "model \"%s\" takes settings, not a value; for another plugin: \"%s: {plugin: NAME}\"", text,
		               text);
	else if (!valid)
		config_problem(config, &entry->origin, "\"%.*s\" is no label of a model: letters, digits, - and _", (int)size,
		               text);
	return valid && !(alone && entry->value);
}

static void models_bind(struct settings_tree *tree)
{
	struct config *config = &tree->config;
	struct config_entry *whole = config_find(config, "models");
	char label[LABEL_SIZE];
	if (whole && whole->value)
		config_problem(config, &whole->origin,
		               "models takes one label per line, each with a colon behind it, as in \"iris:\"");
	if (whole)
		whole->used = true;
	for (size_t i = 0; i < config->entry_count && !config->no_memory; i++)
		if (label_of_key(config, &config->entries[i], label) && !settings_model_find(tree, label))
			model_new(tree, label);
	for (size_t i = 0; i < tree->model_count && !config->no_memory; i++)
		model_bind(tree, tree->models[i]);
}

static void model_free(struct settings_model *model)
{
	settings_scope_done(&model->scope);
	settings_level_done(&model->level);
	free(model->label);
	free(model);
}

/* ---- the tree ---- */

void settings_tree_load(struct settings_tree *tree, const struct common_args *args)
{
	*tree = (struct settings_tree){0};
	config_init(&tree->config);
	config_load(&tree->config, args);
	program_bind(tree);
	settings_level_bind(&tree->level, &tree->config, "", NULL);
	transports_bind(tree);
	models_bind(tree);
}

void settings_tree_done(struct settings_tree *tree)
{
	for (size_t i = 0; i < tree->model_count; i++)
		model_free(tree->models[i]);
	free(tree->models);
	for (size_t i = 0; i < tree->transport_count; i++) {
		settings_scope_done(&tree->transports[i].scope);
		free(tree->transports[i].properties);
	}
	free(tree->transports);
	settings_level_done(&tree->level);
	settings_scope_done(&tree->scope);
	config_done(&tree->config);
}
