/* All settings of one run, from files, the environment and flags: of the program, of transports, of each configured
 * model. Opens no plugin and asks no broker. Every mistake is noted in its configuration, config_report tells them. */
#ifndef CLI_SETTINGS_TREE_H
#define CLI_SETTINGS_TREE_H

#include "settings_scope.h"

#include <msp/transport.h>

struct common_args;

struct settings_transport {
	const struct msp_transport_ops *ops;
	struct settings_scope scope;
	struct msp_property *properties; /* what the table does not have; owned, texts are the configuration's */
	size_t property_count;
};

struct settings_model {
	char *label;
	struct settings_scope scope;
	const struct model_settings *own; /* the scope's options */
	struct settings_level level;
};

struct settings_tree {
	struct config config;
	struct settings_scope scope;
	const struct program_settings *program; /* the scope's options */
	struct settings_level level;
	struct settings_transport *transports; /* one for each of builtin_transports; owned */
	size_t transport_count;
	struct settings_model **models; /* owned; each stays where it is */
	size_t model_count;
};

/* Reads and binds. settings_tree_done is due in any case. Nothing may be used when config.no_memory is set. */
void settings_tree_load(struct settings_tree *tree, const struct common_args *args);
void settings_tree_done(struct settings_tree *tree);

const struct settings_transport *settings_transport_of(const struct settings_tree *tree,
                                                       const struct msp_transport_ops *ops);

bool settings_is_label(const char *text);
/* The model of that label, or NULL. */
struct settings_model *settings_model_find(const struct settings_tree *tree, const char *label);
/* Adds a model that is named by -m alone: the plugin at `plugin_path` (absolute), or the one of this name when it is
 * NULL. The environment may have settings for it. NULL: no memory. */
struct settings_model *settings_model_add(struct settings_tree *tree, const char *label, const char *plugin_path);
/* Where a mistake about the model as a whole is: its plugin, or its first key; NULL when nothing is written of it. */
const struct config_origin *settings_model_origin(struct settings_tree *tree, const struct settings_model *model);

#endif
