/* Configuration: dotted keys with text values from several layers, each knowing where it came from; bound to option
 * tables, which type them. Every mistake is collected, so that one run tells them all. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <limits.h>
#include <msp/option.h>
#include <msp/transport.h>

/* Of a place in words: every path that can be opened, with line and column. */
#define CONFIG_PLACE_SIZE (PATH_MAX + 32)

/* Later layers win. */
enum config_layer {
	CONFIG_DEFAULT,
	CONFIG_FILE,
	CONFIG_OVERLAY,
	CONFIG_ENVIRONMENT,
	CONFIG_PROPERTY, /* -X key=value */
	CONFIG_FLAG,
};

/* Where a value was written. `name` is owned by the configuration or constant. */
struct config_origin {
	enum config_layer layer;
	const char *name; /* the file, "MSP_BROKER", "-X", "--broker" */
	int line, column; /* of the key, from 1; 0 outside files */
};

struct config_entry {
	char *key;
	char *value; /* NULL: the key stands there without a value */
	/* What stands there, when references (${…}) make it differ from the value; else NULL. A reference may be to a
	 * secret, so this is what people are shown. */
	char *written;
	struct config_origin origin;
	bool used; /* some table or prefix knows the key */
};

struct config_problem;

struct config {
	struct config_entry *entries;
	size_t entry_count;
	char **known; /* the keys of all tables that were bound, for suggestions */
	size_t known_count;
	struct config_problem *problems;
	size_t problem_count;
	char **names; /* of files and variables, for origins */
	size_t name_count;
	bool no_memory;
};

void config_init(struct config *config);
void config_done(struct config *config);

/* Notes a mistake at `origin` (NULL: nowhere in particular). */
void config_problem(struct config *config, const struct config_origin *origin, const char *format, ...)
    MSP_PRINTF(3, 4);
/* Writes all mistakes to stderr in order of place. Returns EXIT_USAGE when there are any, otherwise EXIT_DONE. */
int config_report(struct config *config);
/* "msp.yaml:12:5", "MSP_BROKER", "-X", "default". */
void config_origin_text(const struct config_origin *origin, char *text, size_t size);

/* Notes that `key` at `origin` stands in an earlier line of the same file. */
void config_refuse_duplicate(struct config *config, const struct config_origin *origin, const char *key, int line);
/* Sets a key; a value in an earlier layer is replaced. The same key twice in one file is a mistake. */
void config_set(struct config *config, const char *key, const char *value, const struct config_origin *origin);
/* As config_set, for a text with references, see config_expand. */
void config_set_text(struct config *config, const char *key, const char *text, const char *base_file,
                     const struct config_origin *origin);
/* What people may see of a value, or NULL. URLs may still hold secrets, see config_append_url. */
const char *config_shown(const struct config_entry *entry);
struct config_entry *config_find(const struct config *config, const char *key);
/* A copy that lives as long as the configuration; NULL when there is no memory. */
const char *config_name(struct config *config, const char *name);

/* ---- layers ---- */

/* Reads a YAML file into `layer`. A file that is not there is a mistake only when `required`. */
void config_read_file(struct config *config, const char *path, enum config_layer layer, bool required);
/* Applies one "key=value" of -X. */
void config_read_property(struct config *config, const char *property);

/* Reads every layer that these flags name. */
struct common_args;
void config_load(struct config *config, const struct common_args *args);

/* Opens a file to read: no folder, and no FIFO, since whoever should write to it may never come; a pipe such as
 * /dev/stdin is one that somebody has. -1 with errno, and then *ret_why when errno does not say enough. */
int config_open(const char *path, const char **ret_why);
/* Replaces ${NAME} and ${file:PATH}; "$${" stands for "${". Relative paths start at the folder of `base_file`, or at
 * the working directory when it is NULL. The caller owns *ret_text. */
enum msp_status config_expand(const char *text, const char *base_file, char **ret_text,
                              struct msp_error *err) MSP_NODISCARD;

/* ---- binding ---- */

/* Fills `target` from the keys "<prefix><option>", the environment included. A copy of what was bound under `base`
 * keeps what a flag has set there; `base` is NULL for anything else. */
void config_bind(struct config *config, const char *prefix, const char *base, const struct msp_option_table *table,
                 void *target);
/* Judges a property, see property_check of struct msp_transport_ops. */
typedef enum msp_status config_check_fn(const struct msp_property *property, struct msp_error *err);
/* What is left under `prefix` ("kafka."), names without the prefix; also from the environment. Notes a mistake for what
 * `check` refuses, but for unknown names in the environment: container platforms set MSP_KAFKA_PORT and the like. The
 * caller owns *ret_properties; names and values are borrowed from the configuration. */
void config_take_rest(struct config *config, const char *prefix, config_check_fn *check,
                      struct msp_property **ret_properties, size_t *ret_count);
/* Marks everything under `prefix` as known: its owner is not asked in this run. */
void config_skip(struct config *config, const char *prefix);
/* Notes a mistake for every key that nobody knows. */
void config_refuse_unknown(struct config *config);

/* The entry for a key as it stands after the environment was asked, or NULL. */
struct config_entry *config_lookup(struct config *config, const char *key);
bool config_set_by_flag(const struct config *config, const char *key);

/* ---- showing ---- */

/* True for keys that hold secrets by their name: "….password", "sasl_secret", "token". */
bool config_key_is_secret(const char *key);
/* Appends `url` with its password, or whatever stands before "@", and secret parameters masked; other text as it is. */
enum msp_status config_append_url(struct msp_buffer *buffer, const char *url) MSP_NODISCARD;
/* Appends `text` as a YAML scalar, quoted where it must be. */
enum msp_status config_append_scalar(struct msp_buffer *buffer, const char *text) MSP_NODISCARD;

#endif
