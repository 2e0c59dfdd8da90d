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
#define MSP_MODEL_ABI    2u
#define MSP_MODEL_SYMBOL "msp_model_plugin"

#define MSP_MODEL_HEADER .abi = MSP_MODEL_ABI, .size = sizeof(struct msp_model_plugin)

/* What a model is. Constant, or owned by the shared model and valid until unload. */
struct msp_model_info {
	const char *name;    /* qualified name, [A-Za-z0-9_-]+; part of the topic names */
	int major, minor;    /* version, each >= 0 */
	const char *summary; /* one line for people, or NULL */
	const struct msp_schema *input, *output;
};

/* Why an input has no answer: the code of its error record. */
enum msp_prediction_code {
	MSP_PREDICTION_MODEL_ERROR,      /* the model refuses it */
	MSP_PREDICTION_SCHEMA_VIOLATION, /* it breaks a rule of the model's own that the input schema cannot say */
	MSP_PREDICTION_MODEL_CRASHED,    /* the model's process died of it */
	MSP_PREDICTION_MODEL_TIMEOUT,    /* it took longer than it may */
};

/* One answer. Exactly one of value and error_text. */
struct msp_prediction {
	/* The result, an object that satisfies the output schema; owned by the arena, or the input itself. */
	struct msp_value value;
	/* NULL, or why this input cannot be answered: one sentence in the arena or constant, without bytes of the input. */
	const char *error_text;
	/* Read with error_text only. `path` is the JSON pointer of the offending field, in the arena or constant, or NULL.
	 */
	enum msp_prediction_code code;
	const char *path;
};

/* What the instances of one configured model share: a runtime with its model file, or what was learnt of it. Plugins
 * embed it first in their own struct. */
struct msp_model_shared {
	const struct msp_model_info *info; /* set by load when the plugin's own is NULL */
};

/* A model instance. Plugins embed it first in their own struct and leave both fields zero; core fills them after open.
 * An instance that learns by itself what it is (from a child process) may set `info`: core refuses it when that is not
 * what the first one said. */
struct msp_model {
	const struct msp_model_plugin *plugin;
	const struct msp_model_info *info;
};

struct msp_model_plugin {
	uint32_t abi;  /* MSP_MODEL_ABI; compared before anything else is read */
	uint32_t size; /* sizeof(struct msp_model_plugin) */
	/* Metadata, or NULL: then load yields it (a runtime that learns it from a model file). */
	const struct msp_model_info *info;
	/* Options that a user may set under models.<label>; NULL: none. */
	const struct msp_option_table *options;
	/* Loads what all instances share; called once per configured model, and only when more than constant metadata is
	 * asked for. Required when `info` is NULL, else optional. May block (it reads files). [any thread, never two at
	 * once for one plugin] `options` is a filled struct of the table above, NULL without a table, borrowed until
	 * unload. The caller owns *ret_shared until unload. Nothing is written on failure. */
	enum msp_status (*load)(const void *options, struct msp_model_shared **ret_shared, struct msp_error *err);
	/* Required with load. Every instance is closed by then. [any thread] */
	void (*unload)(struct msp_model_shared *shared);
	/* Makes an instance; called once per worker, by its thread. Required. May block for some seconds. [any thread,
	 * several at once, also for one shared model] `shared` is what load gave, NULL without load. The caller owns
	 * *ret_model until close. Nothing is written on failure. MSP_E_UNAVAILABLE: cannot now; the worker waits and calls
	 * again. Any other failure ends the worker. */
	enum msp_status (*open)(struct msp_model_shared *shared, const void *options, struct msp_model **ret_model,
	                        struct msp_error *err);
	/* Answers `count` > 0 inputs, each valid under the input schema and in its types. Required. May compute for long;
	 * the process keeps its place in the group meanwhile. [owner thread; instances run in parallel] Fills every
	 * prediction (all zero before). Values are made in `arena`, which lives until the results are encoded; a result may
	 * share parts of its input.
	 *
	 * MSP_E_UNAVAILABLE: the model cannot now (its process is being started). Nothing is decided; the worker waits as
	 * it waits for a broker and calls again with these inputs. MSP_E_NO_MEMORY: called again later; an input that has
	 * it alone for some seconds fails. When the arena gives NULL: msp_arena_status of it. Any other failure: core calls
	 * again with halves until the culprit stands alone, so do not fail as a whole for what error_text can say. */
	enum msp_status (*predict)(struct msp_model *model, struct msp_arena *arena, const struct msp_value *const inputs[],
	                           struct msp_prediction predictions[], size_t count, struct msp_error *err);
	/* The worker is to stop: a predict that waits for something answers MSP_E_UNAVAILABLE soon, now and from now on.
	 * Optional, for models that wait. Not blocking. [any thread, until close] */
	void (*wake)(struct msp_model *model);
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
