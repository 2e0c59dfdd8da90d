#include "fake_codec.h"

#include <stdio.h>
#include <stdlib.h>

static enum msp_status fake_open(const struct msp_codec_config *config, struct msp_codec **ret_codec,
                                 struct msp_error *err)
{
	(void)config;
	struct msp_codec *codec = calloc(1, sizeof(*codec));
	if (!codec)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory");
	codec->ops = &fake_codec;
	*ret_codec = codec;
	return MSP_OK;
}

struct fake_codec_needs fake_codec_needs;

static enum msp_status fake_refuse(struct msp_error *err)
{
	fake_codec_needs.refused++;
	return msp_error_set(err, MSP_E_UNAVAILABLE, "the fake registry is away");
}

static enum msp_status fake_prepare(struct msp_codec *codec, const struct msp_message *messages, size_t count,
                                    struct msp_error *err)
{
	(void)codec, (void)messages, (void)count;
	return fake_codec_needs.prepare ? fake_refuse(err) : MSP_OK;
}

static enum msp_status fake_decode(struct msp_codec *codec, struct msp_bytes bytes, struct msp_headers headers,
                                   struct msp_arena *arena, struct msp_value *ret_value, struct msp_error *err)
{
	(void)codec, (void)headers;
	char text[32], *end;
	snprintf(text, sizeof(text), "%.*s", (int)bytes.size, (const char *)bytes.data);
	if (strcmp(text, "deep") == 0)
		return msp_error_set(err, MSP_E_LIMIT, "too deep");
	long long number = strtoll(text, &end, 10);
	if (end == text || *end)
		return msp_error_set(err, MSP_E_INVALID, "no integer");
	if (number == 777 && fake_codec_needs.decode)
		return fake_refuse(err);
	if (!msp_value_object(arena, 1, ret_value))
		return msp_error_set(err, msp_arena_status(arena), "no room");
	msp_value_set(ret_value, 0, "n", msp_value_integer(number));
	return MSP_OK;
}

static enum msp_status fake_encode(struct msp_codec *codec, const struct msp_value *value, struct msp_buffer *buffer,
                                   const struct msp_headers **ret_headers, struct msp_error *err)
{
	static const struct msp_header said = {{"fake", 4}, {"yes", 3}};
	static const struct msp_headers headers = {&said, 1};
	(void)codec;
	const struct msp_value *n = msp_value_member(value, "n");
	if (!n || n->type != MSP_INTEGER || n->as.integer == 666)
		return msp_error_set(err, MSP_E_INVALID, "this cannot be encoded");
	if (n->as.integer == 778 && fake_codec_needs.encode)
		return fake_refuse(err);
	if (n->as.integer == 779 && ret_headers)
		*ret_headers = &headers;
	enum msp_status status = msp_buffer_printf(buffer, "%lld", (long long)n->as.integer);
	return status == MSP_OK ? MSP_OK : msp_error_set(err, status, "no room");
}

static void fake_free(struct msp_codec *codec)
{
	free(codec);
}

const struct msp_codec_ops fake_codec = {
    .name = "fake",
    .content_type = "text/x-integer",
    .open = fake_open,
    .prepare = fake_prepare,
    .decode = fake_decode,
    .encode = fake_encode,
    .free = fake_free,
};
