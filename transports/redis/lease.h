/* A lease: the sign of life of one consumer, a key that expires. It also holds the consumer's name: whoever has the
 * lease of a name is the only consumer of that name. Entries are taken over only from consumers whose lease has ended
 * or says that they left or died. */
#ifndef REDIS_LEASE_H
#define REDIS_LEASE_H

#include "client.h"
#include <msp/process.h>
#include <stdatomic.h>

#define REDIS_TOKEN_SIZE 160

struct redis_lease {
	struct redis_lease *next;     /* of the heartbeat, like `number` */
	size_t number;                /* no other lease of the heartbeat ever had it; 0: it was not added */
	char *inputs;                 /* owned, like the next two */
	char *consumer;               /* name of the consumer in its group */
	char *key;                    /* NULL: there is no lease */
	char token[REDIS_TOKEN_SIZE]; /* the key's value: the process, and which of its leases */
	bool is_instance;             /* the name is not just the first that was free */
	bool is_held;                 /* it was taken */
	atomic_bool is_lost;          /* another process has it: we were away for too long */
};

struct redis_lease_config {
	const char *inputs, *group; /* borrowed, like `instance` */
	const char *instance;       /* or NULL: the first name that is free */
	int slot;                   /* of an instance */
	unsigned transport;         /* which of the process's; it has one lease per instance and slot */
};

/* Taking a lease: one question after the other until a name is ours. */
struct redis_lease_search {
	struct redis_lease lease; /* of the name that is tried; the caller takes it at the end */
	struct redis_lease_config config;
	int slot;
	char dead[REDIS_TOKEN_SIZE]; /* its holder, which is certainly dead; "": none */
	int64_t least_rest_ms, until_ms;
};

enum redis_lease_step {
	REDIS_LEASE_ASK,    /* the next question, at once */
	REDIS_LEASE_WAIT,   /* the next question, a little later */
	REDIS_LEASE_HELD,   /* search->lease is ours */
	REDIS_LEASE_FAILED, /* the reason is in err */
};

enum msp_status redis_lease_search_begin(struct redis_lease_search *search, const struct redis_lease_config *config,
                                         struct msp_error *err) MSP_NODISCARD;
/* Frees the lease unless it was taken away. */
void redis_lease_search_done(struct redis_lease_search *search);
/* Writes the question. */
void redis_lease_search_put(const struct redis_lease_search *search, struct redis_output *out, int lease_ms);
/* What its answer means. MSP_E_CONFLICT: another live process has the instance name. A holder that may be dead is
 * watched for a few seconds; if its lease has not ended by then, MSP_E_UNAVAILABLE. */
enum redis_lease_step redis_lease_search_reply(struct redis_lease_search *search, const redisReply *reply,
                                               struct msp_error *err);

/* Searches by `client`, which is ready, and waits for the end. */
enum msp_status redis_lease_take(struct redis_lease *lease, const struct redis_lease_config *config,
                                 struct redis_client *client, int lease_ms, struct msp_error *err) MSP_NODISCARD;
/* Frees the strings only. */
void redis_lease_done(struct redis_lease *lease);
/* `from` becomes empty; neither may have been added to a heartbeat. */
void redis_lease_move(struct redis_lease *to, struct redis_lease *from);

/* Writes the command that renews it; the answer is 1, or 0 when another has it. */
void redis_lease_put_renewal(const struct redis_lease *lease, struct redis_output *out, int lease_ms);
/* Writes the command that gives it up. For the time of a lease the key says that its holder left. */
void redis_lease_put_release(const struct redis_lease *lease, struct redis_output *out, int lease_ms);

/* The part of the key before the consumer's name; free(). NULL: no memory. */
char *redis_lease_prefix(const char *inputs, const char *group);
/* Whether the holder left or is certainly dead. */
bool redis_token_is_dead(const char *token);

#endif
