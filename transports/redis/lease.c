#include "lease.h"
#include "reply.h"
#include <msp/backoff.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLOTS_MAX       100000
#define POLL_MS         50
#define TAKE_TIMEOUT_MS 5000
#define WAIT_MS         5000 /* longer than a living holder needs to renew a lease of the default length */

/* KEYS: lease. ARGV: our token, ms, the token of a dead holder or "". Answers the holder and its rest, or nothing when
 * it is ours now; it may have been before, by a try whose answer was lost. */
static const char TAKE[] = "local holder = redis.call('GET', KEYS[1]) "
                           "if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then "
                           "  return {holder, redis.call('PTTL', KEYS[1])} "
                           "end "
                           "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return {}";
/* KEYS: lease. ARGV: our token, ms. A server that is full sets nothing, and must not end the leases of the living. */
static const char RENEW[] = "local holder = redis.call('GET', KEYS[1]) "
                            "if holder and holder ~= ARGV[1] then return 0 end "
                            "if holder then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end "
                            "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";
/* The token of nobody: its holder left. What it leaves may be taken over at once, whereas a lease that is missing may
 * be one that was lost. */
#define LEFT "left"

/* KEYS: lease. ARGV: our token, ms. A server that is full does not let us say that we left. */
static const char RELEASE[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
                              "redis.call('DEL', KEYS[1]) "
                              "redis.pcall('SET', KEYS[1], '" LEFT "', 'PX', ARGV[2]) return 1";

bool rds_token_is_dead(const char *token)
{
	return strcmp(token, LEFT) == 0 || msp_process_life(token) == MSP_LIFE_DEAD;
}

char *rds_lease_prefix(const char *inputs, const char *group)
{
	char *prefix;
	return asprintf(&prefix, "%s.lease.%s.", inputs, group) < 0 ? NULL : prefix;
}

/* Who has it, when it is not us. */
struct holder {
	char token[RDS_TOKEN_SIZE]; /* "": nobody, it is ours now */
	int64_t rest_ms;
};

static enum msp_status lease_try(struct rds_lease *lease, struct rds_client *client, int lease_ms, const char *dead,
                                 struct holder *ret_holder, struct msp_error *err)
{
	redisReply *reply;
	char ms[24];
	snprintf(ms, sizeof(ms), "%d", lease_ms);
	rds_put_command(&client->link, "EVAL", TAKE, "1", lease->key, lease->token, ms, dead, (char *)NULL);
	rds_link_expect(&client->link, 0, 0);
	enum msp_status status = rds_client_answer(client, lease->key, msp_monotonic_ms() + TAKE_TIMEOUT_MS, &reply, err);
	if (status != MSP_OK)
		return status;
	const redisReply *token = rds_reply_at(reply, 0), *rest = rds_reply_at(reply, 1);
	*ret_holder = (struct holder){.token = ""};
	if (rds_reply_text(token)[0] && rest->type == REDIS_REPLY_INTEGER) {
		snprintf(ret_holder->token, sizeof(ret_holder->token), "%s", rds_reply_text(token));
		ret_holder->rest_ms = rest->integer;
	} else if (!rds_reply_is_array(reply) || reply->elements > 0) {
		status = rds_reply_error(lease->key, reply, err);
	}
	freeReplyObject(reply);
	return status;
}

/* Also takes it from a holder that is certainly dead. */
static enum msp_status lease_try_over(struct rds_lease *lease, struct rds_client *client, int lease_ms,
                                      struct holder *ret_holder, struct msp_error *err)
{
	enum msp_status status = lease_try(lease, client, lease_ms, "", ret_holder, err);
	if (status != MSP_OK || !ret_holder->token[0] || !rds_token_is_dead(ret_holder->token))
		return status;
	char dead[RDS_TOKEN_SIZE];
	memcpy(dead, ret_holder->token, sizeof(dead));
	return lease_try(lease, client, lease_ms, dead, ret_holder, err);
}

static enum msp_status lease_name(struct rds_lease *lease, const struct rds_lease_config *config, const char *prefix,
                                  int slot, struct msp_error *err)
{
	free(lease->consumer);
	free(lease->key);
	lease->key = NULL;
	if (asprintf(&lease->consumer, "%s/%d", config->instance ? config->instance : "worker", slot) < 0)
		lease->consumer = NULL;
	if (!lease->consumer || asprintf(&lease->key, "%s%s", prefix, lease->consumer) < 0) {
		lease->key = NULL;
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a lease");
	}
	return MSP_OK;
}

/* A holder on another machine may be dead. One that lives renews its lease, which then has more rest than before. The
 * wait is in parts, because whoever opens may be told to stop. */
static enum msp_status instance_take(struct rds_lease *lease, const struct rds_lease_config *config,
                                     struct rds_client *client, int lease_ms, struct msp_error *err)
{
	struct holder holder;
	int64_t least_ms = INT64_MAX, until_ms = msp_monotonic_ms() + WAIT_MS;
	for (;;) {
		enum msp_status status = lease_try_over(lease, client, lease_ms, &holder, err);
		if (status != MSP_OK || !holder.token[0])
			return status;
		if (msp_process_life(holder.token) == MSP_LIFE_ALIVE || holder.rest_ms > least_ms)
			return msp_error_set(err, MSP_E_CONFLICT, "another live process uses instance name %s in group %s",
			                     config->instance, config->group);
		if (msp_monotonic_ms() >= until_ms)
			return msp_error_set(err, MSP_E_UNAVAILABLE,
			                     "instance name %s in group %s may still be in use: its lease ends in %lld ms",
			                     config->instance, config->group, (long long)holder.rest_ms);
		least_ms = holder.rest_ms;
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	}
}

static enum msp_status slot_take(struct rds_lease *lease, const struct rds_lease_config *config, const char *prefix,
                                 struct rds_client *client, int lease_ms, struct msp_error *err)
{
	for (int slot = 0; slot < SLOTS_MAX; slot++) {
		struct holder holder;
		enum msp_status status = lease_name(lease, config, prefix, slot, err);
		if (status == MSP_OK)
			status = lease_try_over(lease, client, lease_ms, &holder, err);
		if (status != MSP_OK || !holder.token[0])
			return status;
	}
	return msp_error_set(err, MSP_E_UNAVAILABLE, "group %s has too many consumers", config->group);
}

/* An instance has the same token at each try: one whose answer was lost may have taken the lease. A name that is just
 * free needs its own, because several workers look for one at the same time. */
static void token_make(struct rds_lease *lease, const struct rds_lease_config *config)
{
	static atomic_uint serial;
	struct msp_process process;
	msp_process_self(&process);
	if (config->instance)
		snprintf(lease->token, sizeof(lease->token), "%s/instance/%u", process.text, config->transport);
	else
		snprintf(lease->token, sizeof(lease->token), "%s/%u", process.text, atomic_fetch_add(&serial, 1));
}

enum msp_status rds_lease_take(struct rds_lease *lease, const struct rds_lease_config *config,
                               struct rds_client *client, int lease_ms, struct msp_error *err)
{
	token_make(lease, config);
	lease->inputs = strdup(config->inputs);
	lease->is_instance = config->instance != NULL;
	char *prefix = rds_lease_prefix(config->inputs, config->group);
	if (!lease->inputs || !prefix) {
		free(prefix);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a lease");
	}
	enum msp_status status;
	if (config->instance) {
		status = lease_name(lease, config, prefix, config->slot, err);
		if (status == MSP_OK)
			status = instance_take(lease, config, client, lease_ms, err);
	} else {
		status = slot_take(lease, config, prefix, client, lease_ms, err);
	}
	free(prefix);
	lease->is_held = status == MSP_OK;
	return status;
}

void rds_lease_done(struct rds_lease *lease)
{
	free(lease->inputs);
	free(lease->consumer);
	free(lease->key);
	lease->inputs = lease->consumer = lease->key = NULL;
}

void rds_lease_put_renewal(const struct rds_lease *lease, struct rds_link *link, int lease_ms)
{
	char ms[24];
	snprintf(ms, sizeof(ms), "%d", lease_ms);
	rds_put_command(link, "EVAL", RENEW, "1", lease->key, lease->token, ms, (char *)NULL);
}

void rds_lease_put_release(const struct rds_lease *lease, struct rds_link *link, int lease_ms)
{
	char ms[24];
	snprintf(ms, sizeof(ms), "%d", lease_ms);
	rds_put_command(link, "EVAL", RELEASE, "1", lease->key, lease->token, ms, (char *)NULL);
}
