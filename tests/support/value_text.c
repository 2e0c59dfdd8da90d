#include "value_text.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_COUNT 64

struct reader {
	const char *start, *at;
	struct msp_arena *arena;
};

static void must(const struct reader *reader, bool condition)
{
	if (condition)
		return;
	fprintf(stderr, "malformed at %zu: %s\n", (size_t)(reader->at - reader->start), reader->start);
	abort();
}

static bool skip(struct reader *reader, char c)
{
	while (*reader->at == ' ')
		reader->at++;
	if (*reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool skip_word(struct reader *reader, const char *word)
{
	size_t size = strlen(word);
	if (strncmp(reader->at, word, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static struct msp_value string_read(struct reader *reader)
{
	char quote = *reader->at++;
	char *text = msp_arena_alloc(reader->arena, strlen(reader->at) + 1);
	must(reader, text != NULL && (quote == '\'' || quote == '"'));
	uint32_t size = 0;
	for (; *reader->at != quote; size++) {
		must(reader, *reader->at != '\0');
		text[size] = *reader->at++;
		if (text[size] != '\\')
			continue;
		char code[3] = "";
		must(reader, sscanf(reader->at, "u00%2[0-9a-f]", code) == 1);
		text[size] = (char)strtol(code, NULL, 16);
		reader->at += 5;
	}
	reader->at++;
	return (struct msp_value){.type = MSP_STRING, .count = size, .as.string = text};
}

static struct msp_value number_read(struct reader *reader)
{
	size_t size = strspn(reader->at, "+-.0123456789eE");
	bool whole = strcspn(reader->at, ".eE") >= size;
	must(reader, size > 0);
	struct msp_value value = msp_value_number(strtod(reader->at, NULL));
	if (whole)
		value = msp_value_integer(strtoll(reader->at, NULL, 10));
	reader->at += size;
	return value;
}

static struct msp_value value_next(struct reader *reader);

static struct msp_value array_read(struct reader *reader)
{
	struct msp_value items[MAX_COUNT], array;
	uint32_t count = 0;
	if (!skip(reader, ']')) {
		do {
			must(reader, count < MAX_COUNT);
			items[count++] = value_next(reader);
		} while (skip(reader, ','));
		must(reader, skip(reader, ']'));
	}
	must(reader, msp_value_array(reader->arena, count, &array));
	for (uint32_t i = 0; i < count; i++)
		array.as.items[i] = items[i];
	return array;
}

static struct msp_value object_read(struct reader *reader)
{
	struct msp_member members[MAX_COUNT];
	struct msp_value object;
	uint32_t count = 0;
	if (!skip(reader, '}')) {
		do {
			must(reader, count < MAX_COUNT);
			struct msp_value name = value_next(reader);
			must(reader, name.type == MSP_STRING && skip(reader, ':'));
			members[count].name = name.as.string;
			members[count].name_size = name.count;
			members[count++].value = value_next(reader);
		} while (skip(reader, ','));
		must(reader, skip(reader, '}'));
	}
	must(reader, msp_value_object(reader->arena, count, &object));
	for (uint32_t i = 0; i < count; i++)
		object.as.members[i] = members[i];
	return object;
}

static struct msp_value value_next(struct reader *reader)
{
	while (*reader->at == ' ')
		reader->at++;
	if (skip(reader, '{'))
		return object_read(reader);
	if (skip(reader, '['))
		return array_read(reader);
	if (*reader->at == '\'' || *reader->at == '"')
		return string_read(reader);
	if (skip_word(reader, "b'")) {
		reader->at--;
		struct msp_value binary = string_read(reader);
		binary.type = MSP_BINARY;
		return binary;
	}
	if (skip_word(reader, "null"))
		return msp_value_null();
	if (skip_word(reader, "true"))
		return msp_value_boolean(true);
	if (skip_word(reader, "false"))
		return msp_value_boolean(false);
	return number_read(reader);
}

struct msp_value value_read(const char *text, struct msp_arena *arena)
{
	struct reader reader = {.start = text, .at = text, .arena = arena};
	struct msp_value value = value_next(&reader);
	skip(&reader, ' ');
	must(&reader, *reader.at == '\0');
	return value;
}
