/* The registry of models: plugins by name or path, each opened once per worker. */
#ifndef MSP_REGISTRY_H
#define MSP_REGISTRY_H

#include <msp/model.h>
#include <msp/topic.h>

/* A plugin that is loaded. */
struct msp_plugin {
	char *path;                            /* absolute; owned */
	void *handle;                          /* of dlopen; owned */
	const struct msp_model_plugin *symbol; /* in the shared object */
};

/* Loads a plugin: an absolute path as it is; a plain name as "<dir>/<name>.so" in the first directory of `search_path`
 * (colon-separated) that has it. MSP_E_NOT_FOUND names the directories that were searched; MSP_E_INVALID: neither path
 * nor plain name, no shared object, no symbol msp_model_plugin, or a required function is missing; MSP_E_UNSUPPORTED:
 * another ABI or size (both numbers in the text). No code of the plugin runs before all this is known, except what the
 * dynamic linker runs. */
enum msp_status msp_plugin_load(const char *name, const char *search_path, struct msp_plugin *ret_plugin,
                                struct msp_error *err) MSP_NODISCARD;
/* Every instance must be closed. Safe on a zeroed struct. */
void msp_plugin_unload(struct msp_plugin *plugin);

/* Opens an instance, fills its base struct and checks what it says of itself: name, version, schemas. [any thread]
 * Never calls two plugins' open at once, so it waits as long as another one takes. */
enum msp_status msp_plugin_open(const struct msp_plugin *plugin, const void *options, struct msp_model **ret_model,
                                struct msp_error *err) MSP_NODISCARD;

/* One configured model. */
struct msp_registry_entry {
	char *label; /* its key under models: in the configuration; owned */
	struct msp_plugin plugin;
	void *options;           /* filled by the plugin's table; NULL without one; owned */
	struct msp_model *model; /* an instance that tells the metadata; the first worker may use it; owned */
	struct msp_topics topics;
	char identity[MSP_TOPIC_MAX + 1]; /* "iris_model/0.1" */
};

struct msp_registry;

enum msp_status msp_registry_new(struct msp_registry **ret_registry, struct msp_error *err) MSP_NODISCARD;
void msp_registry_free(struct msp_registry *registry);

/* Adds a model. Takes the plugin and the options, a malloc'd struct that the plugin's table has filled (even on
 * failure). MSP_E_EXISTS: the label is there already, or another model has a topic that collides, with both labels in
 * the text. */
enum msp_status msp_registry_add(struct msp_registry *registry, const char *label, struct msp_plugin *plugin_take,
                                 void **options_take, const char *topic_prefix, bool hash_tag,
                                 struct msp_error *err) MSP_NODISCARD;

size_t msp_registry_count(const struct msp_registry *registry);
struct msp_registry_entry *msp_registry_at(const struct msp_registry *registry, size_t index);
/* By label first, then by qualified name ("iris_model", or "iris_model/0.1" where versions differ); NULL when there
 * is none, or when the bare name fits two versions. Borrowed; stays where it is until free. */
struct msp_registry_entry *msp_registry_find(const struct msp_registry *registry, const char *name);

#endif
