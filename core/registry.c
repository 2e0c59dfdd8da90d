#include <msp/registry.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct msp_registry {
	struct msp_registry_entry **entries; /* pointers, so that an entry stays where it is; owned */
	size_t count;
};

enum msp_status msp_registry_new(struct msp_registry **ret_registry, struct msp_error *err)
{
	struct msp_registry *registry = calloc(1, sizeof(*registry));
	if (!registry)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for the registry of models");
	*ret_registry = registry;
	return MSP_OK;
}

/* In this order: the model borrows the options, and both are described by the plugin. */
static void entry_free(struct msp_registry_entry *entry)
{
	if (entry->model)
		entry->plugin.symbol->close(entry->model);
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

static enum msp_status entry_open(struct msp_registry_entry *entry, const char *topic_prefix, bool hash_tag,
                                  struct msp_error *err)
{
	enum msp_status status = msp_plugin_open(&entry->plugin, entry->options, &entry->model, err);
	if (status != MSP_OK)
		return status;
	assert(entry->model);
	const struct msp_model_info *info = entry->model->info;
	status = msp_topics_init(&entry->topics, topic_prefix, info, hash_tag, err);
	if (status != MSP_OK)
		return status;
	snprintf(entry->identity, sizeof(entry->identity), "%s/%d.%d", info->name, info->major, info->minor);
	return MSP_OK;
}

/* One kind stands for all three: the names differ in their common part only. */
static enum msp_status registry_check_topics(const struct msp_registry *registry,
                                             const struct msp_registry_entry *entry, struct msp_error *err)
{
	const char *topic = entry->topics.name[MSP_TOPIC_INPUTS];
	for (size_t i = 0; i < registry->count; i++) {
		const struct msp_registry_entry *other = registry->entries[i];
		const char *taken = other->topics.name[MSP_TOPIC_INPUTS];
		if (msp_topic_collides(taken, topic))
			return msp_error_set(err, MSP_E_EXISTS, "models '%s' (%s) and '%s' (%s) would share their topics",
			                     other->label, other->identity, entry->label, entry->identity);
	}
	return MSP_OK;
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

enum msp_status msp_registry_add(struct msp_registry *registry, const char *label, struct msp_plugin *plugin_take,
                                 void **options_take, const char *topic_prefix, bool hash_tag, struct msp_error *err)
{
	struct msp_registry_entry *entry = entry_new_take(label, plugin_take, options_take);
	if (!entry)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for model '%s'", label);
	enum msp_status status;
	if (!entry->label) {
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for model '%s'", label);
		goto out;
	}
	if (registry_find_label(registry, label)) {
		status = msp_error_set(err, MSP_E_EXISTS, "there are two models '%s'", label);
		goto out;
	}
	status = entry_open(entry, topic_prefix, hash_tag, err);
	if (status != MSP_OK) {
		status = msp_error_prefix(err, status, "model '%s'", label);
		goto out;
	}
	status = registry_check_topics(registry, entry, err);
	if (status != MSP_OK)
		goto out;
	status = registry_append(registry, entry, err);
	if (status == MSP_OK)
		entry = NULL;
out:
	if (entry)
		entry_free(entry);
	return status;
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
		if (strcmp(entry->identity, name) == 0)
			return entry;
		if (strcmp(entry->model->info->name, name) != 0)
			continue;
		if (found)
			return NULL;
		found = entry;
	}
	return found;
}
