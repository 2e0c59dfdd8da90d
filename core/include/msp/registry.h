/* The registry of models: which are configured, what they are, what their instances share. */
#ifndef MSP_REGISTRY_H
#define MSP_REGISTRY_H

#include <msp/plugin.h>
#include <msp/topic.h>

/* One configured model. */
struct msp_registry_entry {
	char *label; /* its key under models: in the configuration; owned */
	struct msp_plugin plugin;
	void *options; /* filled by the plugin's table; NULL without one; owned */

	/* What the model is: at once when the plugin has it as a constant, otherwise NULL until it is loaded. */
	const struct msp_model_info *info;
	struct msp_topics topics;         /* empty without info */
	char identity[MSP_TOPIC_MAX + 1]; /* "iris_model/0.1"; "" without info */

	bool loaded;
	struct msp_model_shared *shared; /* what its instances share, or NULL; owned */
};

struct msp_registry;

/* `topic_prefix` and `topic_wrap` (see msp_topics_init) go into every model's topics; borrowed until free. */
enum msp_status msp_registry_new(const char *topic_prefix, const char *topic_wrap, struct msp_registry **ret_registry,
                                 struct msp_error *err) MSP_NODISCARD;
void msp_registry_free(struct msp_registry *registry);

/* Adds a model without loading it. Takes the plugin and the options, a malloc'd struct that the plugin's table has
 * filled (even on failure). MSP_E_EXISTS: the label is there already, or another model has a topic that collides, with
 * both labels in the text. */
enum msp_status msp_registry_add(struct msp_registry *registry, const char *label, struct msp_plugin *plugin_take,
                                 void **options_take, struct msp_registry_entry **ret_entry,
                                 struct msp_error *err) MSP_NODISCARD;

/* Loads what the model's instances share, unless it is loaded; afterwards `info` and `topics` are there. May block.
 * MSP_E_EXISTS: only now it is known that another model has a topic that collides. */
enum msp_status msp_registry_load(struct msp_registry *registry, struct msp_registry_entry *entry,
                                  struct msp_error *err) MSP_NODISCARD;
/* Opens an instance of a model that is loaded. [any thread, several at once] The caller owns *ret_model until
 * model->plugin->close. */
enum msp_status msp_registry_open(const struct msp_registry_entry *entry, struct msp_model **ret_model,
                                  struct msp_error *err) MSP_NODISCARD;

size_t msp_registry_count(const struct msp_registry *registry);
struct msp_registry_entry *msp_registry_at(const struct msp_registry *registry, size_t index);
/* By label first, then by qualified name ("iris_model", or "iris_model/0.1" where versions differ) as far as it is
 * known; NULL when there is none, or when the bare name fits two versions. Borrowed; stays where it is until free. */
struct msp_registry_entry *msp_registry_find(const struct msp_registry *registry, const char *name);

#endif
