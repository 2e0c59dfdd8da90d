/* A lease: the sign of life of one consumer, a key that expires. It also holds the consumer's name: whoever has the
 * lease of a name is the only consumer of that name. Entries are taken over only from consumers whose lease has ended
 * or says that they left or died. */
#ifndef RDS_LEASE_H
#define RDS_LEASE_H

#include "server.h"
#include <msp/process.h>
#include <stdatomic.h>

#define RDS_TOKEN_SIZE 160

struct rds_lease {
	struct rds_lease *next; /* of the keeper */
	char *inputs;           /* owned, like the next two */
	char *consumer;         /* name of the consumer in its group */
	char *key;
	char token[RDS_TOKEN_SIZE]; /* the key's value: the process, and which of its leases */
	bool is_instance;           /* the name is not just the first that was free */
	bool is_held;               /* it was taken */
	atomic_bool is_lost;        /* another process has it: we were away for too long */
};

struct rds_lease_config {
	const char *inputs, *group;
	const char *instance; /* or NULL: the first name that is free */
	int slot;
	unsigned transport; /* which of the process's; it has one lease per instance and slot */
};

/* Takes a lease. MSP_E_CONFLICT: another live process has the name. Waits a few seconds for the end of a lease whose
 * holder may be dead, and is then MSP_E_UNAVAILABLE. `client` is ready. */
enum msp_status rds_lease_take(struct rds_lease *lease, const struct rds_lease_config *config,
                               struct rds_client *client, int lease_ms, struct msp_error *err) MSP_NODISCARD;
/* Frees the strings only. */
void rds_lease_done(struct rds_lease *lease);

/* Writes the command that renews it; the answer is 1, or 0 when another has it. */
void rds_lease_put_renewal(const struct rds_lease *lease, struct rds_link *link, int lease_ms);
/* Writes the command that gives it up. For the time of a lease the key says that its holder left. */
void rds_lease_put_release(const struct rds_lease *lease, struct rds_link *link, int lease_ms);

/* The part of the key before the consumer's name; free(). NULL: no memory. */
char *rds_lease_prefix(const char *inputs, const char *group);
/* Whether the holder left or is certainly dead. */
bool rds_token_is_dead(const char *token);

#endif
