/* The Redis transport. A topic is a stream, a message an entry of it; consumers are a consumer group of Redis.
 *
 * Start here. Every consumer, producer, reader and admin has connections of its own, so nothing but the keeper and
 * the turn is shared between threads.
 *
 *     consumer.c  receive            address.c  URLs                      entry.c   a message as an entry
 *     inbox.c     new entries        connect.c  sockets                   page.c    entries that came together
 *     recovery.c  what comes again   link.c     one connection            reply.c   answers, and what errors mean
 *     settle.c    settle             client.c   ask and wait              wakeup.c  ends a wait
 *     group.c     consumer groups    server.c   which servers will do     lag.c     what a group has left
 *     member.c    join and leave     lease.c    who lives                 trim.c    deletes what is settled
 *     producer.c  reader.c  admin.c  keeper.c   renews leases             parser.c  bounds to what an answer announces
 *     settle_script.c  exactly once              turn.c    one at a time computes what comes again */
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
        .offset = offsetof(struct rds_options, lease_ms),
        .default_text = "10000",
        .min = 300,
        .max = 3600000,
        .help = "how long a process that hangs keeps its messages; a dead one on the same machine loses them at once",
    },
    {
        .name = "retry.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct rds_options, retry_ms),
        .default_text = "100",
        .min = 1,
        .max = 60000,
        .help = "pause between two tries to connect, or to do what the server refused",
    },
    {
        .name = "timeout.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct rds_options, timeout_ms),
        .default_text = "5000",
        .min = 100,
        .max = 3600000,
        .help = "how long a server may owe an answer before its connection is given up",
    },
    {
        .name = "wait.replicas",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct rds_options, wait_replicas),
        .default_text = "0",
        .min = 0,
        .max = 100,
        .help = "how many replicas must have a batch before it counts as settled",
    },
    {
        .name = "wait.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct rds_options, wait_ms),
        .default_text = "1000",
        .min = 1,
        .max = 60000,
        .help = "how long one wait for replicas may take before it is said and begun again",
    },
    {
        .name = "trim.max.messages",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct rds_options, trim_max_messages),
        .default_text = "0",
        .min = 0,
        .max = 1000000000000,
        .help = "delete the oldest inputs beyond so many, as far as every group has settled them; 0: never",
    },
    {
        .name = "trim.max.age.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct rds_options, trim_max_age_ms),
        .default_text = "0",
        .min = 0,
        .max = 1000000000000,
        .help = "delete older inputs, as far as every group has settled them; 0: never",
    },
    {
        .name = "trim.settled",
        .type = MSP_OPTION_BOOLEAN,
        .offset = offsetof(struct rds_options, trim_settled),
        .default_text = "false",
        .help = "delete inputs that every group has settled",
    },
    {
        .name = "hash.tag",
        .type = MSP_OPTION_BOOLEAN,
        .offset = offsetof(struct rds_options, hash_tag),
        .default_text = "false",
        .help = "put braces around what the names of a model's topics share, so that they share a slot of a cluster",
    },
};

static const struct msp_option_table OPTION_TABLE = MSP_OPTION_TABLE(OPTIONS, struct rds_options);

static struct rds_transport *transport_cast(struct msp_transport *transport)
{
	assert(transport && transport->ops == &msp_transport_redis);
	return (struct rds_transport *)transport;
}

static enum msp_status transport_open(const struct msp_transport_config *config, struct msp_transport **ret_transport,
                                      struct msp_error *err)
{
	static atomic_uint serial;
	struct rds_transport *transport = calloc(1, sizeof(*transport));
	if (!transport)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a transport");
	struct rds_server *server = &transport->server;
	enum msp_status status = rds_address_parse(config->url, &server->address, err);
	if (status == MSP_OK && config->options)
		server->options = *(const struct rds_options *)config->options;
	else if (status == MSP_OK)
		status = msp_options_init(&OPTION_TABLE, &server->options, err);
	if (status != MSP_OK) {
		rds_address_done(&server->address);
		free(transport);
		return status;
	}
	transport->base.ops = &msp_transport_redis;
	transport->serial = atomic_fetch_add(&serial, 1);
	rds_keeper_init(&transport->keeper, server);
	*ret_transport = &transport->base;
	return MSP_OK;
}

static enum msp_status transport_consumer_open(struct msp_transport *base, const struct msp_consumer_config *config,
                                               struct msp_consumer **ret_consumer, struct msp_error *err)
{
	return rds_consumer_open(transport_cast(base), config, ret_consumer, err);
}

static enum msp_status transport_producer_open(struct msp_transport *base, struct msp_producer **ret_producer,
                                               struct msp_error *err)
{
	return rds_producer_open(transport_cast(base), ret_producer, err);
}

static enum msp_status transport_reader_open(struct msp_transport *base, const struct msp_reader_config *config,
                                             struct msp_reader **ret_reader, struct msp_error *err)
{
	return rds_reader_open(transport_cast(base), config, ret_reader, err);
}

static enum msp_status transport_admin_open(struct msp_transport *base, struct msp_admin **ret_admin,
                                            struct msp_error *err)
{
	return rds_admin_open(transport_cast(base), ret_admin, err);
}

static void transport_free(struct msp_transport *base)
{
	if (!base)
		return;
	struct rds_transport *transport = transport_cast(base);
	rds_keeper_done(&transport->keeper);
	rds_address_done(&transport->server.address);
	free(transport);
}

/* Braces make the names of one model share a slot of a cluster. */
static const char *transport_topic_wrap(const void *options)
{
	return ((const struct rds_options *)options)->hash_tag ? "{}" : NULL;
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
