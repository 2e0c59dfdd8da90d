/* The resolver: finds the addresses of a server without anybody waiting for the system's name service. A name is looked
 * up by a thread, one per transport at a time; whoever needs the answer polls for it. */
#ifndef REDIS_RESOLVER_H
#define REDIS_RESOLVER_H

#include "address.h"
#include <pthread.h>
#include <sys/socket.h>

#define REDIS_ADDRESSES_MAX 8

/* Of one server, in the order in which to try them. */
struct redis_addresses {
	size_t count;
	struct sockaddr_storage list[REDIS_ADDRESSES_MAX];
	socklen_t sizes[REDIS_ADDRESSES_MAX];
};

struct redis_lookup;

struct redis_resolver {
	const struct redis_address *address; /* borrowed until done */
	pthread_mutex_t mutex;               /* of what follows; nobody waits while holding it */
	struct redis_lookup *lookup;         /* the last one, or NULL */
	struct redis_addresses known;        /* what the last one that was answered has found */
};

void redis_resolver_init(struct redis_resolver *resolver, const struct redis_address *address);
/* Does not wait: the C library cannot be told to end a lookup, so its thread ends with the answer and touches nothing
 * but the lookup, which is its own. */
void redis_resolver_done(struct redis_resolver *resolver);

/* Fills the addresses of a path or of a number and sets *ret_lookup to NULL; for a name, begins a lookup or joins the
 * one that is under way. [any thread] */
enum msp_status redis_resolver_begin(struct redis_resolver *resolver, struct redis_addresses *addresses,
                                     struct redis_lookup **ret_lookup, struct msp_error *err) MSP_NODISCARD;

/* Becomes readable when the lookup has ended. */
int redis_lookup_fd(const struct redis_lookup *lookup);
/* Ends the wait for a lookup. Fills the addresses; those that were found before when it has no answer, or none yet.
 * Takes the lookup. [any thread] */
enum msp_status redis_resolver_end(struct redis_resolver *resolver, struct redis_lookup *lookup,
                                   struct redis_addresses *addresses, struct msp_error *err) MSP_NODISCARD;
/* Whether there are addresses that were found before. [any thread] */
bool redis_resolver_knows(struct redis_resolver *resolver);
/* Gives up waiting; takes the lookup, which may be NULL. */
void redis_lookup_unref(struct redis_lookup *lookup);

#endif
