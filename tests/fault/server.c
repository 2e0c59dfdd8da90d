#include "server.h"

#include <assert.h>
#include <stdatomic.h>

#define SERVERS_MAX 4

/* Where the next connection is cut: after so many bytes in one direction. */
struct server_cut {
	atomic_int direction; /* enum server_direction */
	atomic_size_t bytes;
	atomic_size_t strikes;
};

static struct place {
	server_start_fn start;
	struct server *server; /* owned, as is its proxy */
	struct server_cut cut;
} places[SERVERS_MAX + 1]; /* the last one ends the search */

/* The rest of the bytes belongs to whichever connection comes first, which is a matter of chance. [proxy's thread] */
static size_t chunk_cut(void *context, const struct proxy_chunk *chunk)
{
	struct server_cut *cut = context;
	int direction = chunk->from_client ? SERVER_CUT_REQUEST : SERVER_CUT_ANSWER;
	if (atomic_load(&cut->direction) != direction)
		return chunk->size;
	size_t bytes = atomic_load(&cut->bytes);
	if (bytes >= chunk->size) {
		atomic_store(&cut->bytes, bytes - chunk->size);
		return chunk->size;
	}
	atomic_store(&cut->direction, SERVER_CUT_NONE);
	atomic_fetch_add(&cut->strikes, 1);
	return bytes;
}

static struct place *place_of(server_start_fn start)
{
	size_t i = 0;
	while (places[i].start && places[i].start != start)
		i++;
	assert(i < SERVERS_MAX);
	places[i].start = start;
	return &places[i];
}

static void place_fill(struct place *place)
{
	struct proxy *proxy = proxy_new(chunk_cut, &place->cut);
	if (!proxy)
		return;
	place->server = place->start(proxy_port(proxy));
	if (!place->server) {
		proxy_free(proxy);
		return;
	}
	place->server->proxy = proxy;
	place->server->cut = &place->cut;
	proxy_set_target(proxy, place->server->proxied_port);
}

struct server *server_get(server_start_fn start)
{
	struct place *place = place_of(start);
	if (!place->server) {
		place_fill(place);
		return place->server;
	}
	proxy_set_delay(place->server->proxy, 0, 0);
	atomic_store(&place->cut.direction, SERVER_CUT_NONE);
	return place->server->ops->restart(place->server) ? place->server : NULL;
}

void server_cut_after(struct server *server, enum server_direction direction, size_t bytes)
{
	atomic_store(&server->cut->bytes, bytes);
	atomic_store(&server->cut->direction, direction);
}

size_t server_cuts(const struct server *server)
{
	return atomic_load(&server->cut->strikes);
}

void servers_end(void)
{
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		struct server *server = places[i].server;
		if (!server)
			continue;
		proxy_free(server->proxy);
		server->ops->free(server);
		places[i].server = NULL;
	}
}
