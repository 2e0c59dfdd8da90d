#include "entry.h"
#include "reply.h"
#include "transport.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdlib.h>

struct redis_producer {
	struct msp_producer base;
	struct redis_client client;
	/* of the call */
	const char *topic;
	struct msp_outgoing *outgoing;
	struct msp_error failure; /* the last one of a message that stays pending */
};

static const struct msp_producer_ops PRODUCER_OPS;

static struct redis_producer *producer_cast(struct msp_producer *producer)
{
	assert(producer && producer->ops == &PRODUCER_OPS);
	return (struct redis_producer *)producer;
}

static void producer_reply(void *context, size_t index, redisReply *reply)
{
	struct redis_producer *producer = context;
	if (reply->type == REDIS_REPLY_STRING) {
		producer->outgoing[index].state = MSP_OUTGOING_PUBLISHED;
	} else if (reply->type == REDIS_REPLY_NIL) {
		msp_error_set(&producer->failure, MSP_E_NOT_FOUND, "topic %s does not exist", producer->topic);
		producer->failure.retriable = true;
	} else {
		redis_reply_error(producer->topic, reply, &producer->failure);
	}
	freeReplyObject(reply);
}

static void message_put(struct redis_producer *producer, size_t index)
{
	struct msp_outgoing *outgoing = &producer->outgoing[index];
	struct redis_output *out = &producer->client.link.out;
	outgoing->reason = redis_entry_refusal(&outgoing->message);
	if (outgoing->reason) {
		outgoing->state = MSP_OUTGOING_REJECTED;
		return;
	}
	redis_put_array(out, 4 + 2 * redis_entry_fields(&outgoing->message));
	redis_put_string(out, "XADD");
	redis_put_string(out, producer->topic);
	redis_put_string(out, "NOMKSTREAM");
	redis_put_string(out, "*");
	redis_entry_put(out, &outgoing->message, REDIS_ENTRY_ALL);
	redis_link_expect(&producer->client.link, 0, index);
}

static enum msp_status producer_send(struct msp_producer *base, const char *topic, struct msp_outgoing *outgoing,
                                     size_t count, int timeout_ms, struct msp_error *err)
{
	struct redis_producer *producer = producer_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_status status = redis_client_ready(&producer->client, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	producer->topic = topic;
	producer->outgoing = outgoing;
	producer->failure.status = MSP_OK;
	for (size_t i = 0; i < count; i++) {
		if (outgoing[i].state == MSP_OUTGOING_PENDING)
			message_put(producer, i);
	}
	status = redis_client_finish(&producer->client, deadline_ms, err);
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
	struct redis_producer *producer = producer_cast(base);
	redis_client_done(&producer->client);
	free(producer);
}

enum msp_status redis_producer_open(struct redis_transport *transport, struct msp_producer **ret_producer,
                                    struct msp_error *err)
{
	struct redis_producer *producer = calloc(1, sizeof(*producer));
	if (!producer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a producer");
	producer->base.ops = &PRODUCER_OPS;
	redis_client_init(&producer->client, &transport->endpoint, "msp-producer");
	producer->client.on_reply = producer_reply;
	producer->client.context = producer;
	*ret_producer = &producer->base;
	return MSP_OK;
}

static const struct msp_producer_ops PRODUCER_OPS = {
    .send = producer_send,
    .free = producer_free,
};
