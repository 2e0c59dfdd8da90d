/* Streams on Kafka, filled and counted. Every failure ends the bench, which has entered its broker. */
#ifndef BENCH_KAFKA_STREAM_H
#define BENCH_KAFKA_STREAM_H

#include "flower.h"
#include "stream.h"

#include <stdint.h>

/* Where the ends of the outputs are. */
struct kafka_ends {
	int64_t offsets[STREAM_PARTITIONS];
};

/* Names the topics of the model and creates them. */
void kafka_stream_create(struct stream *stream, const char *name, const char *model, int partitions);
/* Creates a topic; all results of its kind carry the broker's append time. */
void kafka_topics_create(const char *const *names, size_t count, int partitions);
/* Sends so many inputs without keys, spread over the partitions. */
void kafka_stream_fill(const struct stream *stream, flower_fn *flower, size_t count);
struct kafka_ends kafka_stream_ends(const struct stream *stream);
/* How many offsets the outputs have taken; transactions take some of their own. */
size_t kafka_stream_outputs(const struct stream *stream);
/* Reads what a read-committed reader sees since then. */
struct stream_survey kafka_stream_survey(const struct stream *stream, const struct kafka_ends *since);

#endif
