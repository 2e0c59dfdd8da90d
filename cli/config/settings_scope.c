#include "settings_scope.h"

#include "builtin.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- scopes ---- */

/* A struct of its own: strings are copied. On failure msp_options_done is due. */
static bool options_copy(const struct msp_option_table *table, void *options, const void *from)
{
	bool ok = true;
	memcpy(options, from, table->struct_size);
	for (size_t i = 0; i < table->count; i++) {
		const struct msp_option *option = &table->options[i];
		if (option->type != MSP_OPTION_STRING)
			continue;
		const char **field = (const char **)(void *)((char *)options + option->offset);
		const char *text = *field;
		*field = NULL;
		ok = ok && (!text || msp_option_set(option, options, text, NULL) == MSP_OK);
	}
	return ok;
}

void settings_scope_bind(struct settings_scope *scope, struct config *config, const char *prefix,
                         const struct msp_option_table *table, const struct settings_scope *inherited)
{
	*scope = (struct settings_scope){.inherits = inherited != NULL};
	if (!table || config->no_memory)
		return;
	scope->prefix = strdup(prefix);
	scope->options = calloc(1, table->struct_size);
	scope->table = table;
	bool ok = scope->prefix && scope->options;
	if (ok && inherited)
		ok = options_copy(table, scope->options, inherited->options);
	else if (ok)
		ok = msp_options_init(table, scope->options, NULL) == MSP_OK;
	if (!ok)
		config->no_memory = true;
	else
		config_bind(config, prefix, inherited ? inherited->prefix : NULL, table, scope->options);
}

void settings_scope_done(struct settings_scope *scope)
{
	if (scope->options)
		msp_options_done(scope->table, scope->options);
	free(scope->options);
	free(scope->prefix);
	*scope = (struct settings_scope){0};
}

/* ---- which codec ---- */

/* What sets a codec at `prefix`, or NULL; --codec overrules what models say. */
static struct config_entry *codec_entry(struct config *config, const char *prefix, const char *name)
{
	char key[512];
	if (*prefix && config_set_by_flag(config, name))
		return NULL;
	snprintf(key, sizeof(key), "%s%s", prefix, name);
	struct config_entry *entry = config_lookup(config, key);
	return entry && entry->value ? entry : NULL;
}

static void codec_check(struct config *config, const struct config_entry *entry)
{
	const struct msp_codec_ops *ops;
	struct msp_error err;
	if (builtin_codec_find(entry->value, &ops, &err) == MSP_OK)
		return;
	if (entry->written)
		config_problem(config, &entry->origin, "%s: what \"%s\" stands for is no codec of this build", entry->key,
		               entry->written);
	else
		config_problem(config, &entry->origin, "%s: %s", entry->key, err.text);
}

/* `codec` of a level stands for both sides, unless one is set by itself in the same layer or a later one. */
static void codec_spread(struct config *config, const char *prefix, struct service_settings *service)
{
	static const char *const sides[] = {"codec.input", "codec.output"};
	const struct config_entry *both = codec_entry(config, prefix, "codec");
	if (both)
		codec_check(config, both);
	for (size_t i = 0; i < 2; i++) {
		struct config_entry *side = codec_entry(config, prefix, sides[i]);
		if (side && side->origin.layer != CONFIG_FLAG) /* the flag sets all three, and its mistake is told once */
			codec_check(config, side);
		if (!both || (side && side->origin.layer >= both->origin.layer))
			continue;
		if (msp_option_set(msp_option_find(&service_options, sides[i]), service, both->value, NULL) != MSP_OK)
			config->no_memory = true;
		if (side) {
			config_set(config, side->key, config_shown(both), &both->origin);
			side->used = true;
		}
	}
}

/* ---- levels ---- */

static void codecs_bind(struct settings_level *level, struct config *config, const char *prefix,
                        const struct settings_level *inherited)
{
	size_t count = 0;
	while (builtin_codecs[count])
		count++;
	level->codecs = calloc(count + 1, sizeof(*level->codecs));
	if (!level->codecs) {
		config->no_memory = true;
		return;
	}
	for (; level->codec_count < count; level->codec_count++) {
		char codec_prefix[512];
		const struct msp_codec_ops *ops = builtin_codecs[level->codec_count];
		snprintf(codec_prefix, sizeof(codec_prefix), "%s%s.", prefix, ops->name);
		settings_scope_bind(&level->codecs[level->codec_count], config, codec_prefix, ops->options,
		                    inherited ? &inherited->codecs[level->codec_count] : NULL);
	}
}

void settings_level_bind(struct settings_level *level, struct config *config, const char *prefix,
                         const struct settings_level *inherited)
{
	*level = (struct settings_level){0};
	settings_scope_bind(&level->scope, config, prefix, &service_options, inherited ? &inherited->scope : NULL);
	level->service = level->scope.options;
	if (!config->no_memory)
		codec_spread(config, prefix, level->scope.options);
	if (!config->no_memory)
		codecs_bind(level, config, prefix, inherited);
}

void settings_level_done(struct settings_level *level)
{
	for (size_t i = 0; i < level->codec_count; i++)
		settings_scope_done(&level->codecs[i]);
	free(level->codecs);
	settings_scope_done(&level->scope);
	*level = (struct settings_level){0};
}

const char *settings_codec(const struct service_settings *service, enum msp_side side)
{
	const char *own = side == MSP_SIDE_INPUT ? service->codec_input : service->codec_output;
	return own ? own : service->codec;
}

const void *settings_codec_options(const struct settings_level *level, const struct msp_codec_ops *ops)
{
	for (size_t i = 0; i < level->codec_count; i++)
		if (builtin_codecs[i] == ops)
			return level->codecs[i].options;
	return NULL;
}
