#include "plan.h"

#include "random.h"

#include <msp/clock.h>
#include <msp_codec_json.h>
#ifdef MSP_HAS_MSGPACK
#include <msp_codec_msgpack.h>
#endif
#include <stdio.h>
#include <stdlib.h>

#define PLAN_HEADERS (sizeof(((struct plan_text *)NULL)->headers) / sizeof(struct msp_header))

const struct msp_codec_ops *const plan_codecs[] = {
    &msp_codec_json,
#ifdef MSP_HAS_MSGPACK
    &msp_codec_msgpack,
#endif
    NULL,
};

/* What becomes of each kind: the code of its error record, or NULL for outputs. */
static const char *const error_codes[] = {
    [PLAN_VALID] = NULL,
    [PLAN_BROKEN] = "malformed",
    [PLAN_NOT_OBJECT] = "schema_violation",
    [PLAN_NULL] = "missing_value",
    [PLAN_SLOW] = NULL,
    [PLAN_ABORT] = "delivery_limit",
    [PLAN_BIG] = "output_rejected",
    [PLAN_HUGE] = "output_rejected",
};

/* About one in sixteen is no good. */
static enum plan_kind kind_choose(uint64_t *random)
{
	switch (random_below(random, 64)) {
	case 0:
	case 1:
		return PLAN_BROKEN;
	case 2:
		return PLAN_NOT_OBJECT;
	case 3:
		return PLAN_NULL;
	default:
		return PLAN_VALID;
	}
}

static void special_spread(struct plan *plan, const struct plan_special *special, uint64_t *random)
{
	size_t stretch = special->count ? plan->count / special->count : 0;
	for (size_t i = 0; i < special->count; i++)
		plan->items[i * stretch + random_below(random, stretch)].kind = (uint8_t)special->kind;
}

static bool items_make(struct plan *plan, uint64_t seed, const struct plan_special specials[PLAN_SPECIALS])
{
	uint64_t random = seed;
	uint32_t sequences[PLAN_KEYS] = {0};
	plan->items = calloc(plan->count, sizeof(*plan->items));
	if (!plan->items)
		return false;
	for (size_t id = 0; id < plan->count; id++) {
		size_t key = random_below(&random, PLAN_KEYS);
		enum plan_kind kind = kind_choose(&random);
		plan->items[id] = (struct plan_item){.sequence = sequences[key]++, .key = (uint16_t)key, .kind = (uint8_t)kind};
	}
	for (size_t i = 0; i < PLAN_SPECIALS; i++)
		special_spread(plan, &specials[i], &random);
	return true;
}

/* ---- values ---- */

#define MEMBERS_MAX 4

/* What a kind's object has beside id, key and seq. */
static bool extra_make(enum plan_kind kind, const char *padding, struct msp_member *ret_member)
{
	struct msp_value extra = {.type = MSP_OBJECT, .count = 1, .as.members = ret_member};
	struct msp_value pad = {.type = MSP_STRING, .as.string = padding};
	switch (kind) {
	case PLAN_SLOW:
		msp_value_set(&extra, 0, "sleep_ms", msp_value_integer(PLAN_SLOW_MS));
		return true;
	case PLAN_ABORT:
		msp_value_set(&extra, 0, "abort", msp_value_boolean(true));
		return true;
	case PLAN_BIG:
	case PLAN_HUGE:
		pad.count = kind == PLAN_BIG ? PLAN_BIG_BYTES : PLAN_HUGE_BYTES;
		msp_value_set(&extra, 0, "pad", pad);
		return true;
	default:
		return false;
	}
}

static enum msp_status value_encode(struct msp_codec *codec, const struct plan_item *item, size_t id,
                                    const char *padding, struct msp_buffer *buffer)
{
	char key[16];
	struct msp_value number = msp_value_integer((int64_t)id);
	struct msp_value array = {.type = MSP_ARRAY, .count = 1, .as.items = &number};
	struct msp_member members[MEMBERS_MAX];
	struct msp_value object = {.type = MSP_OBJECT, .count = 3, .as.members = members};
	if (item->kind == PLAN_NOT_OBJECT)
		return msp_codec_encode(codec, &array, buffer, NULL, NULL);
	snprintf(key, sizeof(key), "k%u", item->key);
	msp_value_set(&object, 0, "id", number);
	msp_value_set(&object, 1, "key", msp_value_string(key));
	msp_value_set(&object, 2, "seq", msp_value_integer(item->sequence));
	object.count += extra_make((enum plan_kind)item->kind, padding, &members[3]);
	return msp_codec_encode(codec, &object, buffer, NULL, NULL);
}

static bool values_write(struct plan *plan, struct msp_codec *codec, const char *padding)
{
	for (size_t id = 0; id < plan->count; id++) {
		struct plan_item *item = &plan->items[id];
		item->value_begin = plan->values.size;
		if (value_encode(codec, item, id, padding, &plan->values) != MSP_OK)
			return false;
		item->value_size = (uint32_t)(plan->values.size - item->value_begin);
		if (item->kind == PLAN_BROKEN)
			item->value_size /= 2;
	}
	return true;
}

static bool values_make(struct plan *plan, const struct msp_codec_ops *ops)
{
	const struct msp_codec_config config = {.max_depth = 1};
	struct msp_codec *codec = NULL;
	char *padding = malloc(PLAN_HUGE_BYTES);
	bool made = padding && ops->open(&config, &codec, NULL) == MSP_OK;
	if (made) {
		memset(padding, 'x', PLAN_HUGE_BYTES);
		made = values_write(plan, codec, padding);
		ops->free(codec);
	}
	free(padding);
	return made;
}

bool plan_init(struct plan *plan, const struct msp_codec_ops *codec, size_t count, uint64_t seed,
               const struct plan_special specials[PLAN_SPECIALS])
{
	*plan = (struct plan){.count = count, .timestamp_ms = msp_wall_ms()};
	msp_buffer_init(&plan->values, SIZE_MAX);
	return items_make(plan, seed, specials) && values_make(plan, codec);
}

void plan_done(struct plan *plan)
{
	free(plan->items);
	msp_buffer_done(&plan->values);
	*plan = (struct plan){0};
}

/* ---- writing ---- */

void plan_write(const struct plan *plan, size_t id, struct plan_text *text, struct msp_message *ret_message)
{
	static const unsigned char bytes[] = {0x00, 0xff, '"', '\n', 0xc3}; /* no UTF-8 */
	const struct plan_item *item = &plan->items[id];
	struct msp_bytes value = msp_bytes_of(plan->values.data + item->value_begin, item->value_size);
	snprintf(text->key, sizeof(text->key), "k%u", item->key);
	snprintf(text->id, sizeof(text->id), "%zu", id);
	text->headers[0] = (struct msp_header){MSP_BYTES_LITERAL("id"), msp_bytes_of_string(text->id)};
	text->headers[1] = (struct msp_header){MSP_BYTES_LITERAL("bytes"), msp_bytes_of(bytes, sizeof(bytes))};
	*ret_message = (struct msp_message){
	    .key = msp_bytes_of_string(text->key),
	    .value = item->kind == PLAN_NULL ? MSP_BYTES_ABSENT : value,
	    .headers = text->headers,
	    .header_count = PLAN_HEADERS,
	    .timestamp_ms = plan->timestamp_ms + (int64_t)id,
	    .partition = MSP_PARTITION_ANY,
	    .offset = MSP_OFFSET_NONE,
	};
}

/* ---- recognising ---- */

static struct msp_bytes header_find(const struct msp_message *message, const char *name)
{
	for (size_t i = 0; i < message->header_count; i++)
		if (msp_bytes_equal(message->headers[i].name, msp_bytes_of_string(name)))
			return message->headers[i].value;
	return MSP_BYTES_ABSENT;
}

bool plan_id_read(const struct plan *plan, const struct msp_message *message, size_t *ret_id)
{
	struct msp_bytes text = header_find(message, "id");
	char digits[24];
	if (!text.data || text.size == 0 || text.size >= sizeof(digits))
		return false;
	memcpy(digits, text.data, text.size);
	digits[text.size] = 0;
	char *end;
	*ret_id = strtoul(digits, &end, 10);
	return !*end && *ret_id < plan->count;
}

static bool headers_begin_equal(const struct msp_message *message, const struct msp_message *expected)
{
	if (message->header_count < expected->header_count)
		return false;
	for (size_t i = 0; i < expected->header_count; i++)
		if (!msp_bytes_equal(message->headers[i].name, expected->headers[i].name) ||
		    !msp_bytes_equal(message->headers[i].value, expected->headers[i].value))
			return false;
	return true;
}

static bool value_is_omitted(const struct msp_message *message, size_t value_size)
{
	char size[24];
	snprintf(size, sizeof(size), "%zu", value_size);
	return !message->value.data &&
	       msp_bytes_equal(header_find(message, "msp-value-omitted"), msp_bytes_of_string(size));
}

/* What differs, or NULL. */
static const char *difference(const struct plan *plan, const struct msp_message *message,
                              const struct msp_message *expected, enum plan_kind kind, enum msp_route route)
{
	const char *code = error_codes[kind];
	if ((route == MSP_ROUTE_ERRORS) != (code != NULL))
		return code ? "is in outputs" : "is in errors";
	if (code && !msp_bytes_equal(header_find(message, "msp-error-code"), msp_bytes_of_string(code)))
		return "has another error code";
	if (!msp_bytes_equal(message->key, expected->key))
		return "has another key";
	if (!plan->any_timestamp && message->timestamp_ms != expected->timestamp_ms)
		return "has another timestamp";
	if (!headers_begin_equal(message, expected) || (!code && message->header_count != expected->header_count))
		return "has other headers";
	bool same = kind == PLAN_HUGE ? value_is_omitted(message, expected->value.size)
	                              : msp_bytes_equal(message->value, expected->value);
	return same ? NULL : "has another value";
}

bool plan_recognise(const struct plan *plan, enum msp_route route, const struct msp_message *message, size_t *ret_id,
                    char *reason, size_t reason_size)
{
	if (!plan_id_read(plan, message, ret_id)) {
		snprintf(reason, reason_size, "a message of partition %d, offset %lld has no id of the plan",
		         (int)message->partition, (long long)message->offset);
		return false;
	}
	struct plan_text text;
	struct msp_message expected;
	plan_write(plan, *ret_id, &text, &expected);
	enum plan_kind kind = (enum plan_kind)plan->items[*ret_id].kind;
	const char *what = difference(plan, message, &expected, kind, route);
	if (!what)
		return true;
	struct msp_bytes code = header_find(message, "msp-error-code"), why = header_find(message, "msp-error-message");
	snprintf(reason, reason_size, "message %zu %s: code %.*s, expected %s; %.*s", *ret_id, what, (int)code.size,
	         code.data ? (const char *)code.data : "", error_codes[kind] ? error_codes[kind] : "none", (int)why.size,
	         why.data ? (const char *)why.data : "");
	return false;
}
