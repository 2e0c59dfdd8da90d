/* The Kafka transport, on librdkafka 2.0.2 and newer.
 *
 * Start here. Every consumer, producer, reader and admin has librdkafka clients of its own, served by the thread that
 * owns the object, so nothing of ours is shared between them but the settings. README.md says why.
 *
 * A consumer is consumer.c, the only loop, and the parts that it alone knows:
 *
 *     member.c   the group: partitions that come and go     settle.c   how a batch is settled, as a table of states
 *     fetch.c    the prefetch queue and the batches of it    execute.c  does what the table says, on librdkafka
 *     offsets.c  committing offsets, at least once           lane.c     who works on a batch, and the mailbox before it
 *     loss.c     what was lost with a topic, for the log     batch.c    librdkafka's messages as ours
 *
 * The other objects, and what all share:
 *
 *     producer.c   send                                  publisher.c    a producer client and the topics it writes
 *     reader.c     browse                                publication.c  one array of messages until it is published
 *     admin.c      topics and their offsets              client.c       a librdkafka handle, its configuration and log
 *     lag.c        what groups have still to settle      settings.c     URL, options, refused properties
 *     committed.c  committed offsets of any group        topic.c        metadata and limits of a topic
 *     probe.c      the first message from an offset on   error.c        librdkafka's codes as statuses
 *     instance.c   one live process per instance name */
#include "kafka.h"

#include <assert.h>
#include <msp_transport_kafka.h>
#include <stdlib.h>

static const char *const SCHEMES[] = {"kafka", NULL};

static struct kafka_transport *transport_cast(struct msp_transport *transport)
{
	assert(transport && transport->ops == &msp_transport_kafka);
	return (struct kafka_transport *)transport;
}

static enum msp_status transport_open(const struct msp_transport_config *config, struct msp_transport **ret_transport,
                                      struct msp_error *err)
{
	struct kafka_transport *transport = calloc(1, sizeof(*transport));
	if (!transport)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a transport");
	enum msp_status status = kafka_settings_init(&transport->settings, config, err);
	if (status != MSP_OK) {
		free(transport);
		return status;
	}
	transport->base.ops = &msp_transport_kafka;
	*ret_transport = &transport->base;
	return MSP_OK;
}

static enum msp_status transport_consumer_open(struct msp_transport *base, const struct msp_consumer_config *config,
                                               struct msp_consumer **ret_consumer, struct msp_error *err)
{
	return kafka_consumer_open(&transport_cast(base)->settings, config, ret_consumer, err);
}

static enum msp_status transport_producer_open(struct msp_transport *base, struct msp_producer **ret_producer,
                                               struct msp_error *err)
{
	return kafka_producer_open(&transport_cast(base)->settings, ret_producer, err);
}

static enum msp_status transport_reader_open(struct msp_transport *base, const struct msp_reader_config *config,
                                             struct msp_reader **ret_reader, struct msp_error *err)
{
	return kafka_reader_open(&transport_cast(base)->settings, config, ret_reader, err);
}

static enum msp_status transport_admin_open(struct msp_transport *base, struct msp_admin **ret_admin,
                                            struct msp_error *err)
{
	return kafka_admin_open(&transport_cast(base)->settings, ret_admin, err);
}

static void transport_free(struct msp_transport *base)
{
	if (!base)
		return;
	struct kafka_transport *transport = transport_cast(base);
	kafka_settings_done(&transport->settings);
	free(transport);
}

const struct msp_transport_ops msp_transport_kafka = {
    .name = "kafka",
    .schemes = SCHEMES,
    .options = &kafka_option_table,
    .property_check = kafka_property_check,
    .open = transport_open,
    .consumer_open = transport_consumer_open,
    .producer_open = transport_producer_open,
    .reader_open = transport_reader_open,
    .admin_open = transport_admin_open,
    .free = transport_free,
};
