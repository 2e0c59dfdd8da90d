/* Places in a JSON Schema: what stands there, what is said about them, what they cost. */
#include "schema_shape.h"

#include "text.h"

/* So many tokens has no reference that a person wrote. */
#define REFERENCE_DEPTH_MAX 64

/* Members or bytes that are looked through as fast as anything else takes a step. */
#define SCANNED_PER_STEP 64

void *msp_schema_alloc(struct msp_schema_parser *parser, struct msp_arena *arena, size_t count, size_t size)
{
	void *memory = msp_arena_alloc_array(arena, count, size);
	if (memory)
		memset(memory, 0, count * size);
	else
		parser->status = msp_arena_status(arena);
	return memory;
}

bool msp_schema_step(struct msp_schema_parser *parser, size_t count)
{
	if (parser->steps_left < count) {
		parser->status = MSP_E_LIMIT;
		parser->exhausted = true;
		return false;
	}
	parser->steps_left -= count;
	return true;
}

bool msp_schema_sayable(const char *text, size_t size)
{
	return size == 0 || (!memchr(text, '\0', size) && msp_bytes_are_utf8(msp_bytes_of(text, size)));
}

char *msp_schema_text(struct msp_schema_parser *parser, const char *text, size_t size)
{
	/* A reference repeats a text of any size as often as one of a byte. */
	char *copy =
	    msp_schema_step(parser, size / SCANNED_PER_STEP) ? msp_schema_alloc(parser, parser->arena, size + 1, 1) : NULL;
	if (copy && size)
		memcpy(copy, text, size);
	return copy;
}

struct msp_schema_place *msp_schema_place_new(struct msp_schema_parser *parser, const struct msp_schema_place *parent,
                                              const char *keyword)
{
	struct msp_schema_place *place = msp_schema_alloc(parser, &parser->scratch, 1, sizeof(*place));
	if (!place)
		return NULL;
	place->parent = parent;
	place->keyword = keyword;
	place->embedded = parent && parent->embedded;
	return place;
}

struct msp_schema_place *msp_schema_place_item(struct msp_schema_parser *parser, const struct msp_schema_place *parent,
                                               const char *keyword, uint32_t index)
{
	struct msp_schema_place *place = msp_schema_place_new(parser, parent, keyword);
	if (place) {
		place->indexed = true;
		place->index = index;
	}
	return place;
}

struct msp_schema_place *msp_schema_place_member(struct msp_schema_parser *parser,
                                                 const struct msp_schema_place *parent, const char *keyword,
                                                 const char *name, uint32_t name_size)
{
	struct msp_schema_place *place = msp_schema_place_new(parser, parent, keyword);
	if (place) {
		place->name = name;
		place->name_size = name_size;
	}
	return place;
}

/* Writes the tokens from the root down to `place`; false once one did not fit. */
static bool pointer_write(const struct msp_schema_place *place, char pointer[MSP_PATH_SIZE], size_t *size)
{
	char index[MSP_TEXT_INTEGER_SIZE];
	if (!place)
		return true;
	if (!pointer_write(place->parent, pointer, size))
		return false;
	if (place->keyword && !msp_text_pointer(pointer, MSP_PATH_SIZE, size, place->keyword, strlen(place->keyword)))
		return false;
	if (place->name)
		return msp_text_pointer(pointer, MSP_PATH_SIZE, size, place->name, place->name_size);
	size_t length = place->indexed ? msp_text_integer(index, place->index) : 0;
	return !place->indexed || msp_text_pointer(pointer, MSP_PATH_SIZE, size, index, length);
}

bool msp_schema_omit(struct msp_schema_parser *parser, const struct msp_schema_place *place, const char *keyword,
                     const char *reason)
{
	struct msp_schema_omissions *omissions = parser->omissions;
	char pointer[MSP_PATH_SIZE] = "";
	size_t size = 0;
	if (omissions->more)
		return true;
	(void)pointer_write(place, pointer, &size);
	for (size_t i = 0; i < omissions->count; i++) {
		const struct msp_schema_omission *listed = &omissions->list[i];
		if (strcmp(listed->pointer, pointer) == 0 && strcmp(listed->keyword, keyword) == 0)
			return true;
	}
	if (omissions->count == MSP_SCHEMA_OMISSIONS_MAX) {
		omissions->more = true;
		return true;
	}
	char *copy = msp_schema_text(parser, pointer, size);
	if (!copy)
		return false;
	omissions->list[omissions->count++] = (struct msp_schema_omission){copy, keyword, reason};
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %XX in place (RFC 3986); false when it is malformed. */
static bool percent_decode(char *text, size_t *size)
{
	size_t to = 0;
	for (size_t from = 0; from < *size; from++) {
		text[to] = text[from];
		if (text[from] == '%') {
			int high = *size - from > 2 ? hex_digit(text[from + 1]) : -1,
			    low = high < 0 ? -1 : hex_digit(text[from + 2]);
			if (low < 0)
				return false;
			text[to] = (char)(high << 4 | low);
			from += 2;
		}
		to++;
	}
	*size = to;
	return true;
}

/* Undoes ~0 and ~1 in place (RFC 6901) up to the next slash; returns what is left behind it, or NULL: malformed. */
static char *token_unescape(char *token, const char *end, uint32_t *ret_size)
{
	char *to = token, *from = token;
	for (; from < end && *from != '/'; from++) {
		char c = *from;
		if (c == '~') {
			if (end - from < 2 || (from[1] != '0' && from[1] != '1'))
				return NULL;
			c = *++from == '0' ? '~' : '/';
		}
		*to++ = c;
	}
	*ret_size = (uint32_t)(to - token);
	return from;
}

static const struct msp_value *item_find(const struct msp_value *array, const char *token, uint32_t size)
{
	uint64_t index = 0;
	if (size == 0 || size > 9 || (size > 1 && token[0] == '0'))
		return NULL;
	for (uint32_t i = 0; i < size; i++) {
		if (token[i] < '0' || token[i] > '9')
			return NULL;
		index = index * 10 + (uint64_t)(token[i] - '0');
	}
	return index < array->count ? &array->as.items[index] : NULL;
}

/* The member or item that `token` names, or NULL; also NULL where `value` has an `$id` and is another's root. */
static const struct msp_value *child_find(const struct msp_value *value, const char *token, uint32_t size, bool root)
{
	const struct msp_value *id = root ? NULL : msp_value_member(value, "$id");
	if (value->type == MSP_ARRAY)
		return item_find(value, token, size);
	if (value->type != MSP_OBJECT || (id && id->type == MSP_STRING))
		return NULL;
	for (uint32_t i = 0; i < value->count; i++) {
		const struct msp_member *member = &value->as.members[i];
		if (member->name_size == size && (size == 0 || memcmp(member->name, token, size) == 0))
			return &member->value;
	}
	return NULL;
}

/* Walks the pointer of `size` bytes, which it changes. */
static bool pointer_walk(struct msp_schema_parser *parser, char *pointer, size_t size,
                         const struct msp_value **ret_target, struct msp_schema_place **ret_place)
{
	const struct msp_value *target = parser->root;
	struct msp_schema_place *place = msp_schema_place_new(parser, NULL, NULL);
	char *at = pointer, *end = pointer + size;
	for (int depth = 0; place && at < end; depth++) {
		uint32_t token_size;
		char *token = at + 1;
		if (*at != '/' || depth == REFERENCE_DEPTH_MAX || !(at = token_unescape(token, end, &token_size)))
			return true;
		if (!msp_schema_step(parser, 1 + target->count / SCANNED_PER_STEP))
			return false;
		target = child_find(target, token, token_size, target == parser->root);
		if (!target)
			return true;
		place = msp_schema_place_member(parser, place, NULL, token, token_size);
	}
	if (!place)
		return false;
	*ret_place = place;
	*ret_target = target;
	return true;
}

bool msp_schema_resolve(struct msp_schema_parser *parser, const struct msp_value *reference,
                        const struct msp_schema_place *place, const struct msp_value **ret_target,
                        struct msp_schema_place **ret_place)
{
	*ret_target = NULL;
	if (place->embedded || reference->type != MSP_STRING || reference->count == 0 || reference->as.string[0] != '#')
		return true;
	size_t size = reference->count - 1;
	if (!msp_schema_step(parser, 1 + size / SCANNED_PER_STEP))
		return false;
	char *pointer = msp_schema_alloc(parser, &parser->scratch, size, 1);
	if (!pointer)
		return false;
	if (size)
		memcpy(pointer, reference->as.string + 1, size);
	return !percent_decode(pointer, &size) || pointer_walk(parser, pointer, size, ret_target, ret_place);
}
