#include "config.h"

#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct config_problem {
	struct config_origin origin;
	size_t number; /* keeps the order of what stands in one place */
	char text[MSP_ERROR_TEXT_SIZE + 128];
};

void config_init(struct config *config)
{
	memset(config, 0, sizeof(*config));
}

void config_done(struct config *config)
{
	for (size_t i = 0; i < config->entry_count; i++) {
		free(config->entries[i].key);
		free(config->entries[i].value);
		free(config->entries[i].written);
	}
	for (size_t i = 0; i < config->known_count; i++)
		free(config->known[i]);
	for (size_t i = 0; i < config->name_count; i++)
		free(config->names[i]);
	free(config->entries);
	free(config->known);
	free(config->problems);
	free(config->names);
	config_init(config);
}

/* Room for one more element; doubles at powers of two. NULL: no memory, which config_report tells. */
static void *array_grow(struct config *config, void *array, size_t count, size_t size)
{
	if (count & (count - 1) || (count < 8 && count))
		return array;
	void *grown = realloc(array, (count < 8 ? 8 : 2 * count) * size);
	if (!grown)
		config->no_memory = true;
	return grown;
}

const char *config_name(struct config *config, const char *name)
{
	for (size_t i = 0; i < config->name_count; i++)
		if (!strcmp(config->names[i], name))
			return config->names[i];
	char **names = array_grow(config, config->names, config->name_count, sizeof(*names));
	if (!names)
		return NULL;
	config->names = names;
	char *copy = strdup(name);
	if (copy)
		names[config->name_count++] = copy;
	else
		config->no_memory = true;
	return copy;
}

/* ---- problems ---- */

void config_problem(struct config *config, const struct config_origin *origin, const char *format, ...)
{
	struct config_problem *problems =
	    array_grow(config, config->problems, config->problem_count, sizeof(*config->problems));
	if (!problems)
		return;
	config->problems = problems;
	struct config_problem *problem = &problems[config->problem_count];
	problem->origin = origin ? *origin : (struct config_origin){.layer = CONFIG_FLAG};
	problem->number = config->problem_count++;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
}

void config_origin_text(const struct config_origin *origin, char *text, size_t size)
{
	if (origin->layer == CONFIG_DEFAULT)
		snprintf(text, size, "default");
	else if (origin->line)
		snprintf(text, size, "%s:%d:%d", origin->name, origin->line, origin->column);
	else
		snprintf(text, size, "%s", origin->name ? origin->name : "");
}

static int problem_compare(const void *left, const void *right)
{
	const struct config_problem *a = left, *b = right;
	if (a->origin.layer != b->origin.layer)
		return a->origin.layer < b->origin.layer ? -1 : 1;
	if (a->origin.line != b->origin.line)
		return a->origin.line < b->origin.line ? -1 : 1;
	if (a->origin.column != b->origin.column)
		return a->origin.column < b->origin.column ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

int config_report(struct config *config)
{
	if (config->no_memory) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	if (!config->problem_count)
		return EXIT_DONE;
	qsort(config->problems, config->problem_count, sizeof(*config->problems), problem_compare);
	for (size_t i = 0; i < config->problem_count; i++) {
		const struct config_problem *problem = &config->problems[i];
		char place[CONFIG_PLACE_SIZE];
		config_origin_text(&problem->origin, place, sizeof(place));
		complain("%s%s%s", place, *place ? ": " : "", problem->text);
	}
	return EXIT_USAGE;
}

/* ---- entries ---- */

struct config_entry *config_find(const struct config *config, const char *key)
{
	for (size_t i = 0; i < config->entry_count; i++)
		if (!strcmp(config->entries[i].key, key))
			return &config->entries[i];
	return NULL;
}

void config_refuse_duplicate(struct config *config, const struct config_origin *origin, const char *key, int line)
{
	config_problem(config, origin, "duplicate key \"%s\"; it stands in line %d already", key, line);
}

static bool origin_is_file(const struct config_origin *origin)
{
	return origin->layer == CONFIG_FILE || origin->layer == CONFIG_OVERLAY;
}

static struct config_entry *entry_add(struct config *config, const char *key)
{
	struct config_entry *entries = array_grow(config, config->entries, config->entry_count, sizeof(*config->entries));
	if (!entries)
		return NULL;
	config->entries = entries;
	struct config_entry *entry = &entries[config->entry_count];
	*entry = (struct config_entry){.key = strdup(key)};
	if (!entry->key) {
		config->no_memory = true;
		return NULL;
	}
	config->entry_count++;
	return entry;
}

const char *config_shown(const struct config_entry *entry)
{
	return entry->written ? entry->written : entry->value;
}

/* NULL: refused, or no memory. */
static struct config_entry *entry_set(struct config *config, const char *key, const char *value,
                                      const struct config_origin *origin)
{
	struct config_entry *entry = config_find(config, key);
	if (entry && entry->origin.layer == origin->layer && origin_is_file(origin)) {
		config_refuse_duplicate(config, origin, key, entry->origin.line);
		return NULL;
	}
	if (!entry)
		entry = entry_add(config, key);
	if (!entry)
		return NULL;
	char *copy = value ? strdup(value) : NULL;
	if (value && !copy)
		config->no_memory = true;
	free(entry->value);
	free(entry->written);
	entry->value = copy;
	entry->written = NULL;
	entry->origin = *origin;
	return entry;
}

void config_set(struct config *config, const char *key, const char *value, const struct config_origin *origin)
{
	entry_set(config, key, value, origin);
}

void config_set_text(struct config *config, const char *key, const char *text, const char *base_file,
                     const struct config_origin *origin)
{
	struct msp_error err;
	char *value = NULL;
	if (config_expand(text, base_file, &value, &err) != MSP_OK) {
		config_problem(config, origin, "%s: %s", key, err.text);
		return;
	}
	struct config_entry *entry = entry_set(config, key, value, origin);
	if (entry && strcmp(text, value) != 0 && !(entry->written = strdup(text)))
		config->no_memory = true;
	free(value);
}

void config_read_property(struct config *config, const char *property)
{
	const struct config_origin origin = {.layer = CONFIG_PROPERTY, .name = "-X"};
	const char *equals = strchr(property, '=');
	if (!equals || equals == property) {
		config_problem(config, &origin, "expected KEY=VALUE, not \"%s\"", property);
		return;
	}
	char *key = strndup(property, (size_t)(equals - property));
	if (key)
		config_set_text(config, key, equals + 1, NULL, &origin);
	else
		config->no_memory = true;
	free(key);
}
