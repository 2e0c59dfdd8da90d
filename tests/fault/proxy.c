#include "proxy.h"

#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <msp/clock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX    256
#define CHUNK_SIZE   65536
#define WAITING_MAX  (4 * 1024 * 1024) /* bytes of one direction that are on their way */
#define POLL_MAX_MS  50
#define LISTEN_QUEUE 64

/* Bytes on their way. */
struct parcel {
	struct parcel *next;
	int64_t due_ms;
	size_t size, sent;
	char bytes[];
};

/* One direction of a connection. */
struct lane {
	struct parcel *first, **end;
	int64_t due_ms; /* of the last parcel: none overtakes it */
	size_t waiting; /* bytes */
	bool has_ended; /* nothing follows; when all is delivered, the connection is closed */
};

enum side { CLIENT, SERVER, SIDES };

/* A connection of a client, and ours to the server. */
struct link {
	int fds[SIDES];
	struct lane from[SIDES];
	int mark;
	bool is_closed;
};

struct proxy {
	proxy_filter_fn filter;
	void *context;
	int listener, port;
	struct link *links[LINKS_MAX]; /* owned */
	size_t count;
	uint64_t random;
	atomic_int target, delay_min_ms, delay_max_ms;
	atomic_bool stop;
	pthread_t thread;
};

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

/* ---- lanes ---- */

static void lane_clear(struct lane *lane)
{
	while (lane->first) {
		struct parcel *parcel = lane->first;
		lane->first = parcel->next;
		free(parcel);
	}
}

static void lane_push(struct lane *lane, const char *bytes, size_t size, int64_t due_ms)
{
	struct parcel *parcel = malloc(sizeof(*parcel) + size);
	if (!parcel)
		abort();
	lane->due_ms = due_ms > lane->due_ms ? due_ms : lane->due_ms;
	*parcel = (struct parcel){.due_ms = lane->due_ms, .size = size};
	memcpy(parcel->bytes, bytes, size);
	*lane->end = parcel;
	lane->end = &parcel->next;
	lane->waiting += size;
}

/* Sends what is due, as far as the other side takes it. False: it is gone. */
static bool lane_send(struct lane *lane, int fd)
{
	int64_t now_ms = msp_monotonic_ms();
	while (lane->first && lane->first->due_ms <= now_ms) {
		struct parcel *parcel = lane->first;
		ssize_t sent = send(fd, parcel->bytes + parcel->sent, parcel->size - parcel->sent, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		parcel->sent += (size_t)sent;
		lane->waiting -= (size_t)sent;
		if (parcel->sent < parcel->size)
			return true;
		lane->first = parcel->next;
		if (!lane->first)
			lane->end = &lane->first;
		free(parcel);
	}
	return true;
}

/* ---- links ---- */

static void link_free(struct link *link)
{
	for (int side = 0; side < SIDES; side++) {
		lane_clear(&link->from[side]);
		if (link->fds[side] >= 0)
			close(link->fds[side]);
	}
	free(link);
}

static void link_open(struct proxy *proxy)
{
	int target = atomic_load(&proxy->target);
	struct sockaddr_in address = loopback(target);
	struct link *link = calloc(1, sizeof(*link));
	if (!link)
		abort();
	link->fds[CLIENT] = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
	link->fds[SERVER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool open = target != 0 && proxy->count < LINKS_MAX && link->fds[CLIENT] >= 0 && link->fds[SERVER] >= 0 &&
	            connect(link->fds[SERVER], (struct sockaddr *)&address, sizeof(address)) == 0;
	for (int side = 0; open && side < SIDES; side++) {
		link->from[side].end = &link->from[side].first;
		fcntl(link->fds[side], F_SETFL, O_NONBLOCK);
		setsockopt(link->fds[side], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	}
	if (open)
		proxy->links[proxy->count++] = link;
	else
		link_free(link);
}

static int delay_choose(struct proxy *proxy)
{
	int min_ms = atomic_load(&proxy->delay_min_ms), max_ms = atomic_load(&proxy->delay_max_ms);
	return min_ms + (int)random_below(&proxy->random, (size_t)(max_ms - min_ms) + 1);
}

/* Takes what has come from one side. */
static void link_receive(struct proxy *proxy, struct link *link, enum side side)
{
	static char bytes[CHUNK_SIZE];
	ssize_t size = recv(link->fds[side], bytes, sizeof(bytes), 0);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	struct proxy_chunk chunk = {side == CLIENT, bytes, size > 0 ? (size_t)size : 0, &link->mark};
	size_t passed = proxy->filter && size > 0 ? proxy->filter(proxy->context, &chunk) : chunk.size;
	if (passed > 0)
		lane_push(&link->from[side], bytes, passed, msp_monotonic_ms() + delay_choose(proxy));
	link->from[side].has_ended = size <= 0 || passed < chunk.size;
}

static void link_serve(struct proxy *proxy, struct link *link, const struct pollfd fds[SIDES])
{
	for (int side = 0; side < SIDES; side++)
		if ((fds[side].revents & (POLLIN | POLLHUP | POLLERR)) && !link->from[side].has_ended)
			link_receive(proxy, link, (enum side)side);
	for (int side = 0; side < SIDES; side++) {
		struct lane *lane = &link->from[side];
		link->is_closed |= !lane_send(lane, link->fds[SIDES - 1 - side]) || (lane->has_ended && !lane->first);
	}
}

/* ---- the thread ---- */

/* Waits to read where there is room, to write where something is due; returns for how long at most. */
static int link_watch(const struct link *link, struct pollfd fds[SIDES], int64_t now_ms)
{
	int64_t wait_ms = POLL_MAX_MS;
	for (int side = 0; side < SIDES; side++) {
		bool takes = link->from[side].waiting < WAITING_MAX && !link->from[side].has_ended;
		fds[side] = (struct pollfd){.fd = -1, .events = takes ? POLLIN : 0};
	}
	for (int side = 0; side < SIDES; side++) {
		const struct parcel *first = link->from[side].first;
		if (first && first->due_ms <= now_ms)
			fds[SIDES - 1 - side].events |= POLLOUT;
		else if (first && first->due_ms - now_ms < wait_ms)
			wait_ms = first->due_ms - now_ms;
	}
	/* One of which nothing is wanted is not watched: poll reports its end in any case. */
	for (int side = 0; side < SIDES; side++)
		fds[side].fd = fds[side].events ? link->fds[side] : -1;
	return (int)wait_ms;
}

static void links_sweep(struct proxy *proxy)
{
	size_t kept = 0;
	for (size_t i = 0; i < proxy->count; i++) {
		if (proxy->links[i]->is_closed)
			link_free(proxy->links[i]);
		else
			proxy->links[kept++] = proxy->links[i];
	}
	proxy->count = kept;
}

static void *proxy_main(void *argument)
{
	struct proxy *proxy = argument;
	while (!atomic_load(&proxy->stop)) {
		struct pollfd fds[1 + SIDES * LINKS_MAX] = {{.fd = proxy->listener, .events = POLLIN}};
		int64_t now_ms = msp_monotonic_ms();
		size_t count = proxy->count;
		int wait_ms = POLL_MAX_MS;
		for (size_t i = 0; i < count; i++) {
			int link_ms = link_watch(proxy->links[i], &fds[1 + SIDES * i], now_ms);
			wait_ms = link_ms < wait_ms ? link_ms : wait_ms;
		}
		poll(fds, 1 + SIDES * count, wait_ms);
		for (size_t i = 0; i < count; i++)
			link_serve(proxy, proxy->links[i], &fds[1 + SIDES * i]);
		links_sweep(proxy);
		if (fds[0].revents)
			link_open(proxy);
	}
	return NULL;
}

/* ---- the proxy's life ---- */

static bool listener_open(struct proxy *proxy)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (proxy->listener < 0 || bind(proxy->listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(proxy->listener, LISTEN_QUEUE) < 0 ||
	    getsockname(proxy->listener, (struct sockaddr *)&address, &size) < 0)
		return false;
	proxy->port = ntohs(address.sin_port);
	return true;
}

struct proxy *proxy_new(proxy_filter_fn filter, void *context)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	if (!proxy)
		return NULL;
	proxy->filter = filter;
	proxy->context = context;
	if (listener_open(proxy) && pthread_create(&proxy->thread, NULL, proxy_main, proxy) == 0)
		return proxy;
	if (proxy->listener >= 0)
		close(proxy->listener);
	free(proxy);
	return NULL;
}

int proxy_port(const struct proxy *proxy)
{
	return proxy->port;
}

void proxy_set_target(struct proxy *proxy, int port)
{
	atomic_store(&proxy->target, port);
}

void proxy_set_delay(struct proxy *proxy, int min_ms, int max_ms)
{
	atomic_store(&proxy->delay_min_ms, min_ms);
	atomic_store(&proxy->delay_max_ms, max_ms);
}

void proxy_free(struct proxy *proxy)
{
	if (!proxy)
		return;
	atomic_store(&proxy->stop, true);
	pthread_join(proxy->thread, NULL);
	for (size_t i = 0; i < proxy->count; i++)
		link_free(proxy->links[i]);
	close(proxy->listener);
	free(proxy);
}
