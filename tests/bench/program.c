#include "program.h"

#include "bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX    32
#define SETTINGS_MAX 8

/* A command as it grows; its texts are constant until the next one begins. */
static const char *command[WORDS_MAX];
static char texts[SETTINGS_MAX][512];
static size_t word_count, text_count;

static void word_add(const char *word)
{
	bench_must(word_count < WORDS_MAX, "as many words");
	command[word_count++] = word;
}

static void setting_add(const char *key, const char *value)
{
	bench_must(text_count < SETTINGS_MAX, "as many settings");
	char *text = texts[text_count++];
	snprintf(text, sizeof(texts[0]), "%s=%s", key, value);
	word_add("-X");
	word_add(text);
}

const char *const *program_command(const struct program *program)
{
	const char *model = program->model ? program->model : "iris";
	char key[64], workers[16];
	word_count = text_count = 0;
	snprintf(key, sizeof(key), "models.%s.workers", model);
	snprintf(workers, sizeof(workers), "%d", program->workers ? program->workers : 1);
	const char *const begin[] = {bench_program(), "run", "-q", "-b", program->broker};
	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		word_add(begin[i]);
	setting_add("topic.prefix", program->stream->prefix);
	setting_add("consumer.group", program->group);
	setting_add("processing.guarantee", program->guarantee ? program->guarantee : "at_least_once");
	setting_add("codec", program->codec ? program->codec : "json");
	setting_add(key, workers);
	if (program->instance)
		setting_add("instance", program->instance);
	if (program->ready_file) {
		word_add("--ready-file");
		word_add(program->ready_file);
	}
	if (program->exits)
		word_add("-e");
	word_add(model);
	word_add(NULL);
	return command;
}

const char *const *program_floor_command(const struct program_floor *floor)
{
	static char path[PATH_MAX], number[24];
	const char *directory = getenv("MSP_BUILD_DIR");
	bench_must(directory != NULL, "finding MSP_BUILD_DIR in the environment");
	snprintf(path, sizeof(path), "%s/tests/bench/%s", directory, floor->name);
	bench_must(access(path, X_OK) == 0, path);
	snprintf(number, sizeof(number), "%zu", floor->count);
	const char *const words[] = {
	    path,         floor->kind, floor->manner, floor->address, floor->stream->inputs, floor->stream->outputs,
	    floor->group, number,      NULL};
	word_count = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		word_add(words[i]);
	return command;
}
