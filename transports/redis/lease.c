#include "lease.h"
#include "reply.h"
#include <msp/clock.h>
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

bool redis_token_is_dead(const char *token)
{
	return strcmp(token, LEFT) == 0 || msp_process_life(token) == MSP_LIFE_DEAD;
}

char *redis_lease_prefix(const char *inputs, const char *group)
{
	char *prefix;
	return asprintf(&prefix, "%s.lease.%s.", inputs, group) < 0 ? NULL : prefix;
}

void redis_lease_done(struct redis_lease *lease)
{
	free(lease->inputs);
	free(lease->consumer);
	free(lease->key);
	lease->inputs = lease->consumer = lease->key = NULL;
}

void redis_lease_move(struct redis_lease *to, struct redis_lease *from)
{
	redis_lease_done(to);
	to->inputs = from->inputs;
	to->consumer = from->consumer;
	to->key = from->key;
	memcpy(to->token, from->token, sizeof(to->token));
	to->is_instance = from->is_instance;
	to->is_held = from->is_held;
	atomic_store(&to->is_lost, false);
	from->inputs = from->consumer = from->key = NULL;
}

/* ---- taking one ---- */

static enum msp_status search_name(struct redis_lease_search *search, struct msp_error *err)
{
	struct redis_lease *lease = &search->lease;
	const struct redis_lease_config *config = &search->config;
	char *prefix = redis_lease_prefix(config->inputs, config->group);
	search->dead[0] = '\0';
	free(lease->consumer);
	free(lease->key);
	lease->key = NULL;
	if (asprintf(&lease->consumer, "%s/%d", config->instance ? config->instance : "worker", search->slot) < 0)
		lease->consumer = NULL;
	if (!prefix || !lease->consumer || asprintf(&lease->key, "%s%s", prefix, lease->consumer) < 0)
		lease->key = NULL;
	free(prefix);
	return lease->key ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a lease");
}

/* An instance has the same token at each try: one whose answer was lost may have taken the lease. A name that is just
 * free needs its own, because several workers look for one at the same time. */
static void token_make(struct redis_lease *lease, const struct redis_lease_config *config)
{
	static atomic_uint serial;
	struct msp_process process;
	msp_process_self(&process);
	if (config->instance)
		snprintf(lease->token, sizeof(lease->token), "%s/instance/%u", process.text, config->transport);
	else
		snprintf(lease->token, sizeof(lease->token), "%s/%u", process.text, atomic_fetch_add(&serial, 1));
}

enum msp_status redis_lease_search_begin(struct redis_lease_search *search, const struct redis_lease_config *config,
                                         struct msp_error *err)
{
	*search = (struct redis_lease_search){
	    .config = *config,
	    .slot = config->instance ? config->slot : 0,
	    .least_rest_ms = INT64_MAX,
	    .until_ms = msp_monotonic_ms() + WAIT_MS,
	};
	token_make(&search->lease, config);
	search->lease.is_instance = config->instance != NULL;
	search->lease.inputs = strdup(config->inputs);
	if (!search->lease.inputs)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a lease");
	return search_name(search, err);
}

void redis_lease_search_done(struct redis_lease_search *search)
{
	redis_lease_done(&search->lease);
}

void redis_lease_search_put(const struct redis_lease_search *search, struct redis_output *out, int lease_ms)
{
	char ms[24];
	snprintf(ms, sizeof(ms), "%d", lease_ms);
	redis_put_command(out, "EVAL", TAKE, "1", search->lease.key, search->lease.token, ms, search->dead, (char *)NULL);
}

/* A holder on another machine may be dead. One that lives renews its lease, which then has more rest than before. */
static enum redis_lease_step instance_is_held(struct redis_lease_search *search, const char *holder, int64_t rest_ms,
                                              struct msp_error *err)
{
	const struct redis_lease_config *config = &search->config;
	if (msp_process_life(holder) == MSP_LIFE_ALIVE || rest_ms > search->least_rest_ms) {
		msp_error_set(err, MSP_E_CONFLICT, "another live process uses instance name %s in group %s", config->instance,
		              config->group);
		return REDIS_LEASE_FAILED;
	}
	if (msp_monotonic_ms() >= search->until_ms) {
		msp_error_set(err, MSP_E_UNAVAILABLE,
		              "instance name %s in group %s may still be in use: its lease ends in %lld ms", config->instance,
		              config->group, (long long)rest_ms);
		return REDIS_LEASE_FAILED;
	}
	search->least_rest_ms = rest_ms;
	search->dead[0] = '\0';
	return REDIS_LEASE_WAIT;
}

static enum redis_lease_step slot_is_held(struct redis_lease_search *search, struct msp_error *err)
{
	if (++search->slot < SLOTS_MAX)
		return search_name(search, err) == MSP_OK ? REDIS_LEASE_ASK : REDIS_LEASE_FAILED;
	msp_error_set(err, MSP_E_UNAVAILABLE, "group %s has too many consumers", search->config.group);
	return REDIS_LEASE_FAILED;
}

enum redis_lease_step redis_lease_search_reply(struct redis_lease_search *search, const redisReply *reply,
                                               struct msp_error *err)
{
	const char *holder = redis_reply_text(redis_reply_at(reply, 0));
	const redisReply *rest = redis_reply_at(reply, 1);
	if (redis_reply_is_array(reply) && reply->elements == 0) {
		search->lease.is_held = true;
		return REDIS_LEASE_HELD;
	}
	if (!holder[0] || rest->type != REDIS_REPLY_INTEGER || strlen(holder) >= sizeof(search->dead)) {
		redis_reply_error(search->lease.key, reply, err);
		return REDIS_LEASE_FAILED;
	}
	/* Only once: then somebody else took it over. */
	if (!search->dead[0] && redis_token_is_dead(holder)) {
		memcpy(search->dead, holder, strlen(holder) + 1);
		return REDIS_LEASE_ASK;
	}
	if (search->config.instance)
		return instance_is_held(search, holder, rest->integer, err);
	return slot_is_held(search, err);
}

/* Whoever waits does so in small parts. */
static enum msp_status search_run(struct redis_lease_search *search, struct redis_client *client, int lease_ms,
                                  struct msp_error *err)
{
	for (;;) {
		redisReply *reply;
		struct msp_error why;
		redis_lease_search_put(search, &client->link.out, lease_ms);
		redis_link_expect(&client->link, 0, 0);
		enum msp_status status =
		    redis_client_result(client, search->lease.key, msp_deadline_in(TAKE_TIMEOUT_MS), &reply, err);
		if (status != MSP_OK)
			return status;
		enum redis_lease_step step = redis_lease_search_reply(search, reply, &why);
		freeReplyObject(reply);
		if (step == REDIS_LEASE_HELD)
			return MSP_OK;
		if (step == REDIS_LEASE_FAILED) {
			if (err)
				*err = why;
			return why.status;
		}
		if (step == REDIS_LEASE_WAIT)
			nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	}
}

enum msp_status redis_lease_take(struct redis_lease *lease, const struct redis_lease_config *config,
                                 struct redis_client *client, int lease_ms, struct msp_error *err)
{
	struct redis_lease_search search;
	enum msp_status status = redis_lease_search_begin(&search, config, err);
	if (status == MSP_OK)
		status = search_run(&search, client, lease_ms, err);
	if (status == MSP_OK)
		redis_lease_move(lease, &search.lease);
	redis_lease_search_done(&search);
	return status;
}

/* ---- keeping it ---- */

void redis_lease_put_renewal(const struct redis_lease *lease, struct redis_output *out, int lease_ms)
{
	char ms[24];
	snprintf(ms, sizeof(ms), "%d", lease_ms);
	redis_put_command(out, "EVAL", RENEW, "1", lease->key, lease->token, ms, (char *)NULL);
}

void redis_lease_put_release(const struct redis_lease *lease, struct redis_output *out, int lease_ms)
{
	char ms[24];
	snprintf(ms, sizeof(ms), "%d", lease_ms);
	redis_put_command(out, "EVAL", RELEASE, "1", lease->key, lease->token, ms, (char *)NULL);
}
