#include "model_set.h"

#include "plugins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- one model ---- */

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

static const char *plugin_of(const struct settings_model *settings)
{
	return settings->own->plugin ? settings->own->plugin : settings->label;
}

/* The label that this one is a slip of the pen of, or NULL. */
static const char *nearest_label(const struct settings_tree *tree, const char *label)
{
	const char *nearest = NULL;
	for (size_t i = 0; i < tree->model_count && !nearest; i++)
		if (strcmp(tree->models[i]->label, label) != 0)
			nearest = nearest_name(label, (const char *const *)&tree->models[i]->label, 1);
	return nearest;
}

static void plugin_refuse(struct model_set *set, const struct settings_model *settings, const struct msp_error *err)
{
	struct config *config = &set->tree->config;
	const struct config_origin *origin = settings_model_origin(set->tree, settings);
	const char *name = plugin_of(settings), *nearest = NULL;
	char plugin[256];
	if (err->status == MSP_E_NOT_FOUND && !origin)
		nearest = nearest_label(set->tree, settings->label);
	if (err->status == MSP_E_NOT_FOUND && !nearest && !strchr(name, '/') &&
	    plugins_nearest(set->plugin_path, name, plugin, sizeof(plugin)))
		nearest = plugin;
	config_problem(config, origin, "model \"%s\": %s%s%s%s", settings->label, err->text,
	               nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	config_skip(config, settings->scope.prefix);
}

/* False after a mistake. NULL options: the plugin has none. */
static bool plugin_options_bind(struct config *config, const char *prefix, const struct msp_option_table *table,
                                void **ret_options)
{
	size_t problems = config->problem_count;
	*ret_options = NULL;
	if (!table)
		return true;
	void *options = calloc(1, table->struct_size);
	if (options && msp_options_init(table, options, NULL) == MSP_OK)
		config_bind(config, prefix, NULL, table, options);
	else
		config->no_memory = true;
	if (!config->no_memory && config->problem_count == problems) {
		*ret_options = options;
		return true;
	}
	if (options)
		msp_options_done(table, options);
	free(options);
	return false;
}

/* NULL after a mistake. */
static struct msp_registry_entry *model_register(struct model_set *set, const struct settings_model *settings)
{
	struct config *config = &set->tree->config;
	struct msp_registry_entry *entry = NULL;
	struct msp_plugin plugin;
	struct msp_error err;
	void *options;
	if (msp_plugin_load(plugin_of(settings), set->plugin_path, &plugin, &err) != MSP_OK) {
		plugin_refuse(set, settings, &err);
		return NULL;
	}
	if (!plugin_options_bind(config, settings->scope.prefix, plugin.symbol->options, &options))
		msp_plugin_unload(&plugin);
	else if (msp_registry_add(set->registry, settings->label, &plugin, &options, &entry, &err) != MSP_OK)
		config_problem(config, settings_model_origin(set->tree, settings), "%s", err.text);
	return entry;
}

static struct model *model_opened(const struct model_set *set, const struct settings_model *settings)
{
	for (size_t i = 0; i < set->opened_count; i++)
		if (set->opened[i]->settings == settings)
			return set->opened[i];
	return NULL;
}

/* Opens it unless it is open. NULL: no memory. */
static struct model *model_open(struct model_set *set, const struct settings_model *settings)
{
	struct model *model = model_opened(set, settings);
	if (model)
		return model;
	struct model **opened = realloc(set->opened, (set->opened_count + 1) * sizeof(*opened));
	if (opened)
		set->opened = opened;
	model = opened ? calloc(1, sizeof(*model)) : NULL;
	if (!model) {
		set->tree->config.no_memory = true;
		return NULL;
	}
	set->opened[set->opened_count++] = model;
	model->settings = settings;
	model->entry = model_register(set, settings);
	return model;
}

static void model_load(struct model_set *set, const struct model *model, enum model_need need)
{
	struct msp_error err;
	if (!model->entry || need == MODEL_OPTIONS || (need == MODEL_INFO && model->entry->info))
		return;
	if (msp_registry_load(set->registry, model->entry, &err) != MSP_OK)
		config_problem(&set->tree->config, settings_model_origin(set->tree, model->settings), "%s", err.text);
}

/* ---- which model a name means ---- */

static struct settings_model *named_by_label_or_plugin(const struct settings_tree *tree, const char *name)
{
	struct settings_model *settings = settings_model_find(tree, name);
	for (size_t i = 0; i < tree->model_count && !settings; i++)
		if (!strcmp(plugin_of(tree->models[i]), name))
			settings = tree->models[i];
	return settings;
}

/* The configured model whose plugin is the file at `path`. */
static const struct settings_model *configured_with_file(const struct model_set *set, const char *path)
{
	char other[PATH_MAX];
	for (size_t i = 0; i < set->tree->model_count; i++)
		if (plugins_find(set->plugin_path, plugin_of(set->tree->models[i]), other) && !strcmp(other, path))
			return set->tree->models[i];
	return NULL;
}

/* "/opt/models/iris.so" is "iris". */
static void label_of_path(const char *path, char label[PATH_MAX])
{
	snprintf(label, PATH_MAX, "%s", strrchr(path, '/') + 1);
	label[strcspn(label, ".")] = 0;
}

/* `path` is what the user wrote, `resolved` the file that it is. NULL after a mistake. */
static const struct settings_model *named_by_file(struct model_set *set, const char *path, const char *resolved)
{
	const struct config_origin origin = {.layer = CONFIG_FLAG, .name = "-m"};
	struct config *config = &set->tree->config;
	char label[PATH_MAX];
	const struct settings_model *settings = configured_with_file(set, resolved);
	if (settings)
		return settings;
	label_of_path(path, label);
	if (!settings_is_label(label))
		config_problem(config, &origin, "\"%s\" gives no label; set models.LABEL.plugin to its absolute path", path);
	else if (settings_model_find(set->tree, label))
		config_problem(config, &origin,
		               "%s would be the model \"%s\", which is another one; give it a label of its own", path, label);
	else
		settings = settings_model_add(set->tree, label, resolved);
	return settings;
}

/* What only the models themselves can tell: each is asked for its name. */
static const struct settings_model *named_by_model(struct model_set *set, const char *name)
{
	for (size_t i = 0; i < set->tree->model_count; i++) {
		const struct model *model = model_open(set, set->tree->models[i]);
		if (model)
			model_load(set, model, MODEL_INFO);
	}
	const struct msp_registry_entry *entry = msp_registry_find(set->registry, name);
	for (size_t i = 0; i < set->opened_count && entry; i++)
		if (set->opened[i]->entry == entry)
			return set->opened[i]->settings;
	return NULL;
}

/* A label, a plugin, its file; and then a qualified name. NULL after a mistake. */
static const struct settings_model *name_resolve(struct model_set *set, const char *name)
{
	char resolved[PATH_MAX];
	bool is_path = strchr(name, '/') != NULL, is_label = settings_is_label(name);
	const struct settings_model *settings = named_by_label_or_plugin(set->tree, name);
	if (settings)
		return settings;
	if (is_path && realpath(name, resolved))
		return named_by_file(set, name, resolved);
	int path_error = errno;
	if (!is_label || !plugins_find(set->plugin_path, name, resolved))
		settings = named_by_model(set, name);
	if (settings || set->tree->config.problem_count)
		return settings;
	if (is_label)
		return settings_model_add(set->tree, name, NULL);
	const struct config_origin origin = {.layer = CONFIG_FLAG, .name = "-m"};
	if (is_path)
		config_problem(&set->tree->config, &origin, "no plugin at %s: %s", name, strerror(path_error));
	else
		config_problem(&set->tree->config, NULL, "there is no model \"%s\"; a plugin's file needs a path, as in ./%s",
		               name, name);
	return NULL;
}

/* ---- the set ---- */

static void set_choose(struct model_set *set, const struct settings_model *settings)
{
	struct model *model = settings ? model_open(set, settings) : NULL;
	for (size_t i = 0; i < set->model_count; i++)
		if (set->models[i] == model)
			return;
	if (model)
		set->models[set->model_count++] = model;
}

static void set_choose_all(struct model_set *set, const struct model_request *request)
{
	struct settings_tree *tree = set->tree;
	size_t configured = tree->model_count;
	set->models = calloc(configured + request->names->count + 1, sizeof(*set->models));
	if (!set->models) {
		tree->config.no_memory = true;
		return;
	}
	for (size_t i = 0; i < configured && (request->all || !request->names->count); i++)
		set_choose(set, tree->models[i]);
	for (size_t i = 0; i < request->names->count && !tree->config.no_memory; i++)
		set_choose(set, name_resolve(set, request->names->items[i]));
}

void model_set_open(struct model_set *set, struct settings_tree *tree, const char *topic_wrap,
                    const struct model_request *request)
{
	*set = (struct model_set){.tree = tree};
	if (tree->config.no_memory)
		return;
	set->plugin_path = tree->program->plugin_path ? strdup(tree->program->plugin_path) : plugin_path_default();
	if (!set->plugin_path ||
	    msp_registry_new(tree->program->topic_prefix, topic_wrap, &set->registry, NULL) != MSP_OK) {
		tree->config.no_memory = true;
		return;
	}
	if (request->names)
		set_choose_all(set, request);
	for (size_t i = 0; i < tree->model_count && !tree->config.no_memory; i++)
		if (!model_opened(set, tree->models[i]))
			config_skip(&tree->config, tree->models[i]->scope.prefix);
}

void model_set_load(struct model_set *set, enum model_need need)
{
	const struct config *config = &set->tree->config;
	if (config->no_memory || (need == MODEL_LOADED && config->problem_count))
		return;
	for (size_t i = 0; i < set->model_count; i++)
		model_load(set, set->models[i], need);
}

void model_set_done(struct model_set *set)
{
	for (size_t i = 0; i < set->opened_count; i++)
		free(set->opened[i]);
	free(set->opened);
	free(set->models);
	msp_registry_free(set->registry);
	free(set->plugin_path);
	*set = (struct model_set){0};
}
