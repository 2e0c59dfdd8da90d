/* The Redis transport. A topic is a stream, a message an entry of it; consumers are a consumer group of Redis.
 *
 * Start here, then consumer.h. Every consumer, producer, reader and admin has connections of its own, so only the
 * heartbeat, the redelivery lock and the resolver are shared between threads.
 *
 *     consumer.c  the loop        address.c   URLs                entry.c    a message as an entry
 *     member.c    the group       resolver.c  names               entries.c  those of one reply
 *     fetch.c     new entries     connect.c   sockets             reply.c    answers, and what errors mean
 *     pending.c   pending ones    link.c      one connection      command.c  commands
 *     settle.c    settle          client.c    ask and wait        parser.c   bounds to what an answer announces
 *     session.h   what they share check.c     which servers will do
 *     stats.c     what they count wakeup.c    ends a wait         group.c    makes the consumer group
 *     lease.c     who lives       heartbeat.c renews leases       redelivery_lock.c  one at a time
 *     trim.c      deletes what is settled     lag.c  what a group has left     settle_script.c  exactly once
 *     producer.c  reader.c  admin.c */
#include <assert.h>
#include <msp_transport_redis.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "transport.h"

static const char *const SCHEMES[] = {"redis", "rediss", "unix", NULL};

static const struct msp_option OPTIONS[] = {
    {
        .name = "lease.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, lease_ms),
        .default_text = "10000",
        .min = 300,
        .max = 3600000,
        .help = "how long a process that hangs keeps its messages; a dead one on the same machine loses them at once",
    },
    {
        .name = "retry.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, retry_ms),
        .default_text = "100",
        .min = 1,
        .max = 60000,
        .help = "pause between two tries to connect, or to do what the server refused",
    },
    {
        .name = "timeout.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, timeout_ms),
        .default_text = "5000",
        .min = 100,
        .max = 3600000,
        .help = "how long a server may owe an answer before its connection is given up",
    },
    {
        .name = "wait.replicas",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, wait_replicas),
        .default_text = "0",
        .min = 0,
        .max = 100,
        .help = "how many replicas must have a batch before it counts as settled",
    },
    {
        .name = "wait.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, wait_ms),
        .default_text = "1000",
        .min = 1,
        .max = 60000,
        .help = "how long one wait for replicas may take before it is said and begun again",
    },
    {
        .name = "trim.max.messages",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, trim_max_messages),
        .default_text = "0",
        .min = 0,
        .max = 1000000000000,
        .help = "delete the oldest inputs beyond so many, as far as every group has settled them; 0: never",
    },
    {
        .name = "trim.max.age.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct redis_options, trim_max_age_ms),
        .default_text = "0",
        .min = 0,
        .max = 1000000000000,
        .help = "delete older inputs, as far as every group has settled them; 0: never",
    },
    {
        .name = "trim.settled",
        .type = MSP_OPTION_BOOLEAN,
        .offset = offsetof(struct redis_options, trim_settled),
        .default_text = "false",
        .help = "delete inputs that every group has settled",
    },
    {
        .name = "hash.tag",
        .type = MSP_OPTION_BOOLEAN,
        .offset = offsetof(struct redis_options, hash_tag),
        .default_text = "false",
        .help = "put braces around what the names of a model's topics share, so that they share a slot of a cluster",
    },
};

static const struct msp_option_table OPTION_TABLE = MSP_OPTION_TABLE(OPTIONS, struct redis_options);

static struct redis_transport *transport_cast(struct msp_transport *transport)
{
	assert(transport && transport->ops == &msp_transport_redis);
	return (struct redis_transport *)transport;
}

static const char *transport_topic_wrap(const void *options)
{
	return ((const struct redis_options *)options)->hash_tag ? "{}" : NULL;
}

static enum msp_status transport_open(const struct msp_transport_config *config, struct msp_transport **ret_transport,
                                      struct msp_error *err)
{
	static atomic_uint serial;
	struct redis_transport *transport = calloc(1, sizeof(*transport));
	if (!transport)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a transport");
	struct redis_endpoint *endpoint = &transport->endpoint;
	enum msp_status status = redis_address_parse(config->url, &endpoint->address, err);
	if (status == MSP_OK && config->options)
		endpoint->options = *(const struct redis_options *)config->options;
	else if (status == MSP_OK)
		status = msp_options_init(&OPTION_TABLE, &endpoint->options, err);
	if (status != MSP_OK) {
		redis_address_done(&endpoint->address);
		free(transport);
		return status;
	}
	transport->base.ops = &msp_transport_redis;
	transport->serial = atomic_fetch_add(&serial, 1);
	redis_resolver_init(&endpoint->resolver, &endpoint->address);
	redis_heartbeat_init(&transport->heartbeat, endpoint);
	*ret_transport = &transport->base;
	return MSP_OK;
}

static enum msp_status transport_consumer_open(struct msp_transport *base, const struct msp_consumer_config *config,
                                               struct msp_consumer **ret_consumer, struct msp_error *err)
{
	return redis_consumer_open(transport_cast(base), config, ret_consumer, err);
}

static enum msp_status transport_producer_open(struct msp_transport *base, struct msp_producer **ret_producer,
                                               struct msp_error *err)
{
	return redis_producer_open(transport_cast(base), ret_producer, err);
}

static enum msp_status transport_reader_open(struct msp_transport *base, const struct msp_reader_config *config,
                                             struct msp_reader **ret_reader, struct msp_error *err)
{
	return redis_reader_open(transport_cast(base), config, ret_reader, err);
}

static enum msp_status transport_admin_open(struct msp_transport *base, struct msp_admin **ret_admin,
                                            struct msp_error *err)
{
	return redis_admin_open(transport_cast(base), ret_admin, err);
}

static void transport_free(struct msp_transport *base)
{
	if (!base)
		return;
	struct redis_transport *transport = transport_cast(base);
	redis_heartbeat_done(&transport->heartbeat);
	redis_resolver_done(&transport->endpoint.resolver);
	redis_address_done(&transport->endpoint.address);
	free(transport);
}

const struct msp_transport_ops msp_transport_redis = {
    .name = "redis",
    .schemes = SCHEMES,
    .options = &OPTION_TABLE,
    .topic_wrap = transport_topic_wrap,
    .open = transport_open,
    .consumer_open = transport_consumer_open,
    .producer_open = transport_producer_open,
    .reader_open = transport_reader_open,
    .admin_open = transport_admin_open,
    .free = transport_free,
};
