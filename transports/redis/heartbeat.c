#include "heartbeat.h"
#include "trim.h"
#include <msp/clock.h>
#include <msp/log.h>
#include <msp/thread.h>
#include <poll.h>

/* Renewals per lease: one may be missed without anyone noticing. */
#define RENEWALS 3
/* How long the thread waits for a server that is away or slow before it looks at the leases again. */
#define PATIENCE_MS 500
/* What is expected of a trim; leases have other numbers. */
#define TRIM 0

void redis_heartbeat_init(struct redis_heartbeat *heartbeat, struct redis_endpoint *endpoint)
{
	*heartbeat = (struct redis_heartbeat){.endpoint = endpoint, .wakeup = {.fd = -1}};
	pthread_mutex_init(&heartbeat->mutex, NULL);
}

static int interval_ms(const struct redis_heartbeat *heartbeat)
{
	return (int)heartbeat->endpoint->options.lease_ms / RENEWALS;
}

static int patience_ms(const struct redis_heartbeat *heartbeat)
{
	return interval_ms(heartbeat) < PATIENCE_MS ? interval_ms(heartbeat) : PATIENCE_MS;
}

static int retry_ms(const struct redis_heartbeat *heartbeat)
{
	int64_t retry_ms = heartbeat->endpoint->options.retry_ms;
	return retry_ms < patience_ms(heartbeat) ? (int)retry_ms : patience_ms(heartbeat);
}

static void lease_is_lost(struct redis_heartbeat *heartbeat, size_t number)
{
	pthread_mutex_lock(&heartbeat->mutex);
	struct redis_lease *lease = heartbeat->leases;
	while (lease && lease->number != number)
		lease = lease->next;
	if (lease && !atomic_exchange(&lease->is_lost, true))
		msp_log(MSP_LOG_WARN, "another process took this consumer's name while this one hung or was cut off",
		        "consumer", lease->consumer, NULL);
	pthread_mutex_unlock(&heartbeat->mutex);
}

/* The answer to the renewal of a lease, or to a trim. */
static void heartbeat_reply(void *context, size_t number, redisReply *reply)
{
	if (number != TRIM && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0)
		lease_is_lost(context, number);
	if (number == TRIM && reply->type == REDIS_REPLY_ERROR)
		msp_log(MSP_LOG_WARN, "the stream could not be trimmed", "reason", reply->str, NULL);
	freeReplyObject(reply);
}

static void questions_put(struct redis_heartbeat *heartbeat, bool trims)
{
	struct redis_link *link = &heartbeat->client.link;
	const struct redis_options *options = &heartbeat->endpoint->options;
	pthread_mutex_lock(&heartbeat->mutex);
	for (const struct redis_lease *lease = heartbeat->leases; lease; lease = lease->next) {
		redis_lease_put_renewal(lease, &link->out, (int)options->lease_ms);
		redis_link_expect(link, 0, lease->number);
	}
	for (const struct redis_lease *lease = heartbeat->leases; trims && lease; lease = lease->next) {
		redis_trim_put(&link->out, options, lease->inputs);
		redis_link_expect(link, 0, TRIM);
	}
	pthread_mutex_unlock(&heartbeat->mutex);
}

/* False: the server did not answer in time. */
static bool heartbeat_beat(struct redis_heartbeat *heartbeat)
{
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = now_ms + patience_ms(heartbeat);
	bool trims = redis_trim_is_wanted(&heartbeat->endpoint->options) && now_ms >= heartbeat->trim_at_ms;
	if (redis_client_ready(&heartbeat->client, deadline_ms, NULL) != MSP_OK || heartbeat->client.woken)
		return false;
	questions_put(heartbeat, trims);
	if (trims)
		heartbeat->trim_at_ms = now_ms + REDIS_TRIM_EVERY_MS;
	/* Whoever loses contact hears of it in receive and settle. */
	return redis_client_finish(&heartbeat->client, deadline_ms, NULL) == MSP_OK;
}

static bool has_leases(struct redis_heartbeat *heartbeat)
{
	pthread_mutex_lock(&heartbeat->mutex);
	bool has = heartbeat->leases != NULL;
	pthread_mutex_unlock(&heartbeat->mutex);
	return has;
}

static void *heartbeat_main(void *context)
{
	struct redis_heartbeat *heartbeat = context;
	while (!atomic_load(&heartbeat->stop)) {
		bool is_done = !has_leases(heartbeat) || heartbeat_beat(heartbeat);
		struct pollfd fd = {.fd = heartbeat->wakeup.fd, .events = POLLIN};
		(void)poll(&fd, 1, is_done ? interval_ms(heartbeat) : retry_ms(heartbeat));
	}
	return NULL;
}

static enum msp_status heartbeat_start(struct redis_heartbeat *heartbeat, struct msp_error *err)
{
	enum msp_status status = redis_wakeup_init(&heartbeat->wakeup, err);
	if (status != MSP_OK)
		return status;
	redis_client_init(&heartbeat->client, heartbeat->endpoint, "msp-heartbeat");
	heartbeat->client.wake = heartbeat->wakeup.fd;
	heartbeat->client.on_reply = heartbeat_reply;
	heartbeat->client.context = heartbeat;
	status = msp_thread_start(&heartbeat->thread, heartbeat_main, heartbeat, err);
	heartbeat->started = status == MSP_OK;
	if (status != MSP_OK) {
		redis_client_done(&heartbeat->client);
		redis_wakeup_done(&heartbeat->wakeup);
	}
	return status;
}

enum msp_status redis_heartbeat_add(struct redis_heartbeat *heartbeat, struct redis_lease *lease, struct msp_error *err)
{
	pthread_mutex_lock(&heartbeat->mutex);
	enum msp_status status = heartbeat->started ? MSP_OK : heartbeat_start(heartbeat, err);
	if (status == MSP_OK) {
		lease->number = ++heartbeat->added;
		lease->next = heartbeat->leases;
		heartbeat->leases = lease;
	}
	pthread_mutex_unlock(&heartbeat->mutex);
	return status;
}

void redis_heartbeat_remove(struct redis_heartbeat *heartbeat, struct redis_lease *lease)
{
	pthread_mutex_lock(&heartbeat->mutex);
	struct redis_lease **at = &heartbeat->leases;
	while (*at && *at != lease)
		at = &(*at)->next;
	if (*at)
		*at = lease->next;
	pthread_mutex_unlock(&heartbeat->mutex);
}

void redis_heartbeat_done(struct redis_heartbeat *heartbeat)
{
	if (heartbeat->started) {
		atomic_store(&heartbeat->stop, true);
		redis_wakeup_wake(&heartbeat->wakeup);
		pthread_join(heartbeat->thread, NULL);
		redis_client_done(&heartbeat->client);
		redis_wakeup_done(&heartbeat->wakeup);
	}
	pthread_mutex_destroy(&heartbeat->mutex);
}
