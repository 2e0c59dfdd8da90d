/* Plugins: shared objects that provide a model. */
#ifndef MSP_PLUGIN_H
#define MSP_PLUGIN_H

#include <msp/model.h>

/* A plugin that is loaded. */
struct msp_plugin {
	char *path;                            /* absolute; owned */
	void *handle;                          /* of dlopen; owned */
	const struct msp_model_plugin *symbol; /* in the shared object */
};

/* Opens the shared object: an absolute path as it is; a plain name as "<dir>/<name>.so" in the first directory of
 * `search_path` (colon-separated) that has it. MSP_E_NOT_FOUND names the directories that were searched; MSP_E_INVALID:
 * neither path nor plain name, no shared object, no symbol msp_model_plugin, or a required function is missing;
 * MSP_E_UNSUPPORTED: another ABI or size (both numbers in the text). No code of the plugin runs before all this is
 * known, except what the dynamic linker runs. */
enum msp_status msp_plugin_load(const char *name, const char *search_path, struct msp_plugin *ret_plugin,
                                struct msp_error *err) MSP_NODISCARD;
/* Every instance must be closed. Safe on a zeroed struct. */
void msp_plugin_unload(struct msp_plugin *plugin);

/* Checks what a model says of itself: name, version, schemas. MSP_E_INVALID says what is wrong. [any thread] */
enum msp_status msp_model_info_check(const struct msp_model_info *info, struct msp_error *err) MSP_NODISCARD;

/* Loads what the instances of one model share and tells what the model is. *ret_shared is NULL when the plugin has no
 * load. [any thread] Never calls two plugins' load at once, so it waits as long as another one takes. */
enum msp_status msp_plugin_load_model(const struct msp_plugin *plugin, const void *options,
                                      struct msp_model_shared **ret_shared, const struct msp_model_info **ret_info,
                                      struct msp_error *err) MSP_NODISCARD;
/* Opens an instance and fills its base struct. [any thread, several at once] `info` is what load told; MSP_E_CONFLICT:
 * the instance says something else of itself. */
enum msp_status msp_plugin_open(const struct msp_plugin *plugin, struct msp_model_shared *shared, const void *options,
                                const struct msp_model_info *info, struct msp_model **ret_model,
                                struct msp_error *err) MSP_NODISCARD;

#endif
