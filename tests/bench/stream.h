/* Streams for benches: the topics of one model under a prefix of their own. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stddef.h>

#define STREAM_PARTITIONS 4 /* at most */

struct stream {
	char prefix[64]; /* topic.prefix of msp */
	char inputs[128], outputs[128], errors[128];
	int partitions; /* 1 where a broker has none */
};

/* What stands in the outputs. */
struct stream_survey {
	size_t count;
	double seconds; /* from the first to the last, by the time at which the broker appended them */
};

/* Names the topics of `model` ("iris_model.0.1") under a prefix that no other bench has. */
void stream_init(struct stream *stream, const char *name, const char *model, int partitions);

/* The size of a backlog: from MSP_BENCH_MESSAGES, or as said here. */
size_t stream_backlog(size_t messages);

#endif
