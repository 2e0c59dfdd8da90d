/* How keys meet the option tables, and the environment. */
#include "args.h"
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

/* "sqlite.synchronous" is MSP_SQLITE_SYNCHRONOUS. False when the name does not fit. */
static bool variable_name(const char *key, char *name, size_t size)
{
	static const char prefix[] = "MSP_";
	size_t length = strlen(key);
	if (length + sizeof(prefix) > size)
		return false;
	memcpy(name, prefix, sizeof(prefix));
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = (unsigned char)key[i];
		name[sizeof(prefix) - 1 + i] = (char)(isalnum(c) ? toupper(c) : c ? '_' : 0);
	}
	return true;
}

struct config_entry *config_lookup(struct config *config, const char *key)
{
	char name[512];
	struct config_entry *entry = config_find(config, key);
	if (entry && entry->origin.layer >= CONFIG_ENVIRONMENT)
		return entry;
	const char *value = variable_name(key, name, sizeof(name)) ? getenv(name) : NULL;
	if (!value || !*value) /* compose files and the like cannot but set it to nothing */
		return entry;
	struct config_origin origin = {.layer = CONFIG_ENVIRONMENT, .name = config_name(config, name)};
	config_set(config, key, value, &origin);
	return config_find(config, key);
}

/* ---- tables ---- */

/* An option's own refusals begin with its name, which makes the key when the prefix stands before it. */
static void option_bind(struct config *config, struct config_entry *entry, const char *prefix,
                        const struct msp_option *option, void *target)
{
	struct msp_option quiet = *option;
	struct msp_error err;
	entry->used = true;
	quiet.secret = option->secret || entry->written; /* the refusal does not repeat the value then */
	if (!entry->value)
		config_problem(config, &entry->origin, "%s has no value", entry->key);
	else if (msp_option_set(&quiet, target, entry->value, &err) != MSP_OK)
		config_problem(config, &entry->origin, "%s%s%s%s%s", prefix, err.text, entry->written ? ", not what \"" : "",
		               entry->written ? entry->written : "", entry->written ? "\" stands for" : "");
}

static char *key_join(struct config *config, const char *prefix, const char *name)
{
	char *key = NULL;
	if (asprintf(&key, "%s%s", prefix, name) >= 0)
		return key;
	config->no_memory = true;
	return NULL;
}

bool config_set_by_flag(const struct config *config, const char *key)
{
	const struct config_entry *entry = config_find(config, key);
	return entry && entry->origin.layer == CONFIG_FLAG;
}

/* False when there is no memory. */
static bool known_reserve(struct config *config, size_t count)
{
	char **known = realloc(config->known, (config->known_count + count + 1) * sizeof(*known));
	if (known)
		config->known = known;
	else
		config->no_memory = true;
	return known;
}

static bool base_is_set_by_flag(struct config *config, const char *base, const char *name)
{
	char *key = base ? key_join(config, base, name) : NULL;
	bool is_set = key && config_set_by_flag(config, key);
	free(key);
	return is_set;
}

void config_bind(struct config *config, const char *prefix, const char *base, const struct msp_option_table *table,
                 void *target)
{
	if (!known_reserve(config, table->count))
		return;
	for (size_t i = 0; i < table->count; i++) {
		const struct msp_option *option = &table->options[i];
		char *key = key_join(config, prefix, option->name);
		if (!key)
			return;
		config->known[config->known_count++] = key;
		struct config_entry *entry = config_lookup(config, key);
		if (entry && base_is_set_by_flag(config, base, option->name))
			entry->used = true;
		else if (entry)
			option_bind(config, entry, prefix, option, target);
	}
}

/* ---- what no table has ---- */

/* Takes the MSP_KAFKA_SASL_PASSWORD of `size` bytes in as kafka.sasl.password. */
static void variable_take(struct config *config, const char *variable, size_t size)
{
	char name[512] = "";
	if (size >= sizeof(name))
		return;
	for (size_t i = 0; i < size; i++)
		name[i] = (char)(variable[i] == '_' ? '.' : tolower((unsigned char)variable[i]));
	config_lookup(config, name + strlen("MSP_"));
}

static void environment_take(struct config *config, const char *prefix)
{
	char variable_prefix[128];
	if (!variable_name(prefix, variable_prefix, sizeof(variable_prefix)))
		return;
	size_t prefix_size = strlen(variable_prefix);
	for (char **variable = environ; *variable; variable++) {
		size_t size = strcspn(*variable, "=");
		if (strncmp(*variable, variable_prefix, prefix_size) == 0 && size > prefix_size)
			variable_take(config, *variable, size);
	}
}

/* False: not meant for us. A refusal may repeat the value: where that is a reference, what people see is the
 * reference. */
static bool property_judge(struct config *config, const struct config_entry *entry, const struct msp_property *property,
                           config_check_fn *check)
{
	struct msp_error err;
	enum msp_status status = check(property, &err);
	if (status == MSP_E_NOT_FOUND && entry->origin.layer == CONFIG_ENVIRONMENT)
		return false;
	if (status == MSP_OK)
		return true;
	const struct msp_property written = {property->name, entry->written};
	if (!entry->written || check(&written, &err) != MSP_OK)
		config_problem(config, &entry->origin, "%s", err.text);
	else
		config_problem(config, &entry->origin, "%s: what \"%s\" stands for is refused", entry->key, entry->written);
	return true;
}

void config_take_rest(struct config *config, const char *prefix, config_check_fn *check,
                      struct msp_property **ret_properties, size_t *ret_count)
{
	environment_take(config, prefix);
	size_t count = 0;
	struct msp_property *properties = calloc(config->entry_count + 1, sizeof(*properties));
	if (!properties)
		config->no_memory = true;
	for (size_t i = 0; properties && i < config->entry_count; i++) {
		struct config_entry *entry = &config->entries[i];
		if (entry->used || strncmp(entry->key, prefix, strlen(prefix)) != 0)
			continue;
		entry->used = true;
		if (!entry->value) {
			config_problem(config, &entry->origin, "%s has no value", entry->key);
			continue;
		}
		properties[count] = (struct msp_property){entry->key + strlen(prefix), entry->value};
		count += property_judge(config, entry, &properties[count], check);
	}
	*ret_properties = properties;
	*ret_count = count;
}

void config_skip(struct config *config, const char *prefix)
{
	for (size_t i = 0; i < config->entry_count; i++)
		if (!strncmp(config->entries[i].key, prefix, strlen(prefix)))
			config->entries[i].used = true;
}

/* ---- unknown keys ---- */

/* "modles.iris.plugin": a wrong first word with a right rest is far from every key by letters alone. */
static const char *nearest_first_word(const char *key, char *text, size_t size)
{
	static const char *const words[] = {"models"};
	char word[32];
	size_t length = strcspn(key, ".");
	if (!key[length] || length >= sizeof(word))
		return NULL;
	memcpy(word, key, length);
	word[length] = 0;
	const char *nearest = nearest_name(word, words, 1);
	if (!nearest || !strcmp(nearest, word))
		return NULL;
	snprintf(text, size, "%s%s", nearest, key + length);
	return text;
}

void config_refuse_unknown(struct config *config)
{
	for (size_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		char text[256];
		if (entry->used)
			continue;
		const char *nearest = nearest_first_word(entry->key, text, sizeof(text));
		if (!nearest)
			nearest = nearest_name(entry->key, (const char *const *)config->known, config->known_count);
		if (nearest)
			config_problem(config, &entry->origin, "unknown key \"%s\"; did you mean \"%s\"?", entry->key, nearest);
		else
			config_problem(config, &entry->origin, "unknown key \"%s\"", entry->key);
	}
}
