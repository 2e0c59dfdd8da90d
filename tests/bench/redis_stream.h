/* The Redis server of a bench, and streams on it. Every failure ends the bench, which has entered its directory. */
#ifndef BENCH_REDIS_STREAM_H
#define BENCH_REDIS_STREAM_H

#include "flower.h"
#include "redis_client.h"
#include "stream.h"

/* A server of our own without persistence, stopped at the end of the bench. */
void redis_stream_enter(void);
/* Of that server; constant. */
const char *redis_stream_url(void);
const char *redis_stream_port(void);
/* A client of it, owned here. */
redisContext *redis_stream_client(void);

/* Makes empty streams of the model; entries in them are gone. */
void redis_stream_create(struct stream *stream, const char *name, const char *model);
/* Sends so many inputs. */
void redis_stream_fill(const struct stream *stream, flower_fn *flower, size_t count);
/* Empties the outputs and gives a new group that begins at the first input; constant until the next call. The one
 * before is gone. */
const char *redis_stream_rewind(const struct stream *stream);
/* How many outputs there are. */
size_t redis_stream_outputs(const struct stream *stream);
struct stream_survey redis_stream_survey(const struct stream *stream);

#endif
