#include "publication.h"

#include <assert.h>
#include <msp/backoff.h>
#include <stdlib.h>

#define SLICE_MS         50
#define ABANDON_GRACE_MS 200

struct kafka_producer {
	struct msp_producer base;
	struct kafka_publisher publisher;
};

static struct kafka_producer *producer_cast(struct msp_producer *producer)
{
	assert(producer);
	return (struct kafka_producer *)producer;
}

/* A producer has one topic at a time: all messages travel by the route outputs. */
static enum msp_status producer_use_topic(struct kafka_producer *producer, const char *topic, int timeout_ms,
                                          struct msp_error *err)
{
	const char *used = producer->publisher.names[MSP_ROUTE_OUTPUTS];
	enum msp_status status = kafka_publisher_start(&producer->publisher, err); /* a renewal may have failed */
	if (status == MSP_OK && (!used || strcmp(used, topic) != 0))
		status = kafka_publisher_name_topic(&producer->publisher, MSP_ROUTE_OUTPUTS, topic, err);
	if (status == MSP_OK)
		status = kafka_publisher_open_topic(&producer->publisher, MSP_ROUTE_OUTPUTS, timeout_ms, err);
	if (status == MSP_OK && producer->publisher.outdated)
		status = kafka_publisher_renew(&producer->publisher, NULL, err);
	return status;
}

static enum msp_status publication_finish(struct kafka_publication *publication, int64_t deadline_ms,
                                          struct msp_error *err)
{
	struct kafka_publisher *publisher = publication->publisher;
	struct msp_error why = {.status = MSP_OK};
	for (;;) {
		int left_ms = kafka_left_ms(deadline_ms);
		enum kafka_progress progress =
		    kafka_publication_step(publication, left_ms < SLICE_MS ? left_ms : SLICE_MS, &why);
		if (progress == KAFKA_DONE && kafka_publication_is_oversized(publication)) {
			kafka_publication_shrink(publication);
			return kafka_publisher_renew(publisher, publication->flight, err);
		}
		if (progress == KAFKA_DONE)
			return MSP_OK;
		if (progress == KAFKA_FAILURE && kafka_publisher_is_broken(publisher)) {
			enum msp_status status = kafka_publisher_renew(publisher, publication->flight, err);
			if (status != MSP_OK)
				return status;
		}
		if (left_ms == 0 || (progress == KAFKA_FAILURE && why.status != MSP_E_UNAVAILABLE))
			break;
	}
	if (why.status == MSP_OK)
		return kafka_client_error(&publisher->client, RD_KAFKA_RESP_ERR__TIMED_OUT, err, "not acknowledged");
	if (err)
		*err = why;
	return why.status;
}

static enum msp_status producer_send(struct msp_producer *base, const char *topic, struct msp_outgoing *outgoing,
                                     size_t count, int timeout_ms, struct msp_error *err)
{
	struct kafka_producer *producer = producer_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	for (size_t i = 0; i < count; i++)
		outgoing[i].route = MSP_ROUTE_OUTPUTS;
	enum msp_status status = producer_use_topic(producer, topic, timeout_ms, err);
	struct kafka_publication publication;
	if (status == MSP_OK)
		status = kafka_publication_begin(&publication, &producer->publisher, outgoing, count, false, err);
	if (status != MSP_OK)
		return status;
	status = publication_finish(&publication, deadline_ms, err);
	if (status != MSP_OK && producer->publisher.client.rk) {
		/* What waits in the queue is taken back, so that the caller may send it again. */
		rd_kafka_purge(producer->publisher.client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(producer->publisher.client.rk, ABANDON_GRACE_MS);
	}
	kafka_publication_collect(&publication);
	if (status == MSP_E_NOT_FOUND)
		kafka_publisher_forget_topics(&producer->publisher);
	kafka_publication_end(&publication);
	return status;
}

static void producer_free(struct msp_producer *base)
{
	if (!base)
		return;
	struct kafka_producer *producer = producer_cast(base);
	kafka_publisher_done(&producer->publisher);
	free(producer);
}

static const struct msp_producer_ops PRODUCER_OPS = {
    .send = producer_send,
    .free = producer_free,
};

enum msp_status kafka_producer_open(const struct kafka_settings *settings, struct msp_producer **ret_producer,
                                    struct msp_error *err)
{
	struct kafka_producer *producer = calloc(1, sizeof(*producer));
	if (!producer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a producer");
	producer->base.ops = &PRODUCER_OPS;
	enum msp_status status = kafka_publisher_init(&producer->publisher, settings, NULL, err);
	if (status == MSP_OK)
		status = kafka_publisher_start(&producer->publisher, err);
	if (status != MSP_OK) {
		free(producer);
		return status;
	}
	*ret_producer = &producer->base;
	return MSP_OK;
}
