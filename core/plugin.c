#include <msp/plugin.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static enum msp_status plugin_resolve_path(const char *path, char resolved[PATH_MAX], struct msp_error *err)
{
	struct stat info;
	if (realpath(path, resolved) && stat(resolved, &info) == 0)
		return S_ISREG(info.st_mode) ? MSP_OK : msp_error_set(err, MSP_E_INVALID, "plugin %s is no regular file", path);
	if (errno == ENOENT || errno == ENOTDIR)
		return msp_error_set(err, MSP_E_NOT_FOUND, "no plugin at %s", path);
	return msp_error_set(err, MSP_E_DENIED, "cannot reach plugin %s: %s", path, strerror(errno));
}

/* Empty elements are skipped: unlike a shell's PATH, they must not mean the working directory. */
static enum msp_status plugin_search(const char *name, const char *search_path, char resolved[PATH_MAX],
                                     struct msp_error *err)
{
	for (const char *directory = search_path; *directory;) {
		size_t length = strcspn(directory, ":");
		char candidate[PATH_MAX];
		int size = snprintf(candidate, sizeof(candidate), "%.*s/%s.so", (int)length, directory, name);
		if (length && size > 0 && (size_t)size < sizeof(candidate) && access(candidate, F_OK) == 0)
			return plugin_resolve_path(candidate, resolved, err);
		directory += length + (directory[length] == ':');
	}
	return msp_error_set(err, MSP_E_NOT_FOUND, "no plugin '%s' (%s.so) in %s", name, name,
	                     *search_path ? search_path : "an empty search path");
}

static enum msp_status plugin_locate(const char *name, const char *search_path, char resolved[PATH_MAX],
                                     struct msp_error *err)
{
	if (name[0] == '/')
		return plugin_resolve_path(name, resolved, err);
	if (!name[0] || strchr(name, '/'))
		return msp_error_set(err, MSP_E_INVALID, "plugin '%s' is neither an absolute path nor a plain name", name);
	return plugin_search(name, search_path ? search_path : "", resolved, err);
}

/* Reads `abi` first, then `size`: nothing behind them means anything until both agree. */
static enum msp_status plugin_check_symbol(const struct msp_model_plugin *symbol, const char *path,
                                           struct msp_error *err)
{
	if (symbol->abi != MSP_MODEL_ABI)
		return msp_error_set(err, MSP_E_UNSUPPORTED, "%s is built for model ABI %u, this program has %u", path,
		                     symbol->abi, MSP_MODEL_ABI);
	if (symbol->size != sizeof(*symbol))
		return msp_error_set(err, MSP_E_UNSUPPORTED, "%s has a plugin struct of %u bytes, this program expects %zu",
		                     path, symbol->size, sizeof(*symbol));
	const char *missing = !symbol->open                     ? "open"
	                      : !symbol->predict                ? "predict"
	                      : !symbol->close                  ? "close"
	                      : !symbol->info && !symbol->load  ? "load"
	                      : symbol->load && !symbol->unload ? "unload"
	                                                        : NULL;
	if (missing)
		return msp_error_set(err, MSP_E_INVALID, "%s lacks the function '%s'", path, missing);
	return MSP_OK;
}

/* RTLD_LOCAL: two plugins may carry different versions of one library. RTLD_NOW: a missing function is reported here
 * and not in the middle of a batch. */
static enum msp_status plugin_open_object(struct msp_plugin *plugin, struct msp_error *err)
{
	plugin->handle = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin->handle)
		return msp_error_set(err, MSP_E_INVALID, "cannot load plugin: %s", dlerror());
	plugin->symbol = dlsym(plugin->handle, MSP_MODEL_SYMBOL);
	if (!plugin->symbol)
		return msp_error_set(err, MSP_E_INVALID, "%s is no model: it has no symbol " MSP_MODEL_SYMBOL, plugin->path);
	return plugin_check_symbol(plugin->symbol, plugin->path, err);
}

enum msp_status msp_plugin_load(const char *name, const char *search_path, struct msp_plugin *ret_plugin,
                                struct msp_error *err)
{
	char resolved[PATH_MAX];
	enum msp_status status = plugin_locate(name, search_path, resolved, err);
	if (status != MSP_OK)
		return status;
	struct msp_plugin plugin = {.path = strdup(resolved)};
	if (!plugin.path)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for plugin %s", name);
	status = plugin_open_object(&plugin, err);
	if (status != MSP_OK) {
		msp_plugin_unload(&plugin);
		return status;
	}
	*ret_plugin = plugin;
	return MSP_OK;
}

void msp_plugin_unload(struct msp_plugin *plugin)
{
	if (plugin->handle)
		dlclose(plugin->handle);
	free(plugin->path);
	*plugin = (struct msp_plugin){0};
}

enum msp_status msp_model_info_check(const struct msp_model_info *info, struct msp_error *err)
{
	if (!info)
		return msp_error_set(err, MSP_E_INVALID, "the model does not say what it is");
	if (!info->name || !info->name[0])
		return msp_error_set(err, MSP_E_INVALID, "the model has no name");
	if (info->name[strspn(info->name, NAME_CHARACTERS)])
		return msp_error_set(err, MSP_E_INVALID, "the model's name '%s' is not [A-Za-z0-9_-]+", info->name);
	if (info->major < 0 || info->minor < 0)
		return msp_error_set(err, MSP_E_INVALID, "the version %d.%d of model '%s' is negative", info->major,
		                     info->minor, info->name);
	if (!info->input || !info->output)
		return msp_error_set(err, MSP_E_INVALID, "model '%s' has no %s schema", info->name,
		                     info->input ? "output" : "input");
	enum msp_status status = msp_schema_check(info->input, err);
	if (status != MSP_OK)
		return msp_error_prefix(err, status, "input schema of model '%s'", info->name);
	status = msp_schema_check(info->output, err);
	if (status != MSP_OK)
		return msp_error_prefix(err, status, "output schema of model '%s'", info->name);
	return MSP_OK;
}

/* A model may fail without a word. */
static enum msp_status plugin_fail(const struct msp_plugin *plugin, const char *call, enum msp_status status,
                                   const struct msp_error *why, struct msp_error *err)
{
	msp_error_set(err, status, "%s: %s%s", plugin->path, why->text[0] ? why->text : call,
	              why->text[0] ? "" : " failed without a reason");
	if (err)
		err->retriable = why->retriable;
	return status;
}

/* One lock for all plugins, since two of them may be the same shared object. */
static enum msp_status plugin_call_load(const struct msp_plugin *plugin, const void *options,
                                        struct msp_model_shared **ret_shared, struct msp_error *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct msp_error why = {.text = ""};
	pthread_mutex_lock(&lock);
	enum msp_status status = plugin->symbol->load(options, ret_shared, &why);
	pthread_mutex_unlock(&lock);
	if (status != MSP_OK)
		return plugin_fail(plugin, "load", status, &why, err);
	if (!*ret_shared)
		return msp_error_set(err, MSP_E_INVALID, "%s: load succeeded without a model", plugin->path);
	return MSP_OK;
}

enum msp_status msp_plugin_load_model(const struct msp_plugin *plugin, const void *options,
                                      struct msp_model_shared **ret_shared, const struct msp_model_info **ret_info,
                                      struct msp_error *err)
{
	struct msp_model_shared *shared = NULL;
	enum msp_status status = plugin->symbol->load ? plugin_call_load(plugin, options, &shared, err) : MSP_OK;
	if (status != MSP_OK)
		return status;
	const struct msp_model_info *info = plugin->symbol->info ? plugin->symbol->info : shared->info;
	status = msp_model_info_check(info, err);
	if (status != MSP_OK) {
		if (shared)
			plugin->symbol->unload(shared);
		return msp_error_prefix(err, status, "%s", plugin->path);
	}
	*ret_shared = shared;
	*ret_info = info;
	return MSP_OK;
}

/* A model file that was replaced between two opens would serve two models under one name. */
static enum msp_status model_compare(const struct msp_model_info *own, const struct msp_model_info *info,
                                     struct msp_error *err)
{
	enum msp_status status = msp_model_info_check(own, err);
	if (status != MSP_OK)
		return status;
	if (strcmp(own->name, info->name) != 0 || own->major != info->major || own->minor != info->minor)
		return msp_error_set(err, MSP_E_CONFLICT, "an instance of %s/%d.%d says that it is %s/%d.%d", info->name,
		                     info->major, info->minor, own->name, own->major, own->minor);
	const char *side = !msp_schema_equal(own->input, info->input)     ? "input"
	                   : !msp_schema_equal(own->output, info->output) ? "output"
	                                                                  : NULL;
	if (side)
		return msp_error_set(err, MSP_E_CONFLICT, "an instance of %s/%d.%d has another %s schema than the first",
		                     info->name, info->major, info->minor, side);
	return MSP_OK;
}

enum msp_status msp_plugin_open(const struct msp_plugin *plugin, struct msp_model_shared *shared, const void *options,
                                const struct msp_model_info *info, struct msp_model **ret_model, struct msp_error *err)
{
	struct msp_model *model = NULL;
	struct msp_error why = {.text = ""};
	enum msp_status status = plugin->symbol->open(shared, options, &model, &why);
	if (status != MSP_OK)
		return plugin_fail(plugin, "open", status, &why, err);
	if (!model)
		return msp_error_set(err, MSP_E_INVALID, "%s: open succeeded without a model", plugin->path);
	model->plugin = plugin->symbol;
	if (!model->info)
		model->info = info;
	status = model->info == info ? MSP_OK : model_compare(model->info, info, err);
	if (status != MSP_OK) {
		plugin->symbol->close(model);
		return msp_error_prefix(err, status, "%s", plugin->path);
	}
	*ret_model = model;
	return MSP_OK;
}
