/* The models of one run: those that are named or configured, with their plugins. No model is opened that is not asked
 * for, and none is loaded to learn what its plugin says as a constant. */
#ifndef CLI_MODEL_SET_H
#define CLI_MODEL_SET_H

#include "args.h"
#include "config/settings_tree.h"

#include <msp/registry.h>

struct model {
	const struct settings_model *settings;
	struct msp_registry_entry *entry; /* owned by the registry; NULL after a mistake */
};

/* How much of a model is needed; each includes those before it. */
enum model_need {
	MODEL_OPTIONS, /* what can be set */
	MODEL_INFO,    /* its name, its topics, its schemas */
	MODEL_LOADED,  /* all that its instances share */
};

struct model_request {
	const struct text_list *names; /* labels, plugins or qualified names; NULL: no model at all */
	bool all;                      /* every configured model too, which is also what no name means */
	enum model_need need;
};

struct model_set {
	struct settings_tree *tree;
	char *plugin_path;
	struct msp_registry *registry;
	struct model **opened; /* owned */
	size_t opened_count;
	struct model **models; /* those that the request means, each once; the array is owned */
	size_t model_count;
};

/* Opens what the request means and binds the plugins' own options. Borrows the tree; mistakes go to its configuration,
 * whose keys are all known then, but for those that nobody knows. model_set_done is due in any case. `topic_wrap`: see
 * msp_topics_init. */
void model_set_open(struct model_set *set, struct settings_tree *tree, const char *topic_wrap,
                    const struct model_request *request);
/* Loads what `need` asks for. A model that is to be loaded whatever it says is not when there is a mistake already. */
void model_set_load(struct model_set *set, enum model_need need);
void model_set_done(struct model_set *set);

#endif
