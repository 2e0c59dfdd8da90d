#include "kafka_program.h"

#include "bench.h"
#include "kafka_broker.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *guarantee_of(const struct kafka_program *program)
{
	return program->guarantee ? program->guarantee : "at_least_once";
}

static char texts[8][512];
static const char *command[KAFKA_PROGRAM_MAX];

/* Two arguments: a flag, and a text of its own for what it says. */
static size_t command_add(size_t count, size_t text, const char *key, const char *value)
{
	snprintf(texts[text], sizeof(texts[text]), "%s=%s", key, value);
	command[count++] = "-X";
	command[count++] = texts[text];
	return count;
}

const char *const *kafka_program_command(const struct kafka_program *program)
{
	size_t count = 0;
	char workers[16];
	snprintf(workers, sizeof(workers), "%d", program->workers ? program->workers : 1);
	snprintf(texts[0], sizeof(texts[0]), "kafka://%s", kafka_broker_address());
	const char *const begin[] = {bench_program(), "run", "-q", "-b", texts[0]};
	for (; count < sizeof(begin) / sizeof(begin[0]); count++)
		command[count] = begin[count];
	count = command_add(count, 1, "topic.prefix", program->stream->prefix);
	count = command_add(count, 2, "consumer.group", program->group);
	count = command_add(count, 3, "processing.guarantee", guarantee_of(program));
	count = command_add(count, 4, "models.iris.workers", workers);
	if (program->instance)
		count = command_add(count, 5, "instance", program->instance);
	if (program->ready_file) {
		command[count++] = "--ready-file";
		command[count++] = program->ready_file;
	}
	if (program->exits)
		command[count++] = "-e";
	command[count++] = "iris";
	command[count] = NULL;
	return command;
}

const char *const *kafka_floor_command(const char *floor, const struct kafka_program *program, size_t count)
{
	static char path[PATH_MAX], number[24];
	const char *directory = getenv("MSP_BUILD_DIR");
	bench_must(directory != NULL, "finding MSP_BUILD_DIR in the environment");
	snprintf(path, sizeof(path), "%s/tests/bench/kafka_floor", directory);
	bench_must(access(path, X_OK) == 0, path);
	snprintf(number, sizeof(number), "%zu", count);
	const char *const all[] = {path,
	                           floor,
	                           guarantee_of(program),
	                           kafka_broker_address(),
	                           program->stream->inputs,
	                           program->stream->outputs,
	                           program->group,
	                           number,
	                           NULL};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		command[i] = all[i];
	return command;
}
