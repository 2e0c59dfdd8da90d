#include "redis_probe.h"

#include "bench.h"
#include "redis_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MS 1000 /* at most, so that a reader that waits for nothing ends in time */

struct probe_clients {
	const struct stream *stream;
	redisContext *writer, *reader;
	char last[48];     /* id of the last output that came */
	redisReply *reply; /* owned; outputs that came together */
	size_t next;       /* of them */
};

static void *clients_open(const struct stream *stream)
{
	struct probe_clients *clients = calloc(1, sizeof(*clients));
	bench_must(clients != NULL, "memory");
	int port = atoi(redis_stream_port());
	clients->stream = stream;
	clients->writer = redis_client_new(port);
	clients->reader = redis_client_new(port);
	redisReply *newest = redis_client_ask(clients->reader, "XREVRANGE %s + - COUNT 1", stream->outputs);
	snprintf(clients->last, sizeof(clients->last), "%s",
	         newest->elements ? newest->element[0]->element[0]->str : "0-0");
	freeReplyObject(newest);
	return clients;
}

static void clients_send(void *broker, size_t number, const char *key)
{
	struct probe_clients *clients = broker;
	struct msp_bytes value = flower_json(number);
	freeReplyObject(redis_client_ask(clients->writer, "XADD %s * value %b key %s", clients->stream->inputs, value.data,
	                                 value.size, key));
}

static void key_find(const redisReply *fields, char key[PROBE_KEY_SIZE])
{
	key[0] = '\0';
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (strcmp(fields->element[i]->str, "key") == 0)
			snprintf(key, PROBE_KEY_SIZE, "%s", fields->element[i + 1]->str);
}

static bool outputs_await(struct probe_clients *clients, int timeout_ms)
{
	if (clients->reply)
		freeReplyObject(clients->reply);
	/* 0 would be for ever. */
	int block_ms = timeout_ms < 1 ? 1 : timeout_ms < BLOCK_MS ? timeout_ms : BLOCK_MS;
	clients->reply = redis_client_ask(clients->reader, "XREAD BLOCK %d STREAMS %s %s", block_ms,
	                                  clients->stream->outputs, clients->last);
	clients->next = 0;
	return clients->reply->type == REDIS_REPLY_ARRAY;
}

static const redisReply *outputs_of(const redisReply *reply)
{
	return reply && reply->type == REDIS_REPLY_ARRAY ? reply->element[0]->element[1] : NULL;
}

static bool clients_receive(void *broker, int timeout_ms, char key[PROBE_KEY_SIZE], int *ret_partition)
{
	struct probe_clients *clients = broker;
	const redisReply *outputs = outputs_of(clients->reply);
	if ((!outputs || clients->next == outputs->elements) && !outputs_await(clients, timeout_ms))
		return false;
	const redisReply *output = outputs_of(clients->reply)->element[clients->next++];
	snprintf(clients->last, sizeof(clients->last), "%s", output->element[0]->str);
	key_find(output->element[1], key);
	*ret_partition = 0;
	return true;
}

static void clients_close(void *broker)
{
	struct probe_clients *clients = broker;
	if (clients->reply)
		freeReplyObject(clients->reply);
	redisFree(clients->reader);
	redisFree(clients->writer);
	free(clients);
}

const struct probe_ops redis_probe = {clients_open, clients_send, clients_receive, clients_close};
