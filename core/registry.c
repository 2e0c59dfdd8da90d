#include <msp/registry.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct msp_registry {
	const char *topic_prefix, *topic_wrap;
	struct msp_registry_entry **entries; /* pointers, so that an entry stays where it is; owned */
	size_t count;
};

enum msp_status msp_registry_new(const char *topic_prefix, const char *topic_wrap, struct msp_registry **ret_registry,
                                 struct msp_error *err)
{
	struct msp_registry *registry = calloc(1, sizeof(*registry));
	if (!registry)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the registry of models");
	registry->topic_prefix = topic_prefix;
	registry->topic_wrap = topic_wrap;
	*ret_registry = registry;
	return MSP_OK;
}

/* In this order: what is shared borrows the options, and both are described by the plugin. */
static void entry_free(struct msp_registry_entry *entry)
{
	if (entry->shared)
		entry->plugin.symbol->unload(entry->shared);
	if (entry->options)
		msp_options_done(entry->plugin.symbol->options, entry->options);
	free(entry->options);
	msp_plugin_unload(&entry->plugin);
	free(entry->label);
	free(entry);
}

void msp_registry_free(struct msp_registry *registry)
{
	if (!registry)
		return;
	for (size_t i = 0; i < registry->count; i++)
		entry_free(registry->entries[i]);
	free(registry->entries);
	free(registry);
}

/* Moves the plugin and the options into a new entry, or frees them. */
static struct msp_registry_entry *entry_new_take(const char *label, struct msp_plugin *plugin, void **options)
{
	struct msp_registry_entry *entry = calloc(1, sizeof(*entry));
	if (entry) {
		entry->plugin = *plugin;
		entry->options = *options;
		entry->label = strdup(label);
	} else {
		if (*options)
			msp_options_done(plugin->symbol->options, *options);
		free(*options);
		msp_plugin_unload(plugin);
	}
	*plugin = (struct msp_plugin){0};
	*options = NULL;
	return entry;
}

/* One kind stands for all three: the names differ in their common part only. */
static enum msp_status registry_check_topics(const struct msp_registry *registry,
                                             const struct msp_registry_entry *entry, struct msp_error *err)
{
	const char *topic = entry->topics.name[MSP_TOPIC_INPUTS];
	for (size_t i = 0; i < registry->count; i++) {
		const struct msp_registry_entry *other = registry->entries[i];
		const char *taken = other->topics.name[MSP_TOPIC_INPUTS];
		if (other != entry && other->info && msp_topic_collides(taken, topic))
			return msp_error_set(err, MSP_E_EXISTS, "models '%s' (%s) and '%s' (%s) would share their topics",
			                     other->label, other->identity, entry->label, entry->identity);
	}
	return MSP_OK;
}

/* The model says what it is: its topics have names from now on. */
static enum msp_status registry_learn(const struct msp_registry *registry, struct msp_registry_entry *entry,
                                      const struct msp_model_info *info, struct msp_error *err)
{
	enum msp_status status = msp_topics_init(&entry->topics, registry->topic_prefix, info, registry->topic_wrap, err);
	if (status != MSP_OK)
		return status;
	snprintf(entry->identity, sizeof(entry->identity), "%s/%d.%d", info->name, info->major, info->minor);
	status = registry_check_topics(registry, entry, err);
	if (status == MSP_OK)
		entry->info = info;
	return status;
}

static enum msp_status registry_append(struct msp_registry *registry, struct msp_registry_entry *entry,
                                       struct msp_error *err)
{
	struct msp_registry_entry **entries =
	    realloc(registry->entries, (registry->count + 1) * sizeof(struct msp_registry_entry *));
	if (!entries)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for model '%s'", entry->label);
	registry->entries = entries;
	entries[registry->count++] = entry;
	return MSP_OK;
}

static struct msp_registry_entry *registry_find_label(const struct msp_registry *registry, const char *label)
{
	for (size_t i = 0; i < registry->count; i++)
		if (strcmp(registry->entries[i]->label, label) == 0)
			return registry->entries[i];
	return NULL;
}

static enum msp_status registry_admit(struct msp_registry *registry, const char *label,
                                      struct msp_registry_entry *entry, struct msp_error *err)
{
	if (!entry->label)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for model '%s'", label);
	if (registry_find_label(registry, label))
		return msp_error_set(err, MSP_E_EXISTS, "there are two models '%s'", label);
	const struct msp_model_info *info = entry->plugin.symbol->info;
	enum msp_status status = info ? msp_model_info_check(info, err) : MSP_OK;
	if (status != MSP_OK)
		return msp_error_prefix(err, status, "model '%s': %s", label, entry->plugin.path);
	if (info) {
		status = registry_learn(registry, entry, info, err);
		if (status != MSP_OK)
			return status == MSP_E_EXISTS ? status : msp_error_prefix(err, status, "model '%s'", label);
	}
	return registry_append(registry, entry, err);
}

enum msp_status msp_registry_add(struct msp_registry *registry, const char *label, struct msp_plugin *plugin_take,
                                 void **options_take, struct msp_registry_entry **ret_entry, struct msp_error *err)
{
	struct msp_registry_entry *entry = entry_new_take(label, plugin_take, options_take);
	if (!entry)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for model '%s'", label);
	enum msp_status status = registry_admit(registry, label, entry, err);
	if (status == MSP_OK)
		*ret_entry = entry;
	else
		entry_free(entry);
	return status;
}

enum msp_status msp_registry_load(struct msp_registry *registry, struct msp_registry_entry *entry,
                                  struct msp_error *err)
{
	if (entry->loaded)
		return MSP_OK;
	const struct msp_model_info *info;
	struct msp_model_shared *shared;
	enum msp_status status = msp_plugin_load_model(&entry->plugin, entry->options, &shared, &info, err);
	if (status == MSP_OK && !entry->info) {
		status = registry_learn(registry, entry, info, err);
		if (status != MSP_OK && shared)
			entry->plugin.symbol->unload(shared);
		if (status == MSP_E_EXISTS)
			return status;
	}
	if (status != MSP_OK)
		return msp_error_prefix(err, status, "model '%s'", entry->label);
	entry->shared = shared;
	entry->loaded = true;
	return MSP_OK;
}

enum msp_status msp_registry_open(const struct msp_registry_entry *entry, struct msp_model **ret_model,
                                  struct msp_error *err)
{
	assert(entry->loaded);
	enum msp_status status =
	    msp_plugin_open(&entry->plugin, entry->shared, entry->options, entry->info, ret_model, err);
	return status == MSP_OK ? MSP_OK : msp_error_prefix(err, status, "model '%s'", entry->label);
}

size_t msp_registry_count(const struct msp_registry *registry)
{
	return registry->count;
}

struct msp_registry_entry *msp_registry_at(const struct msp_registry *registry, size_t index)
{
	return registry->entries[index];
}

struct msp_registry_entry *msp_registry_find(const struct msp_registry *registry, const char *name)
{
	struct msp_registry_entry *labelled = registry_find_label(registry, name);
	if (labelled)
		return labelled;
	struct msp_registry_entry *found = NULL;
	for (size_t i = 0; i < registry->count; i++) {
		struct msp_registry_entry *entry = registry->entries[i];
		if (!entry->info)
			continue;
		if (strcmp(entry->identity, name) == 0)
			return entry;
		if (strcmp(entry->info->name, name) != 0)
			continue;
		if (found)
			return NULL;
		found = entry;
	}
	return found;
}
