/* The YAML of configuration files: nested mappings of scalars, nothing else. Nested mappings and dotted keys mean the
 * same; what YAML would make of an unquoted word (on, no, 1e3) is left to the option tables. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#define MAX_DEPTH     16
#define MAX_KEY_BYTES 1024

struct seen_key {
	char *key; /* dotted path */
	int line;
};

struct reader {
	struct config *config;
	yaml_parser_t parser;
	FILE *file;
	const char *path;
	const char *name; /* path, owned by the configuration */
	enum config_layer layer;
	struct msp_buffer key; /* dotted path of the current mapping, with a dot at its end */
	int depth;
	size_t keys; /* read so far */
	/* The keys of the current mapping, behind those of the mappings around it. */
	struct seen_key *seen;
	size_t seen_count;
};

static struct config_origin origin_at(const struct reader *reader, const yaml_mark_t *mark)
{
	return (struct config_origin){reader->layer, reader->name, (int)mark->line + 1, (int)mark->column + 1};
}

static void problem_at(struct reader *reader, const yaml_mark_t *mark, const char *text)
{
	struct config_origin origin = origin_at(reader, mark);
	config_problem(reader->config, &origin, "%s", text);
}

/* libyaml says of what is no text only how many bytes come before it. A pipe cannot be read again to count lines. */
static struct config_origin origin_at_offset(const struct reader *reader, size_t offset)
{
	struct config_origin origin = {reader->layer, reader->name, 1, 1};
	if (fseek(reader->file, 0, SEEK_SET) != 0)
		return (struct config_origin){.layer = reader->layer, .name = reader->name};
	for (int c; offset > 0 && (c = getc(reader->file)) != EOF; offset--) {
		origin.line += c == '\n';
		origin.column = c == '\n' ? 1 : origin.column + 1;
	}
	return origin;
}

static void parser_problem(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct config_origin origin = parser->error == YAML_READER_ERROR ? origin_at_offset(reader, parser->problem_offset)
	                                                                 : origin_at(reader, &parser->problem_mark);
	if (parser->error == YAML_MEMORY_ERROR)
		reader->config->no_memory = true;
	else if (parser->error == YAML_READER_ERROR)
		config_problem(reader->config, &origin, "cannot be read as UTF-8 text: %s", parser->problem);
	else if (parser->buffer.pointer < parser->buffer.last && *parser->buffer.pointer == '\t')
		config_problem(reader->config, &origin, "a tab; indent with spaces, since YAML takes no tabs there");
	else
		config_problem(reader->config, &origin, "not YAML: %s%s%s", parser->context ? parser->context : "",
		               parser->context ? ", " : "", parser->problem ? parser->problem : "syntax error");
}

/* The next event, which the caller deletes. False after a mistake that ends the file. */
static bool event_next(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return true;
	parser_problem(reader);
	return false;
}

/* What configuration does not use. NULL when the event is fine. */
static const char *event_refusal(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "YAML aliases are not used here; write the value out, or use ${NAME}";
	case YAML_SEQUENCE_START_EVENT:
		return "a list is not expected here";
	case YAML_SCALAR_EVENT:
		if (event->data.scalar.tag)
			return "YAML tags are not used here";
		if (event->data.scalar.anchor)
			return "YAML anchors are not used here";
		return strlen((const char *)event->data.scalar.value) == event->data.scalar.length
		           ? NULL
		           : "the value holds a NUL character";
	case YAML_MAPPING_START_EVENT:
		if (event->data.mapping_start.tag)
			return "YAML tags are not used here";
		return event->data.mapping_start.anchor ? "YAML anchors are not used here" : NULL;
	default:
		return NULL;
	}
}

static void value_set(struct reader *reader, const yaml_event_t *event, const struct config_origin *origin)
{
	const char *text = (const char *)event->data.scalar.value;
	bool absent = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !*text;
	if (absent)
		config_set(reader->config, reader->key.data, NULL, origin);
	else
		config_set_text(reader->config, reader->key.data, text, reader->path, origin);
}

/* Skips values up to the end of `depth` sequences and mappings whose starts were read; one value for none. */
static bool values_skip(struct reader *reader, int depth)
{
	do {
		yaml_event_t event;
		if (!event_next(reader, &event))
			return false;
		if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT)
			depth++;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
			depth--;
		yaml_event_delete(&event);
	} while (depth > 0);
	return true;
}

static bool mapping_read(struct reader *reader);

/* A mapping under the current key; an empty one still names the key. */
static bool nested_read(struct reader *reader, const struct config_origin *origin)
{
	size_t keys = reader->keys, size = reader->key.size;
	reader->key.data[size - 1] = '.'; /* in place of the NUL */
	bool ok = ++reader->depth < MAX_DEPTH && mapping_read(reader);
	if (reader->depth-- == MAX_DEPTH)
		config_problem(reader->config, origin, "mappings are nested too deep");
	reader->key.size = size;
	reader->key.data[size - 1] = 0;
	if (ok && reader->keys == keys)
		config_set(reader->config, reader->key.data, NULL, origin);
	return ok;
}

/* The value of the key in reader->key (with its NUL). False ends the file. */
static bool value_read(struct reader *reader, const struct config_origin *origin)
{
	yaml_event_t event;
	if (!event_next(reader, &event))
		return false;
	const char *refusal = event_refusal(&event);
	bool ok = true;
	if (event.type == YAML_SEQUENCE_START_EVENT && !strcmp(reader->key.data, "models"))
		refusal = "a list is not expected here; models are labels with a colon, as in \"iris:\", one per line";
	if (refusal)
		problem_at(reader, &event.start_mark, refusal);
	if (event.type == YAML_SEQUENCE_START_EVENT)
		ok = values_skip(reader, 1);
	else if (event.type == YAML_MAPPING_START_EVENT)
		ok = nested_read(reader, origin);
	else if (!refusal)
		value_set(reader, &event, origin);
	yaml_event_delete(&event);
	return ok;
}

/* The key of `event` behind the current path, with a NUL. */
static bool key_append(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	if (event->type != YAML_SCALAR_EVENT || !*text || event_refusal(event)) {
		problem_at(reader, &event->start_mark, "expected a key, which is a plain word");
		return false;
	}
	if (msp_buffer_append(&reader->key, text, strlen(text) + 1) == MSP_OK)
		return true;
	problem_at(reader, &event->start_mark, "the key is too long");
	return false;
}

/* Forgets the keys from `first` on. */
static void seen_forget(struct reader *reader, size_t first)
{
	while (reader->seen_count > first)
		free(reader->seen[--reader->seen_count].key);
}

/* The line of the key in reader->key within the mapping whose keys begin at `first`, or 0. */
static int seen_line(const struct reader *reader, size_t first)
{
	for (size_t i = first; i < reader->seen_count; i++)
		if (!strcmp(reader->seen[i].key, reader->key.data))
			return reader->seen[i].line;
	return 0;
}

static bool seen_add(struct reader *reader, int line)
{
	struct seen_key *seen = realloc(reader->seen, (reader->seen_count + 1) * sizeof(*seen));
	char *key = strdup(reader->key.data);
	if (seen)
		reader->seen = seen;
	if (!seen || !key) {
		free(key);
		reader->config->no_memory = true;
		return false;
	}
	seen[reader->seen_count].key = key;
	seen[reader->seen_count++].line = line;
	return true;
}

/* The key of `event` and its value, in the mapping whose keys begin at `first`. False ends the file. */
static bool pair_read(struct reader *reader, const yaml_event_t *event, size_t first)
{
	struct config_origin origin = origin_at(reader, &event->start_mark);
	reader->keys++;
	if (!key_append(reader, event))
		return false;
	int line = seen_line(reader, first);
	if (!line)
		return seen_add(reader, origin.line) && value_read(reader, &origin);
	config_refuse_duplicate(reader->config, &origin, reader->key.data, line);
	return values_skip(reader, 0);
}

/* Key and value pairs up to the end of the mapping. */
static bool mapping_read(struct reader *reader)
{
	size_t size = reader->key.size, first = reader->seen_count;
	for (bool ok = true; ok;) {
		yaml_event_t event;
		if (!event_next(reader, &event))
			return false;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			seen_forget(reader, first);
			return true;
		}
		ok = pair_read(reader, &event, first);
		reader->key.size = size;
		yaml_event_delete(&event);
	}
	return false;
}

/* The root of the document: a mapping, or nothing at all. */
static bool root_read(struct reader *reader, const yaml_event_t *event)
{
	if (event->type == YAML_MAPPING_START_EVENT && !event_refusal(event))
		return mapping_read(reader);
	if (event->type == YAML_SCALAR_EVENT && !*event->data.scalar.value)
		return true;
	problem_at(reader, &event->start_mark, "expected keys and values, as in \"broker: sqlite:msp.db\"");
	return false;
}

static void stream_read(struct reader *reader)
{
	int documents = 0;
	bool ended = false;
	while (!ended) {
		yaml_event_t event;
		if (!event_next(reader, &event))
			return;
		ended = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
			problem_at(reader, &event.start_mark, "only one YAML document is expected");
			ended = true;
		} else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT &&
		           event.type != YAML_DOCUMENT_END_EVENT && !ended) {
			ended = !root_read(reader, &event);
		}
		yaml_event_delete(&event);
	}
}

static void file_read(struct config *config, FILE *file, const char *path, enum config_layer layer)
{
	struct reader reader = {
	    .config = config, .file = file, .path = path, .name = config_name(config, path), .layer = layer};
	if (!reader.name || !yaml_parser_initialize(&reader.parser)) {
		config->no_memory = true;
		return;
	}
	msp_buffer_init(&reader.key, MAX_KEY_BYTES);
	yaml_parser_set_input_file(&reader.parser, file);
	stream_read(&reader);
	yaml_parser_delete(&reader.parser);
	msp_buffer_done(&reader.key);
	seen_forget(&reader, 0);
	free(reader.seen);
}

static FILE *regular_open(const char *path, const char **ret_why)
{
	int fd = config_open(path, ret_why);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

void config_read_file(struct config *config, const char *path, enum config_layer layer, bool required)
{
	const char *why = NULL;
	FILE *file = regular_open(path, &why);
	if (file) {
		file_read(config, file, path, layer);
		fclose(file);
		return;
	}
	if (errno == ENOENT && !required)
		return;
	struct config_origin origin = {.layer = layer, .name = config_name(config, path)};
	if (!why)
		why = *path ? strerror(errno) : "the path of the configuration file is empty";
	config_problem(config, &origin, "%s", why);
}
