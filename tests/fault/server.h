/* Brokers that this program starts, kills and starts again. Each has a proxy, behind which msp can be put while
 * everybody else comes directly. */
#ifndef FAULT_SERVER_H
#define FAULT_SERVER_H

#include "proxy.h"

struct server;
struct server_cut;

struct server_ops {
	/* As kill -9 does. Safe on one that is down. */
	void (*kill)(struct server *server);
	/* Starts it where it was, with the data that it kept, and waits until it answers. False: it does not. */
	bool (*restart)(struct server *server);
	/* Ends it and removes its folder. */
	void (*free)(struct server *server);
};

struct server {
	const struct server_ops *ops;
	char url[128], proxied_url[128];
	int proxied_port; /* where the proxy leads to */
	struct proxy *proxy;
	struct server_cut *cut;
};

/* Starts one. What it says to clients that come by the proxy is to lead them there again. NULL, and why on stderr: it
 * cannot be started. */
typedef struct server *(*server_start_fn)(int proxy_port);
struct server *server_start_kafka(int proxy_port);
struct server *server_start_redis(int proxy_port);

/* The one server of this program that `start` makes: started when it is first asked for, started again when it is down.
 * Nothing is cut or delayed. NULL: it cannot be started. */
struct server *server_get(server_start_fn start);
enum server_direction { SERVER_CUT_NONE, SERVER_CUT_REQUEST, SERVER_CUT_ANSWER };

/* Cuts a connection that comes by the proxy, as soon as so many more bytes went in the direction. [any thread] */
void server_cut_after(struct server *server, enum server_direction direction, size_t bytes);
/* How many connections were cut. [any thread] */
size_t server_cuts(const struct server *server);
/* Ends all servers. */
void servers_end(void);

#endif
