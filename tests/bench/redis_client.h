/* hiredis's blocking client, for benches. Every failure ends the process. */
#ifndef BENCH_REDIS_CLIENT_H
#define BENCH_REDIS_CLIENT_H

#include <hiredis/hiredis.h>

/* Connects to 127.0.0.1. The caller owns it (redisFree). */
redisContext *redis_client_new(int port);
/* The answer to what was appended first; it is of `type`. The caller owns it (freeReplyObject). */
redisReply *redis_client_answer(redisContext *client, int type);
/* The same for a number. */
long long redis_client_number(redisContext *client);
/* Sends what was appended. */
void redis_client_flush(redisContext *client);
/* Sends a command and waits for its answer, which is no error. The caller owns it. */
redisReply *redis_client_ask(redisContext *client, const char *format, ...);

#endif
