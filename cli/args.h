/* Command-line flags: one table per command fills one struct and prints its help. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flag_kind {
	FLAG_SWITCH,  /* bool */
	FLAG_TEXT,    /* const char *, borrowed from argv; the last one wins */
	FLAG_ONE,     /* the same, but a second one is refused */
	FLAG_LIST,    /* struct text_list: every one counts */
	FLAG_INTEGER, /* int64_t within min and max */
	FLAG_SECONDS, /* int: milliseconds, written as seconds with or without a fraction */
};

/* Texts in the order of the command line. The texts are borrowed from argv, the array is owned by args_done. */
struct text_list {
	const char **items;
	size_t count;
};

struct flag {
	const char *name; /* without dashes, or NULL */
	char letter;      /* or 0 */
	enum flag_kind kind;
	size_t offset;
	const char *argument; /* what to call the argument in help: "FILE"; NULL for switches */
	int64_t min, max;     /* of integers */
	const char *help;
};

/* Every command's struct begins with these. */
struct common_args {
	const char *config_file;
	const char *environment;
	const char *broker;
	const char *codec;
	struct text_list properties; /* of -X, "key=value" */
	int timeout_ms;
	bool verbose, quiet, help, version;
	/* What stands on the command line beside flags. */
	struct text_list operands;
};

#define TIMEOUT_UNSET (-1)

struct command {
	const char *group; /* "topics" of "topics create", or NULL */
	const char *name;
	const char *summary;  /* one line for the list of commands */
	const char *operands; /* "[FILE…]", or "" */
	const char *text;     /* what it does, and examples */
	const struct flag *flags;
	size_t flag_count;
	size_t args_size;
	/* Presets what is not zero; or NULL. */
	void (*args_init)(void *args);
	/* Returns the exit status. */
	int (*run)(void *args);
};

/* Parses argv[1…] into `args` (args_size bytes, zeroed and preset). Complains and returns EXIT_USAGE, or EXIT_DONE. */
int args_parse(const struct command *command, int argc, char **argv, void *args);
void args_done(const struct command *command, void *args);

/* Writes the help of a command to stdout. Returns the exit status. */
int args_help(const struct command *command);

/* The entry of `names` nearest to `text` when it is near enough to be what was meant, or NULL. Where names are words
 * with dots between them, one that has every word of `text` and more is nearest. */
const char *nearest_name(const char *text, const char *const *names, size_t count);

#endif
