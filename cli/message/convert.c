#include "convert.h"

#include "builtin.h"
#include "complain.h"

/* A value is at most some dozen times as large as its message. */
#define MAX_MEMORY  ((size_t)1 << 32)
#define KEEP_MEMORY ((size_t)1 << 20)

/* What people read and write. */
static const char codec_of_people[] = "json";

/* Error records carry their inputs untouched. */
static enum msp_side side_of(enum msp_topic_kind kind)
{
	return kind == MSP_TOPIC_OUTPUTS ? MSP_SIDE_OUTPUT : MSP_SIDE_INPUT;
}

/* What the topic carries: as the model is configured, or without one the configuration's `codec`. */
static const char *codec_of_topic(const struct conversion_config *config)
{
	const struct service_settings *service = graph_level(config->graph, config->model)->service;
	return config->model ? settings_codec(service, side_of(config->kind)) : service->codec;
}

static enum msp_status codec_open(const struct conversion_config *conversion, const char *name,
                                  struct msp_codec **ret_codec, struct msp_error *err)
{
	const struct msp_codec_ops *ops;
	enum msp_status status = builtin_codec_find(name, &ops, err);
	if (status != MSP_OK)
		return status;
	const struct settings_level *level = graph_level(conversion->graph, conversion->model);
	struct msp_codec_config config = {
	    .options = settings_codec_options(level, ops),
	    .max_depth = (int)level->service->codec_max_depth,
	    .side = side_of(conversion->kind),
	};
	if (conversion->model) {
		const struct msp_registry_entry *entry = conversion->model->entry;
		config.topic = entry->topics.name[conversion->kind];
		config.schema = config.side == MSP_SIDE_INPUT ? entry->info->input : entry->info->output;
	}
	return ops->open(&config, ret_codec, err);
}

int conversion_init(struct conversion *conversion, const struct conversion_config *config)
{
	struct msp_error err;
	*conversion = (struct conversion){0};
	if (!config->from && !config->to)
		return EXIT_DONE;
	const char *carried = codec_of_topic(config);
	const char *from = config->from ? config->from : config->is_sent ? codec_of_people : carried;
	const char *to = config->to ? config->to : config->is_sent ? carried : codec_of_people;
	msp_arena_init(&conversion->values, MAX_MEMORY);
	msp_arena_init(&conversion->results, MAX_MEMORY);
	msp_buffer_init(&conversion->encoded, config->max_bytes);
	enum msp_status status = codec_open(config, from, &conversion->from, &err);
	if (status == MSP_OK && strcmp(from, to) != 0)
		status = codec_open(config, to, &conversion->to, &err);
	return status == MSP_OK ? EXIT_DONE : complain_of(&err);
}

void conversion_done(struct conversion *conversion)
{
	if (conversion->from)
		msp_codec_free(conversion->from);
	if (conversion->to)
		msp_codec_free(conversion->to);
	msp_arena_done(&conversion->values);
	msp_arena_done(&conversion->results);
	msp_buffer_done(&conversion->encoded);
	*conversion = (struct conversion){0};
}

static enum msp_status value_convert(struct conversion *conversion, struct msp_bytes *value, struct msp_error *err)
{
	struct msp_codec *from = conversion->from, *to = conversion->to;
	struct msp_value decoded;
	msp_buffer_clear(&conversion->encoded);
	enum msp_status status = msp_codec_decode(from, *value, MSP_NO_HEADERS, &conversion->values, &decoded, err);
	if (status == MSP_OK)
		status = msp_codec_encode(to, &decoded, &conversion->encoded, NULL, err);
	if (status == MSP_OK && !msp_arena_copy(&conversion->results, msp_buffer_bytes(&conversion->encoded), value))
		status = msp_error_set(err, msp_arena_status(&conversion->results), "out of memory");
	return status;
}

enum msp_status conversion_run(struct conversion *conversion, struct msp_bytes *value, struct msp_error *err)
{
	if (!conversion->to || !value->data)
		return MSP_OK;
	enum msp_status status = value_convert(conversion, value, err);
	msp_arena_reset(&conversion->values, KEEP_MEMORY);
	return status;
}

void conversion_forget(struct conversion *conversion)
{
	msp_arena_reset(&conversion->results, KEEP_MEMORY);
}
