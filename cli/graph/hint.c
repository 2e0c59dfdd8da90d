#include "hint.h"

#include "complain.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_HINT_BYTES ((size_t)1 << 16)

static const char plain_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";

/* A word of a shell's command line. */
static enum msp_status word_append(struct msp_buffer *buffer, const char *word)
{
	if (*word && strspn(word, plain_chars) == strlen(word))
		return msp_buffer_append_string(buffer, word);
	enum msp_status status = msp_buffer_append_char(buffer, '\'');
	for (; *word && status == MSP_OK; word++)
		status = *word == '\'' ? msp_buffer_append_string(buffer, "'\\''") : msp_buffer_append_char(buffer, *word);
	return status == MSP_OK ? msp_buffer_append_char(buffer, '\'') : status;
}

/* " <flag> <word>"; nothing without a word. */
static enum msp_status flag_append(struct msp_buffer *buffer, const char *flag, const char *word)
{
	if (!word)
		return MSP_OK;
	enum msp_status status = msp_buffer_printf(buffer, " %s ", flag);
	return status == MSP_OK ? word_append(buffer, word) : status;
}

/* The broker when it was named on the command line; otherwise the next command finds it by itself. */
static enum msp_status broker_append(struct msp_buffer *buffer, const struct graph *graph)
{
	if (!graph->args->broker)
		return MSP_OK;
	char *broker = graph_broker_text(graph);
	enum msp_status status = broker ? flag_append(buffer, "-b", broker) : MSP_E_NO_MEMORY;
	free(broker);
	return status;
}

/* -X, but for secrets. */
static enum msp_status properties_append(struct msp_buffer *buffer, const struct text_list *properties)
{
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < properties->count && status == MSP_OK; i++) {
		char key[256];
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(properties->items[i], "="), properties->items[i]);
		if (!config_key_is_secret(key) && !strchr(properties->items[i], '@'))
			status = flag_append(buffer, "-X", properties->items[i]);
	}
	return status;
}

char *hint_topics_create(const struct graph *graph, const char *flag, const char *const *names, size_t count)
{
	const struct common_args *args = graph->args;
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, MAX_HINT_BYTES);
	/* Of several topics some may be there. */
	enum msp_status status = msp_buffer_printf(&buffer, "msp topics create%s", count == 1 ? "" : " --if-not-exists");
	if (status == MSP_OK)
		status = flag_append(&buffer, "-F", args->config_file);
	if (status == MSP_OK)
		status = flag_append(&buffer, "--env", args->environment);
	if (status == MSP_OK)
		status = broker_append(&buffer, graph);
	if (status == MSP_OK)
		status = properties_append(&buffer, &args->properties);
	for (size_t i = 0; i < count && status == MSP_OK; i++)
		status = flag_append(&buffer, flag, names[i]);
	if (status == MSP_OK && msp_buffer_append_char(&buffer, 0) == MSP_OK)
		return buffer.data;
	msp_buffer_done(&buffer);
	return NULL;
}

void hint_topics_report(const struct graph *graph, const char *flag, const char *name)
{
	char *hint = hint_topics_create(graph, flag, &name, 1);
	if (hint)
		report("\"%s\" creates %s.", hint, strcmp(flag, "-m") ? "it" : "the topics");
	free(hint);
}

const char *hint_model_name(const struct graph *graph, const struct model *model)
{
	char key[256];
	const struct settings_model *settings = model->settings;
	snprintf(key, sizeof(key), "%splugin", settings->scope.prefix);
	return config_set_by_flag(&graph->tree.config, key) ? settings->own->plugin : settings->label;
}
