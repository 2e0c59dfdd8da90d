#include "entry.h"
#include "reply.h"
#include "transport.h"
#include <assert.h>
#include <msp/backoff.h>
#include <stdlib.h>

struct rds_producer {
	struct msp_producer base;
	struct rds_client client;
	/* of the call */
	const char *topic;
	struct msp_outgoing *outgoing;
	struct msp_error failure; /* the last one of a message that stays pending */
};

static const struct msp_producer_ops PRODUCER_OPS; /* at the end */

static struct rds_producer *producer_cast(struct msp_producer *producer)
{
	assert(producer && producer->ops == &PRODUCER_OPS);
	return (struct rds_producer *)producer;
}

static void producer_reply(void *context, size_t index, redisReply *reply)
{
	struct rds_producer *producer = context;
	if (reply->type == REDIS_REPLY_STRING) {
		producer->outgoing[index].state = MSP_OUTGOING_PUBLISHED;
	} else if (reply->type == REDIS_REPLY_NIL) {
		msp_error_set(&producer->failure, MSP_E_NOT_FOUND, "topic %s does not exist", producer->topic);
		producer->failure.retriable = true;
	} else {
		rds_reply_error(producer->topic, reply, &producer->failure);
	}
	freeReplyObject(reply);
}

static void message_put(struct rds_producer *producer, size_t index)
{
	struct msp_outgoing *outgoing = &producer->outgoing[index];
	struct rds_link *link = &producer->client.link;
	outgoing->reason = rds_entry_refusal(&outgoing->message);
	if (outgoing->reason) {
		outgoing->state = MSP_OUTGOING_REJECTED;
		return;
	}
	rds_put_array(link, 4 + 2 * rds_entry_fields(&outgoing->message));
	rds_put_string(link, "XADD");
	rds_put_string(link, producer->topic);
	rds_put_string(link, "NOMKSTREAM");
	rds_put_string(link, "*");
	rds_entry_put(link, &outgoing->message, RDS_ENTRY_ALL);
	rds_link_expect(link, 0, index);
}

static enum msp_status producer_send(struct msp_producer *base, const char *topic, struct msp_outgoing *outgoing,
                                     size_t count, int timeout_ms, struct msp_error *err)
{
	struct rds_producer *producer = producer_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	enum msp_status status = rds_client_ready(&producer->client, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	producer->topic = topic;
	producer->outgoing = outgoing;
	producer->failure.status = MSP_OK;
	for (size_t i = 0; i < count; i++) {
		if (outgoing[i].state == MSP_OUTGOING_PENDING)
			message_put(producer, i);
	}
	status = rds_client_finish(&producer->client, deadline_ms, err);
	if (status != MSP_OK || producer->failure.status == MSP_OK)
		return status;
	if (err)
		*err = producer->failure;
	return producer->failure.status;
}

static void producer_free(struct msp_producer *base)
{
	if (!base)
		return;
	struct rds_producer *producer = producer_cast(base);
	rds_client_done(&producer->client);
	free(producer);
}

static const struct msp_producer_ops PRODUCER_OPS = {
    .send = producer_send,
    .free = producer_free,
};

enum msp_status rds_producer_open(struct rds_transport *transport, struct msp_producer **ret_producer,
                                  struct msp_error *err)
{
	struct rds_producer *producer = calloc(1, sizeof(*producer));
	if (!producer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a producer");
	producer->base.ops = &PRODUCER_OPS;
	rds_client_init(&producer->client, &transport->server, "msp-producer");
	producer->client.on_reply = producer_reply;
	producer->client.context = producer;
	*ret_producer = &producer->base;
	return MSP_OK;
}
