#include "member.h"
#include "consumer.h"
#include "group.h"
#include "transport.h"
#include <msp/backoff.h>

#define OPEN_TIMEOUT_MS  2000
#define FREE_TIMEOUT_MS  500
#define UNBLOCK_EVERY_MS 10

/* Everything that can be known before the first message comes. */
enum msp_status rds_member_join(struct rds_consumer *consumer, const struct msp_consumer_config *config,
                                struct rds_client *client, struct msp_error *err)
{
	int64_t deadline_ms = msp_monotonic_ms() + OPEN_TIMEOUT_MS;
	const char *topics[] = {consumer->inputs, consumer->outputs, consumer->errors, NULL};
	struct rds_group group = rds_consumer_group(consumer);
	redisReply *reply;
	enum msp_status status = rds_client_ready(client, deadline_ms, err);
	if (status == MSP_OK)
		status = rds_server_check(client, topics, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	rds_group_put(&group, &client->link);
	rds_link_expect(&client->link, 0, 0);
	status = rds_client_answer(client, consumer->inputs, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	status = rds_group_result(&group, reply, err);
	freeReplyObject(reply);
	if (status == MSP_OK)
		status = rds_group_probe(&group, topics + 1, client, deadline_ms, err);
	struct rds_lease_config lease = {consumer->inputs, consumer->group, config->instance, config->slot,
	                                 consumer->transport->serial};
	int lease_ms = (int)consumer->transport->server.options.lease_ms;
	return status == MSP_OK ? rds_lease_take(&consumer->lease, &lease, client, lease_ms, err) : status;
}

/* The other one finds what is delivered under the old name from now on, so that little should be. */
static void name_replace(struct rds_consumer *consumer, const struct rds_lease *fresh)
{
	struct msp_error why;
	msp_error_set(&why, MSP_E_UNAVAILABLE, "another process has the name %s: going on as %s", consumer->lease.consumer,
	              fresh->consumer);
	rds_lease_done(&consumer->lease);
	consumer->lease = *fresh;
	(void)rds_inbox_drop(consumer);
	rds_recovery_restart(consumer);
	rds_link_fail(&consumer->reads, &why);
}

enum msp_status rds_member_rename(struct rds_consumer *consumer, struct msp_error *err)
{
	struct rds_transport *transport = consumer->transport;
	struct rds_lease_config config = {.inputs = consumer->inputs, .group = consumer->group};
	struct rds_lease fresh = {.key = NULL};
	struct rds_client client;
	rds_keeper_remove(&transport->keeper, &consumer->lease);
	rds_client_init(&client, &transport->server, "msp-open");
	client.wake = consumer->wakeup.fd;
	enum msp_status status = rds_client_ready(&client, msp_monotonic_ms() + OPEN_TIMEOUT_MS, err);
	bool woken = client.woken;
	if (status == MSP_OK && !woken)
		status = rds_lease_take(&fresh, &config, &client, (int)transport->server.options.lease_ms, err);
	rds_client_done(&client);
	if (status != MSP_OK || woken) {
		rds_lease_done(&fresh);
		return status;
	}
	name_replace(consumer, &fresh);
	return rds_keeper_add(&transport->keeper, &consumer->lease, err);
}

/* Ends the question for entries, so that none is delivered to nobody. The question may still be on its way when it is
 * to be ended, so this is repeated. */
static void reading_end(struct rds_consumer *consumer, int64_t deadline_ms)
{
	struct rds_link *link = &consumer->writes;
	consumer->limits.max_messages = 0;
	while (consumer->reading && consumer->reads.client_id && rds_link_is_up(link) && msp_monotonic_ms() < deadline_ms) {
		rds_put_array(link, 3);
		rds_put_string(link, "CLIENT");
		rds_put_string(link, "UNBLOCK");
		rds_put_integer(link, consumer->reads.client_id);
		rds_link_expect(link, RDS_IGNORED, 0);
		int64_t again_ms = msp_monotonic_ms() + UNBLOCK_EVERY_MS;
		while (consumer->reading && msp_monotonic_ms() < again_ms)
			rds_consumer_pump(consumer, again_ms, false);
	}
}

static void name_release(struct rds_consumer *consumer, int64_t deadline_ms)
{
	struct rds_link *link = &consumer->writes;
	while (!rds_link_is_up(link) && msp_monotonic_ms() < deadline_ms)
		rds_consumer_pump(consumer, deadline_ms, false);
	if (!rds_link_is_up(link))
		return; /* the lease ends by itself */
	rds_lease_put_release(&consumer->lease, link, (int)consumer->transport->server.options.lease_ms);
	rds_link_expect(link, RDS_RELEASED, 0);
	while (consumer->lease.is_held && rds_link_is_up(link) && msp_monotonic_ms() < deadline_ms)
		rds_consumer_pump(consumer, deadline_ms, false);
}

void rds_member_leave(struct rds_consumer *consumer)
{
	consumer->leaving = true;
	if (!consumer->lease.is_held)
		return;
	reading_end(consumer, msp_monotonic_ms() + FREE_TIMEOUT_MS);
	name_release(consumer, msp_monotonic_ms() + FREE_TIMEOUT_MS);
}
