#include "stream.h"

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void stream_init(struct stream *stream, const char *name, const char *model, int partitions)
{
	bench_must(partitions <= STREAM_PARTITIONS, "as many partitions");
	stream->partitions = partitions;
	snprintf(stream->prefix, sizeof(stream->prefix), "bench_%d_%s", (int)getpid(), name);
	snprintf(stream->inputs, sizeof(stream->inputs), "%s.%s.inputs", stream->prefix, model);
	snprintf(stream->outputs, sizeof(stream->outputs), "%s.%s.outputs", stream->prefix, model);
	snprintf(stream->errors, sizeof(stream->errors), "%s.%s.errors", stream->prefix, model);
}

size_t stream_backlog(size_t messages)
{
	const char *text = getenv("MSP_BENCH_MESSAGES");
	size_t count = text ? strtoull(text, NULL, 10) : messages;
	bench_must(count > 0, "reading MSP_BENCH_MESSAGES");
	return count;
}
