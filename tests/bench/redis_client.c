#include "redis_client.h"

#include "bench.h"

#include <stdarg.h>
#include <stdio.h>

redisContext *redis_client_new(int port)
{
	redisContext *client = redisConnect("127.0.0.1", port);
	bench_must(client && client->err == 0, client ? client->errstr : "memory");
	client->reader->maxbuf = 0; /* the buffer of a large answer is kept for the next */
	return client;
}

static redisReply *answer_take(redisContext *client)
{
	void *reply = NULL;
	bench_must(redisGetReply(client, &reply) == REDIS_OK && reply, client->errstr);
	return reply;
}

redisReply *redis_client_answer(redisContext *client, int type)
{
	redisReply *reply = answer_take(client);
	bench_must(reply->type == type, reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another type");
	return reply;
}

long long redis_client_number(redisContext *client)
{
	redisReply *reply = redis_client_answer(client, REDIS_REPLY_INTEGER);
	long long number = reply->integer;
	freeReplyObject(reply);
	return number;
}

void redis_client_flush(redisContext *client)
{
	int done = 0;
	while (!done)
		bench_must(redisBufferWrite(client, &done) == REDIS_OK, client->errstr);
}

redisReply *redis_client_ask(redisContext *client, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int status = redisvAppendCommand(client, format, arguments);
	va_end(arguments);
	bench_must(status == REDIS_OK, format);
	redisReply *reply = answer_take(client);
	if (reply->type == REDIS_REPLY_ERROR)
		fprintf(stderr, "bench: %s\n", reply->str);
	bench_must(reply->type != REDIS_REPLY_ERROR, format);
	return reply;
}
