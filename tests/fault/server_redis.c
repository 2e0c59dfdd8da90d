/* A redis-server that writes everything to disk before it answers. */
#include "server.h"

#include <redis_server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct server_redis {
	struct server base;
	struct redis_server redis;
};

static const struct server_ops SERVER_OPS;

static struct server_redis *server_cast(struct server *server)
{
	return (struct server_redis *)server; /* only ever called through its ops */
}

static void server_kill(struct server *base)
{
	redis_server_kill(&server_cast(base)->redis, SIGKILL);
}

static bool server_restart(struct server *base)
{
	struct redis_server *redis = &server_cast(base)->redis;
	return redis->pid > 0 || redis_server_restart(redis);
}

static void server_free(struct server *base)
{
	redis_server_stop(&server_cast(base)->redis);
	free(base);
}

struct server *server_start_redis(int proxy_port)
{
	static const char *const flags[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
	struct server_redis *server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	if (!redis_server_start(&server->redis, flags)) {
		free(server);
		return NULL;
	}
	server->base.ops = &SERVER_OPS;
	server->base.proxied_port = server->redis.port;
	snprintf(server->base.url, sizeof(server->base.url), "redis://127.0.0.1:%d", server->redis.port);
	snprintf(server->base.proxied_url, sizeof(server->base.proxied_url), "redis://127.0.0.1:%d", proxy_port);
	return &server->base;
}

static const struct server_ops SERVER_OPS = {
    .kill = server_kill,
    .restart = server_restart,
    .free = server_free,
};
