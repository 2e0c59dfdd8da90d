#include "redis_stream.h"

#include "bench.h"

#include <redis_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)1000)

static struct redis_server server;
static redisContext *client;

/* ---- the server ---- */

static void server_end(void)
{
	redisFree(client);
	redis_server_stop(&server);
}

void redis_stream_enter(void)
{
	/* With words of its own it is never the one that MSP_TEST_REDIS names. */
	static const char *const words[] = {"--appendonly", "no", NULL};
	bench_must(redis_server_start(&server, words), "starting redis-server");
	client = redis_client_new(server.port);
	atexit(server_end);
}

const char *redis_stream_url(void)
{
	return server.url;
}

const char *redis_stream_port(void)
{
	static char port[16];
	snprintf(port, sizeof(port), "%d", server.port);
	return port;
}

redisContext *redis_stream_client(void)
{
	return client;
}

/* ---- streams ---- */

/* An empty stream is one from which a group was taken away again. */
static void topic_create(const char *topic)
{
	freeReplyObject(redis_client_ask(client, "DEL %s", topic));
	freeReplyObject(redis_client_ask(client, "XGROUP CREATE %s none 0 MKSTREAM", topic));
	freeReplyObject(redis_client_ask(client, "XGROUP DESTROY %s none", topic));
}

void redis_stream_create(struct stream *stream, const char *name, const char *model)
{
	stream_init(stream, name, model, 1);
	topic_create(stream->inputs);
	topic_create(stream->outputs);
	topic_create(stream->errors);
}

void redis_stream_fill(const struct stream *stream, flower_fn *flower, size_t count)
{
	for (size_t sent = 0; sent < count;) {
		size_t chunk = count - sent < CHUNK ? count - sent : CHUNK;
		for (size_t i = 0; i < chunk; i++) {
			struct msp_bytes value = flower(sent + i);
			bench_must(redisAppendCommand(client, "XADD %s * value %b", stream->inputs, value.data, value.size) ==
			               REDIS_OK,
			           "memory");
		}
		for (size_t i = 0; i < chunk; i++)
			freeReplyObject(redis_client_answer(client, REDIS_REPLY_STRING));
		sent += chunk;
	}
}

const char *redis_stream_rewind(const struct stream *stream)
{
	static char group[96];
	static int groups;
	if (groups > 0)
		freeReplyObject(redis_client_ask(client, "XGROUP DESTROY %s %s", stream->inputs, group));
	snprintf(group, sizeof(group), "%s_%d", stream->prefix, groups++);
	topic_create(stream->outputs);
	freeReplyObject(redis_client_ask(client, "XGROUP CREATE %s %s 0", stream->inputs, group));
	return group;
}

size_t redis_stream_outputs(const struct stream *stream)
{
	redisReply *reply = redis_client_ask(client, "XLEN %s", stream->outputs);
	size_t count = (size_t)reply->integer;
	freeReplyObject(reply);
	return count;
}

/* Milliseconds of the first entry that the command gives. */
static double entry_ms(const char *command, const char *topic, const char *from, const char *to)
{
	redisReply *reply = redis_client_ask(client, "%s %s %s %s COUNT 1", command, topic, from, to);
	bench_must(reply->elements == 1, "answering anything");
	double ms = strtod(reply->element[0]->element[0]->str, NULL);
	freeReplyObject(reply);
	return ms;
}

struct stream_survey redis_stream_survey(const struct stream *stream)
{
	double first_ms = entry_ms("XRANGE", stream->outputs, "-", "+");
	double last_ms = entry_ms("XREVRANGE", stream->outputs, "+", "-");
	return (struct stream_survey){redis_stream_outputs(stream), (last_ms - first_ms) / 1000};
}
