/* Settings that were bound: option structs, each with the table that filled it and the keys that it was filled from. */
#ifndef CLI_SETTINGS_SCOPE_H
#define CLI_SETTINGS_SCOPE_H

#include "config.h"
#include "settings.h"

#include <msp/codec.h>

/* A table filled from the keys under a prefix. Empty: a part without options. */
struct settings_scope {
	char *prefix; /* "", "kafka.", "models.iris."; owned */
	const struct msp_option_table *table;
	void *options; /* owned */
	bool inherits; /* from the top level, so that only what stands under the prefix itself is shown */
};

/* Fills `scope`, from what holds at the top level when `inherited` is given. What fails is noted in the configuration:
 * a mistake, or no memory. Without a table the scope is empty. */
void settings_scope_bind(struct settings_scope *scope, struct config *config, const char *prefix,
                         const struct msp_option_table *table, const struct settings_scope *inherited);
void settings_scope_done(struct settings_scope *scope);

/* How models are served: one for all of them at the top level, and one of each model, which starts from it. */
struct settings_level {
	struct settings_scope scope;
	const struct service_settings *service; /* the scope's options */
	struct settings_scope *codecs;          /* one for each of builtin_codecs; owned */
	size_t codec_count;
};

/* At "" without `inherited`, or under "models.<label>." */
void settings_level_bind(struct settings_level *level, struct config *config, const char *prefix,
                         const struct settings_level *inherited);
void settings_level_done(struct settings_level *level);
/* The codec of one side, by name. */
const char *settings_codec(const struct service_settings *service, enum msp_side side);
/* NULL for a codec without options. */
const void *settings_codec_options(const struct settings_level *level, const struct msp_codec_ops *ops);

#endif
