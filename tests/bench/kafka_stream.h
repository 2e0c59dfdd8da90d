/* Streams for benches: the topics of one model under a prefix of their own, filled and counted. Every failure ends the
 * bench, which has entered its broker. */
#ifndef BENCH_KAFKA_STREAM_H
#define BENCH_KAFKA_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define KAFKA_STREAM_PARTITIONS 4 /* at most */

struct kafka_stream {
	char prefix[64]; /* topic.prefix of msp */
	char inputs[128], outputs[128], errors[128];
	int partitions;
};

/* Where the ends of the outputs are. */
struct kafka_ends {
	int64_t offsets[KAFKA_STREAM_PARTITIONS];
};

/* What stands in the outputs since then. */
struct kafka_survey {
	size_t count;
	double seconds; /* from the first to the last, by the time at which the broker appended them */
};

/* Creates the topics of `model` ("iris_model.0.1") under a prefix that no other bench has. */
void kafka_stream_create(struct kafka_stream *stream, const char *name, const char *model, int partitions);
/* Creates a topic; all results of its kind carry the broker's append time. */
void kafka_topics_create(const char *const *names, size_t count, int partitions);
/* Sends so many iris inputs without keys, spread over the partitions. */
void kafka_stream_fill(const struct kafka_stream *stream, size_t count);
struct kafka_ends kafka_stream_ends(const struct kafka_stream *stream);
/* How many offsets the outputs have grown by; transactions take some of their own. */
int64_t kafka_stream_growth(const struct kafka_stream *stream, const struct kafka_ends *since);
/* Reads what a read-committed reader sees. */
struct kafka_survey kafka_stream_survey(const struct kafka_stream *stream, const struct kafka_ends *since);

/* One of many flowers, as JSON; constant. */
const char *kafka_flower(size_t number);

#endif
