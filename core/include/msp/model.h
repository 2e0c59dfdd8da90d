/* The model contract: what a plugin exports. A plugin is a shared object with one data symbol:
 *
 *     const struct msp_model_plugin msp_model_plugin = { MSP_MODEL_HEADER, .info = &info, .predict = predict, ... };
 *
 * It links the static library of this package (CMake: msp::model; pkg-config: msp), hides every other symbol and may
 * use <msp/value.h>, <msp/schema.h>, <msp/arena.h>, <msp/option.h> and <msp/status.h>. models/echo is the example to
 * copy. */
#ifndef MSP_MODEL_H
#define MSP_MODEL_H

#include <msp/option.h>
#include <msp/schema.h>

/* Grows whenever any struct that plugins see changes. */
#define MSP_MODEL_ABI    1u
#define MSP_MODEL_SYMBOL "msp_model_plugin"

#define MSP_MODEL_HEADER .abi = MSP_MODEL_ABI, .size = sizeof(struct msp_model_plugin)

/* What a model is. Constant, or owned by the model and valid until close. */
struct msp_model_info {
	const char *name;    /* qualified name, [A-Za-z0-9_-]+; part of the topic names */
	int major, minor;    /* version, each >= 0 */
	const char *summary; /* one line for people, or NULL */
	const struct msp_schema *input, *output;
};

/* One answer. Exactly one of value and error_text. */
struct msp_prediction {
	/* The result, an object that satisfies the output schema; owned by the arena, or the input itself. */
	struct msp_value value;
	/* NULL, or why this input cannot be answered: one sentence in the arena or constant, without bytes of the input. */
	const char *error_text;
};

/* A model instance. Plugins embed it first in their own struct. After open core fills both fields, so that `info` is
 * there always; a plugin's open sets `info` only when the plugin's own is NULL. */
struct msp_model {
	const struct msp_model_plugin *plugin; /* set by core right after open */
	const struct msp_model_info *info;
};

struct msp_model_plugin {
	uint32_t abi;  /* MSP_MODEL_ABI; compared before anything else is read */
	uint32_t size; /* sizeof(struct msp_model_plugin) */
	/* Metadata, or NULL: then open yields it in msp_model.info (a runtime that learns it from a model file). */
	const struct msp_model_info *info;
	/* Options that a user may set under models.<label>; NULL: none. */
	const struct msp_option_table *options;
	/* Makes an instance; called once per worker. Required. May block (it loads files). [any thread, never two at once
	 * for one plugin] `options` is a filled struct of the table above, NULL without a table, borrowed for the
	 * instance's life. The caller owns *ret_model until close. Nothing is written on failure. */
	enum msp_status (*open)(const void *options, struct msp_model **ret_model, struct msp_error *err);
	/* Answers `count` > 0 inputs, each valid under the input schema and in its types. Required. May compute for long;
	 * the process keeps its place in the group meanwhile. [owner thread; instances run in parallel] Fills every
	 * prediction (all zero before). Values are made in `arena`, which lives until the results are encoded;
	 * a result may share parts of its input. A failure for the whole call: core calls again with halves until the
	 * culprit stands alone, so do not fail as a whole for what prediction.error_text can say. When the arena gives
	 * NULL: msp_arena_status of it. MSP_E_NO_MEMORY: called again later; an input that has it alone for some seconds
	 * fails. */
	enum msp_status (*predict)(struct msp_model *model, struct msp_arena *arena, const struct msp_value *const inputs[],
	                           struct msp_prediction predictions[], size_t count, struct msp_error *err);
	/* Required. [owner thread, or any after the owner has ended] */
	void (*close)(struct msp_model *model);
};

#if defined(__GNUC__)
#define MSP_MODEL_EXPORT __attribute__((visibility("default")))
#else
#define MSP_MODEL_EXPORT
#endif

extern MSP_MODEL_EXPORT const struct msp_model_plugin msp_model_plugin;

#endif
