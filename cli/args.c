#include "args.h"

#include "complain.h"
#include "message/output.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <msp/option.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_FLAGS 48
#define LONG_ONLY 256

static const struct flag common_flags[] = {
    {"config", 'F', FLAG_ONE, offsetof(struct common_args, config_file), "FILE", 0, 0,
     "configuration file (msp.yaml, when it is there)"},
    {"env", 0, FLAG_ONE, offsetof(struct common_args, environment), "NAME", 0, 0,
     "overlay msp.NAME.yaml over the configuration (MSP_ENV)"},
    {"broker", 'b', FLAG_ONE, offsetof(struct common_args, broker), "URL", 0, 0,
     "broker, as in sqlite:msp.db (a path from the working directory)"},
    {NULL, 'X', FLAG_LIST, offsetof(struct common_args, properties), "KEY=VALUE", 0, 0,
     "set any configuration key; may be repeated"},
    {"codec", 0, FLAG_TEXT, offsetof(struct common_args, codec), "NAME", 0, 0, "encoding of inputs and outputs"},
    {"timeout", 0, FLAG_SECONDS, offsetof(struct common_args, timeout_ms), "SECONDS", 0, 0,
     "give up when the broker does not answer in time"},
    {"verbose", 'v', FLAG_SWITCH, offsetof(struct common_args, verbose), NULL, 0, 0, "say more on stderr"},
    {"quiet", 'q', FLAG_SWITCH, offsetof(struct common_args, quiet), NULL, 0, 0, "say only errors on stderr"},
    {"help", 'h', FLAG_SWITCH, offsetof(struct common_args, help), NULL, 0, 0, "show this help"},
    {"version", 'V', FLAG_SWITCH, offsetof(struct common_args, version), NULL, 0, 0, "show the version"},
};

#define COMMON_COUNT (sizeof(common_flags) / sizeof(common_flags[0]))

static size_t flag_total(const struct command *command)
{
	return command->flag_count + COMMON_COUNT;
}

static const struct flag *flag_at(const struct command *command, size_t index)
{
	return index < command->flag_count ? &command->flags[index] : &common_flags[index - command->flag_count];
}

static const struct flag *flag_by_value(const struct command *command, int value)
{
	if (value >= LONG_ONLY)
		return flag_at(command, (size_t)(value - LONG_ONLY));
	for (size_t i = 0; i < flag_total(command); i++)
		if (flag_at(command, i)->letter == value)
			return flag_at(command, i);
	return NULL;
}

/* ---- suggestions ---- */

/* How much of the start of both is the same, up to a dot: a key is mistyped within one of its words. */
static size_t common_words_size(const char *a, const char *b)
{
	size_t size = 0;
	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '.')
			size = i + 1;
	return size;
}

/* "batch.max" for "batch.max.ms" */
static bool lacks_last_words(const char *text, const char *name)
{
	size_t size = strlen(text);
	return strncmp(name, text, size) == 0 && name[size] == '.';
}

/* "workers" for "models.iris.workers", or "models.iris.limit" for "models.iris.delivery.limit" */
static bool lacks_words_before(const char *text, const char *name)
{
	size_t same = common_words_size(text, name);
	size_t size = strlen(text + same), name_size = strlen(name + same);
	const char *end = name + same + name_size - size;
	return size && size < name_size && end[-1] == '.' && strcmp(end, text + same) == 0;
}

/* A key that is right but for a word that was forgotten is meant rather than one that has letters alike. */
static const char *name_with_more_words(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lacks_last_words(text, names[i]))
			return names[i];
	for (size_t i = 0; i < count; i++)
		if (lacks_words_before(text, names[i]))
			return names[i];
	return NULL;
}

/* About a third of the word may be wrong. */
static const char *name_with_letters_alike(const char *text, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	int best = 0;
	for (size_t i = 0; i < count; i++) {
		size_t same = common_words_size(text, names[i]);
		int distance = msp_edit_distance(text + same, names[i] + same);
		if (distance <= (int)strlen(text + same) / 3 + 1 && (!nearest || distance < best)) {
			nearest = names[i];
			best = distance;
		}
	}
	return nearest;
}

const char *nearest_name(const char *text, const char *const *names, size_t count)
{
	const char *nearest = name_with_more_words(text, names, count);
	return nearest ? nearest : name_with_letters_alike(text, names, count);
}

static int usage_hint(const struct command *command)
{
	report("Try \"msp %s%s%s --help\".", command->group ? command->group : "", command->group ? " " : "",
	       command->name);
	return EXIT_USAGE;
}

static int unknown_flag(const struct command *command, const char *argument, int letter)
{
	if (letter) {
		complain("unknown flag -%c", letter);
		return usage_hint(command);
	}
	char name[64];
	size_t size = strcspn(argument + 2, "=");
	if (size >= sizeof(name))
		size = sizeof(name) - 1;
	memcpy(name, argument + 2, size);
	name[size] = 0;
	const char *names[MAX_FLAGS];
	size_t count = 0;
	for (size_t i = 0; i < flag_total(command); i++)
		if (flag_at(command, i)->name)
			names[count++] = flag_at(command, i)->name;
	const char *nearest = nearest_name(name, names, count);
	if (nearest)
		complain("unknown flag --%s; did you mean --%s?", name, nearest);
	else
		complain("unknown flag --%s", name);
	return usage_hint(command);
}

/* ---- values ---- */

static bool list_add(struct text_list *list, const char *text)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items) {
		complain("out of memory");
		return false;
	}
	items[list->count++] = text;
	list->items = items;
	return true;
}

static void flag_label(const struct flag *flag, char *label, size_t size)
{
	if (flag->name)
		snprintf(label, size, "--%s", flag->name);
	else
		snprintf(label, size, "-%c", flag->letter);
}

static bool integer_set(const struct flag *flag, const char *text, int64_t *field)
{
	char label[32];
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && value >= flag->min && value <= flag->max) {
		*field = value;
		return true;
	}
	flag_label(flag, label, sizeof(label));
	complain("%s takes a whole number from %lld to %lld, not \"%s\"", label, (long long)flag->min, (long long)flag->max,
	         text);
	return false;
}

static bool seconds_set(const struct flag *flag, const char *text, int *field)
{
	char label[32];
	char *end;
	double value = strtod(text, &end);
	if (end != text && !*end && isfinite(value) && value >= 0 && value <= 86400) {
		*field = (int)(value * 1000);
		return true;
	}
	flag_label(flag, label, sizeof(label));
	complain("%s takes seconds from 0 to 86400, not \"%s\"", label, text);
	return false;
}

static bool one_set(const struct flag *flag, const char *text, const char **field)
{
	char label[32];
	if (!*field) {
		*field = text;
		return true;
	}
	flag_label(flag, label, sizeof(label));
	complain("%s can be given only once", label);
	return false;
}

static bool flag_set(const struct flag *flag, const char *text, void *args)
{
	void *field = (char *)args + flag->offset;
	switch (flag->kind) {
	case FLAG_SWITCH:
		*(bool *)field = true;
		return true;
	case FLAG_TEXT:
		*(const char **)field = text;
		return true;
	case FLAG_ONE:
		return one_set(flag, text, field);
	case FLAG_LIST:
		return list_add(field, text);
	case FLAG_INTEGER:
		return integer_set(flag, text, field);
	case FLAG_SECONDS:
		return seconds_set(flag, text, field);
	}
	return false;
}

/* ---- parsing ---- */

static void getopt_tables(const struct command *command, struct option *options, char *letters)
{
	*letters++ = ':'; /* a missing argument is told apart from an unknown flag */
	for (size_t i = 0; i < flag_total(command); i++) {
		const struct flag *flag = flag_at(command, i);
		if (flag->letter) {
			*letters++ = flag->letter;
			if (flag->kind != FLAG_SWITCH)
				*letters++ = ':';
		}
		if (flag->name)
			*options++ = (struct option){flag->name, flag->kind != FLAG_SWITCH, NULL, LONG_ONLY + (int)i};
	}
	*letters = 0;
	*options = (struct option){NULL, 0, NULL, 0};
}

static int flag_problem(const struct command *command, int answer, char *const *argv)
{
	const struct flag *flag = optopt ? flag_by_value(command, optopt) : NULL;
	char label[32];
	if (flag)
		flag_label(flag, label, sizeof(label));
	if (answer == ':' && flag)
		complain("%s needs an argument, %s", label, flag->argument);
	else if (flag)
		complain("%s takes no argument", label);
	else
		return unknown_flag(command, argv[optind - 1], optopt);
	return usage_hint(command);
}

int args_parse(const struct command *command, int argc, char **argv, void *args)
{
	struct option options[MAX_FLAGS + 1];
	char letters[2 * MAX_FLAGS + 2];
	assert(flag_total(command) <= MAX_FLAGS);
	getopt_tables(command, options, letters);
	opterr = 0;
	optind = 0; /* GNU: start anew */
	for (;;) {
		int answer = getopt_long(argc, argv, letters, options, NULL);
		if (answer == -1)
			break;
		if (answer == '?' || answer == ':')
			return flag_problem(command, answer, argv);
		if (!flag_set(flag_by_value(command, answer), optarg, args))
			return usage_hint(command);
	}
	struct common_args *common = args;
	for (int i = optind; i < argc; i++)
		if (!list_add(&common->operands, argv[i]))
			return EXIT_SOME_FAILED;
	if (common->operands.count && !*command->operands && !common->help) {
		complain("\"%s\" is not expected here", common->operands.items[0]);
		return usage_hint(command);
	}
	return EXIT_DONE;
}

void args_done(const struct command *command, void *args)
{
	for (size_t i = 0; i < flag_total(command); i++) {
		const struct flag *flag = flag_at(command, i);
		if (flag->kind == FLAG_LIST)
			free(((struct text_list *)(void *)((char *)args + flag->offset))->items);
	}
	free(((struct common_args *)args)->operands.items);
}

/* ---- help ---- */

static void flag_help(struct output *out, const struct flag *flag)
{
	char left[64];
	int size = 0;
	if (flag->letter && flag->name)
		size = snprintf(left, sizeof(left), "-%c, --%s", flag->letter, flag->name);
	else if (flag->letter)
		size = snprintf(left, sizeof(left), "-%c", flag->letter);
	else
		size = snprintf(left, sizeof(left), "    --%s", flag->name);
	if (flag->argument)
		snprintf(left + size, sizeof(left) - (size_t)size, " %s", flag->argument);
	output_printf(out, "  %-24s  %s\n", left, flag->help);
}

int args_help(const struct command *command)
{
	struct output out;
	output_init(&out, STDOUT_FILENO);
	output_printf(&out, "Usage: msp %s%s%s%s%s%s\n\n%s\n", command->group ? command->group : "",
	              command->group ? " " : "", command->name, command->flag_count ? " [flags]" : "",
	              *command->operands ? " " : "", command->operands, command->text);
	if (command->flag_count)
		output_printf(&out, "\nFlags:\n");
	for (size_t i = 0; i < command->flag_count; i++)
		flag_help(&out, &command->flags[i]);
	output_printf(&out, "\nCommon flags:\n");
	for (size_t i = 0; i < COMMON_COUNT; i++)
		flag_help(&out, &common_flags[i]);
	return output_done(&out);
}
