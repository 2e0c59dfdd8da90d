/* A TCP proxy on loopback which spoils connections: it cuts them where a filter says, and delays what they carry. */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>
#include <stddef.h>

struct proxy;

/* What came from one side of a connection. */
struct proxy_chunk {
	bool from_client;
	const char *bytes;
	size_t size;
	int *mark; /* the filter's own note about this connection, 0 at first */
};

/* How many bytes of the chunk go on; fewer than there are: then the connection is cut, on both sides. [proxy's thread]
 */
typedef size_t (*proxy_filter_fn)(void *context, const struct proxy_chunk *chunk);

/* Listens, and takes connections once it has a target. `filter` may be NULL. NULL: no memory, port or thread. */
struct proxy *proxy_new(proxy_filter_fn filter, void *context);
int proxy_port(const struct proxy *proxy);
/* [any thread] The port of 127.0.0.1 that new connections lead to; 0: they are closed at once. */
void proxy_set_target(struct proxy *proxy, int port);
/* [any thread] Each chunk waits for min_ms … max_ms, in each direction; 0, 0: none. */
void proxy_set_delay(struct proxy *proxy, int min_ms, int max_ms);
/* Cuts all connections and ends the thread. */
void proxy_free(struct proxy *proxy);

#endif
