#include "keeper.h"
#include "trim.h"
#include <msp/backoff.h>
#include <msp/log.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

/* Renewals per lease: one may be missed without anyone noticing. */
#define RENEWALS 3
/* Whoever removes a lease waits for the thread, which asks a server that is away or slow for so long at most. */
#define PATIENCE_MS 500

void rds_keeper_init(struct rds_keeper *keeper, const struct rds_server *server)
{
	*keeper = (struct rds_keeper){.server = server, .wakeup = {.fd = -1}};
	pthread_mutex_init(&keeper->mutex, NULL);
}

static int keeper_tick_ms(const struct rds_keeper *keeper)
{
	return (int)keeper->server->options.lease_ms / RENEWALS;
}

static int keeper_patience_ms(const struct rds_keeper *keeper)
{
	int tick_ms = keeper_tick_ms(keeper);
	return tick_ms < PATIENCE_MS ? tick_ms : PATIENCE_MS;
}

/* The answer to the renewal of the index-th lease, or to a trim, which comes after all of them. */
static void keeper_reply(void *context, size_t index, redisReply *reply)
{
	struct rds_keeper *keeper = context;
	struct rds_lease *lease = keeper->leases;
	for (; lease && index > 0; index--)
		lease = lease->next;
	if (lease && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0 && !atomic_exchange(&lease->is_lost, true))
		msp_log(MSP_LOG_WARN, "another process took this consumer's name while this one hung or was cut off",
		        "consumer", lease->consumer, NULL);
	if (!lease && reply->type == REDIS_REPLY_ERROR)
		msp_log(MSP_LOG_WARN, "the stream could not be trimmed", "reason", reply->str, NULL);
	freeReplyObject(reply);
}

/* False: the server did not answer in time. */
static bool keeper_tick(struct rds_keeper *keeper)
{
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = now_ms + keeper_patience_ms(keeper);
	struct rds_link *link = &keeper->client.link;
	bool trims = rds_trim_is_wanted(&keeper->server->options) && now_ms >= keeper->trim_at_ms;
	size_t count = 0;
	if (rds_client_ready(&keeper->client, deadline_ms, NULL) != MSP_OK || keeper->client.woken)
		return false;
	for (struct rds_lease *lease = keeper->leases; lease; lease = lease->next) {
		rds_lease_put_renewal(lease, link, (int)keeper->server->options.lease_ms);
		rds_link_expect(link, 0, count++);
	}
	for (struct rds_lease *lease = keeper->leases; trims && lease; lease = lease->next) {
		rds_trim_put(link, &keeper->server->options, lease->inputs);
		rds_link_expect(link, 0, count);
	}
	if (trims)
		keeper->trim_at_ms = now_ms + RDS_TRIM_EVERY_MS;
	/* Whoever loses contact hears of it in receive and settle. */
	return rds_client_finish(&keeper->client, deadline_ms, NULL) == MSP_OK;
}

static void *keeper_main(void *context)
{
	struct rds_keeper *keeper = context;
	while (!atomic_load(&keeper->stop)) {
		pthread_mutex_lock(&keeper->mutex);
		bool is_done = !keeper->leases || keeper_tick(keeper);
		pthread_mutex_unlock(&keeper->mutex);
		struct pollfd fd = {.fd = keeper->wakeup.fd, .events = POLLIN};
		(void)poll(&fd, 1, is_done ? keeper_tick_ms(keeper) : keeper_patience_ms(keeper));
	}
	return NULL;
}

/* Signals are for the threads that know what to do with them. */
static enum msp_status keeper_start(struct rds_keeper *keeper, struct msp_error *err)
{
	enum msp_status status = rds_wakeup_init(&keeper->wakeup, err);
	if (status != MSP_OK)
		return status;
	rds_client_init(&keeper->client, keeper->server, "msp-keeper");
	keeper->client.wake = keeper->wakeup.fd;
	keeper->client.on_reply = keeper_reply;
	keeper->client.context = keeper;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&keeper->thread, NULL, keeper_main, keeper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		rds_client_done(&keeper->client);
		rds_wakeup_done(&keeper->wakeup);
		return msp_error_set(err, MSP_E_NO_MEMORY, "cannot start a thread: %s", strerror(error));
	}
	keeper->started = true;
	return MSP_OK;
}

enum msp_status rds_keeper_add(struct rds_keeper *keeper, struct rds_lease *lease, struct msp_error *err)
{
	pthread_mutex_lock(&keeper->mutex);
	enum msp_status status = keeper->started ? MSP_OK : keeper_start(keeper, err);
	if (status == MSP_OK) {
		lease->next = keeper->leases;
		keeper->leases = lease;
	}
	pthread_mutex_unlock(&keeper->mutex);
	return status;
}

void rds_keeper_remove(struct rds_keeper *keeper, struct rds_lease *lease)
{
	pthread_mutex_lock(&keeper->mutex);
	for (struct rds_lease **at = &keeper->leases; *at; at = &(*at)->next) {
		if (*at == lease) {
			*at = lease->next;
			break;
		}
	}
	pthread_mutex_unlock(&keeper->mutex);
}

void rds_keeper_done(struct rds_keeper *keeper)
{
	if (keeper->started) {
		atomic_store(&keeper->stop, true);
		rds_wakeup_wake(&keeper->wakeup);
		pthread_join(keeper->thread, NULL);
		rds_client_done(&keeper->client);
		rds_wakeup_done(&keeper->wakeup);
	}
	pthread_mutex_destroy(&keeper->mutex);
}
