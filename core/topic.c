#include <msp/topic.h>

#include <stdio.h>

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *const kind_names[MSP_TOPIC_KINDS] = {
    [MSP_TOPIC_INPUTS] = "inputs",
    [MSP_TOPIC_OUTPUTS] = "outputs",
    [MSP_TOPIC_ERRORS] = "errors",
};

const char *msp_topic_kind_name(enum msp_topic_kind kind)
{
	return kind_names[kind];
}

static bool is_made_of(const char *text, const char *accepted)
{
	return text[0] != '\0' && text[strspn(text, accepted)] == '\0';
}

static bool is_dots(const char *text)
{
	return strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

static enum msp_status topics_check_parts(const char *prefix, const struct msp_model_info *info, struct msp_error *err)
{
	if (!info->name || !is_made_of(info->name, ALPHANUMERIC "_-"))
		return msp_error_set(err, MSP_E_INVALID, "model name \"%s\" must be letters, digits, \"_\" and \"-\"",
		                     info->name ? info->name : "");
	if (info->major < 0 || info->minor < 0)
		return msp_error_set(err, MSP_E_INVALID, "version %d.%d of model %s must not be negative", info->major,
		                     info->minor, info->name);
	if (!is_made_of(prefix, ALPHANUMERIC "._-") || is_dots(prefix))
		return msp_error_set(err, MSP_E_INVALID, "topic prefix \"%s\" must be letters, digits, \".\", \"_\" and \"-\"",
		                     prefix);
	return MSP_OK;
}

enum msp_status msp_topics_init(struct msp_topics *topics, const char *prefix, const struct msp_model_info *info,
                                const char *wrap, struct msp_error *err)
{
	enum msp_status status = topics_check_parts(prefix, info, err);
	if (status != MSP_OK)
		return status;
	for (int kind = 0; kind < MSP_TOPIC_KINDS; kind++) {
		int length =
		    snprintf(topics->name[kind], sizeof(topics->name[kind]), "%.1s%s.%s.%d.%d%.1s.%s", wrap ? wrap : "", prefix,
		             info->name, info->major, info->minor, wrap ? wrap + 1 : "", kind_names[kind]);
		if (length < 0 || length > MSP_TOPIC_MAX)
			return msp_error_set(err, MSP_E_INVALID, "topic name of %d bytes for the %s of model %.100s; at most %d",
			                     length, kind_names[kind], info->name, MSP_TOPIC_MAX);
	}
	/* Shorter than any of the names. */
	snprintf(topics->group, sizeof(topics->group), "%s.%s.%d.%d", prefix, info->name, info->major, info->minor);
	return MSP_OK;
}

bool msp_topic_collides(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if ((*a == '.' ? '_' : *a) != (*b == '.' ? '_' : *b))
			return false;
	}
	return *a == *b;
}

enum msp_status msp_topic_check(const char *name, struct msp_error *err)
{
	if (!is_made_of(name, ALPHANUMERIC "._{}-") || is_dots(name))
		return msp_error_set(err, MSP_E_INVALID,
		                     "topic name \"%s\" must be letters, digits, \".\", \"_\", \"-\", \"{\" and \"}\"", name);
	size_t size = strlen(name);
	if (size > MSP_TOPIC_MAX)
		return msp_error_set(err, MSP_E_INVALID, "topic name of %zu bytes; at most %d", size, MSP_TOPIC_MAX);
	return MSP_OK;
}
