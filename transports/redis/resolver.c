#include "resolver.h"
#include <errno.h>
#include <msp/thread.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

struct redis_lookup {
	atomic_int references;
	int fd;
	char *host, *port; /* owned */
	char name[128];    /* of the server, for people */
	/* Written by the thread before `ended`. */
	struct redis_addresses addresses;
	int code; /* of getaddrinfo */
	atomic_bool ended;
};

/* ---- addresses ---- */

static int addresses_find(const char *host, const char *port, int flags, struct redis_addresses *addresses)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *all = NULL;
	int code = getaddrinfo(host, port, &hints, &all);
	if (code != 0)
		return code;
	addresses->count = 0;
	for (const struct addrinfo *one = all; one && addresses->count < REDIS_ADDRESSES_MAX; one = one->ai_next) {
		memcpy(&addresses->list[addresses->count], one->ai_addr, one->ai_addrlen);
		addresses->sizes[addresses->count++] = one->ai_addrlen;
	}
	freeaddrinfo(all);
	return 0;
}

static enum msp_status path_find(const struct redis_address *address, struct redis_addresses *addresses,
                                 struct msp_error *err)
{
	struct sockaddr_un *to = (struct sockaddr_un *)&addresses->list[0];
	size_t size = strlen(address->path) + 1;
	if (size > sizeof(to->sun_path))
		return msp_error_set(err, MSP_E_INVALID, "%s: the path is too long for a socket", address->name);
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, address->path, size);
	addresses->sizes[0] = sizeof(*to);
	addresses->count = 1;
	return MSP_OK;
}

/* ---- lookups ---- */

static void lookup_free(struct redis_lookup *lookup)
{
	if (lookup->fd >= 0)
		close(lookup->fd);
	free(lookup->host);
	free(lookup->port);
	free(lookup);
}

void redis_lookup_unref(struct redis_lookup *lookup)
{
	if (lookup && atomic_fetch_sub(&lookup->references, 1) == 1)
		lookup_free(lookup);
}

static struct redis_lookup *lookup_ref(struct redis_lookup *lookup)
{
	atomic_fetch_add(&lookup->references, 1);
	return lookup;
}

static void *lookup_main(void *argument)
{
	struct redis_lookup *lookup = argument;
	uint64_t one = 1;
	lookup->code = addresses_find(lookup->host, lookup->port, 0, &lookup->addresses);
	atomic_store(&lookup->ended, true);
	while (write(lookup->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
	redis_lookup_unref(lookup);
	return NULL;
}

/* With two references: the caller's and the thread's. */
static struct redis_lookup *lookup_new(const struct redis_address *address)
{
	struct redis_lookup *lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return NULL;
	atomic_init(&lookup->references, 2);
	snprintf(lookup->name, sizeof(lookup->name), "%s", address->name);
	lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lookup->host = strdup(address->host);
	lookup->port = strdup(address->port);
	if (lookup->fd >= 0 && lookup->host && lookup->port)
		return lookup;
	lookup_free(lookup);
	return NULL;
}

static enum msp_status lookup_start(const struct redis_address *address, struct redis_lookup **ret_lookup,
                                    struct msp_error *err)
{
	pthread_t thread;
	struct redis_lookup *lookup = lookup_new(address);
	if (!lookup)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory to look up a name");
	enum msp_status status = msp_thread_start(&thread, lookup_main, lookup, err);
	if (status == MSP_OK) {
		pthread_detach(thread);
		*ret_lookup = lookup;
		return MSP_OK;
	}
	lookup_free(lookup);
	return status;
}

int redis_lookup_fd(const struct redis_lookup *lookup)
{
	return lookup->fd;
}

/* ---- the resolver ---- */

void redis_resolver_init(struct redis_resolver *resolver, const struct redis_address *address)
{
	*resolver = (struct redis_resolver){.address = address};
	pthread_mutex_init(&resolver->mutex, NULL);
}

void redis_resolver_done(struct redis_resolver *resolver)
{
	redis_lookup_unref(resolver->lookup);
	pthread_mutex_destroy(&resolver->mutex);
}

enum msp_status redis_resolver_begin(struct redis_resolver *resolver, struct redis_addresses *addresses,
                                     struct redis_lookup **ret_lookup, struct msp_error *err)
{
	const struct redis_address *address = resolver->address;
	enum msp_status status = MSP_OK;
	*ret_lookup = NULL;
	if (address->path)
		return path_find(address, addresses, err);
	if (addresses_find(address->host, address->port, AI_NUMERICHOST | AI_NUMERICSERV, addresses) == 0)
		return MSP_OK;
	pthread_mutex_lock(&resolver->mutex);
	if (!resolver->lookup || atomic_load(&resolver->lookup->ended)) {
		redis_lookup_unref(resolver->lookup);
		resolver->lookup = NULL;
		status = lookup_start(address, &resolver->lookup, err);
	}
	if (status == MSP_OK)
		*ret_lookup = lookup_ref(resolver->lookup);
	pthread_mutex_unlock(&resolver->mutex);
	return status;
}

/* The addresses that are known after this lookup. */
static enum msp_status lookup_learn(struct redis_lookup *lookup, struct redis_addresses *known, struct msp_error *err)
{
	bool has_ended = atomic_load(&lookup->ended);
	if (has_ended && lookup->code == 0)
		*known = lookup->addresses;
	else if (has_ended && lookup->code != EAI_AGAIN)
		known->count = 0;
	if (known->count > 0)
		return MSP_OK;
	return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: %s", lookup->name,
	                     has_ended ? gai_strerror(lookup->code) : "the name service does not answer");
}

enum msp_status redis_resolver_end(struct redis_resolver *resolver, struct redis_lookup *lookup,
                                   struct redis_addresses *addresses, struct msp_error *err)
{
	pthread_mutex_lock(&resolver->mutex);
	enum msp_status status = lookup_learn(lookup, &resolver->known, err);
	*addresses = resolver->known;
	pthread_mutex_unlock(&resolver->mutex);
	redis_lookup_unref(lookup);
	return status;
}

bool redis_resolver_knows(struct redis_resolver *resolver)
{
	pthread_mutex_lock(&resolver->mutex);
	bool knows = resolver->known.count > 0;
	pthread_mutex_unlock(&resolver->mutex);
	return knows;
}
