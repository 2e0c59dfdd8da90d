#include "publish.h"
#include "transport.h"
#include <assert.h>
#include <msp/backoff.h>
#include <stdlib.h>

struct lite_producer {
	struct msp_producer base;
	struct lite_transport *transport; /* borrowed */
	struct lite_db db;
	struct lite_topic topic; /* the one of the last send */
	struct msp_buffer scratch;
	uint64_t spread;                  /* messages sent so far: where those without key and partition go */
	char too_large[LITE_REASON_SIZE]; /* why a message is rejected */
};

static const struct msp_producer_ops PRODUCER_OPS; /* at the end */

static struct lite_producer *producer_cast(struct msp_producer *producer)
{
	assert(producer && producer->ops == &PRODUCER_OPS);
	return (struct lite_producer *)producer;
}

static enum msp_status send_in_transaction(struct lite_producer *producer, const char *topic,
                                           const struct msp_outgoing *outgoing, size_t count, struct msp_error *err)
{
	int64_t now_ms = msp_wall_ms();
	uint64_t spread = producer->spread;
	enum msp_status status = lite_publish_begin(&producer->db, &producer->topic, topic, err);
	for (size_t i = 0; i < count && status == MSP_OK; i++) {
		if (outgoing[i].state != MSP_OUTGOING_PENDING || !lite_publish_fits(&producer->topic, &outgoing[i].message))
			continue;
		status = lite_publish_append(&producer->db, &producer->topic, &outgoing[i].message, spread++, now_ms,
		                             &producer->scratch, err);
	}
	if (status == MSP_OK)
		status = lite_publish_end(&producer->db, &producer->topic, now_ms, err);
	if (status == MSP_OK)
		status = lite_db_commit(&producer->db, err);
	if (status == MSP_OK)
		producer->spread = spread;
	return status;
}

static void verdicts_set(struct lite_producer *producer, struct msp_outgoing *outgoing, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (outgoing[i].state != MSP_OUTGOING_PENDING)
			continue;
		if (lite_publish_fits(&producer->topic, &outgoing[i].message))
			outgoing[i].state = MSP_OUTGOING_PUBLISHED;
		else
			lite_publish_reject(&producer->topic, producer->too_large, &outgoing[i]);
	}
}

/* All or nothing: what fits is published in one transaction. */
static enum msp_status producer_send(struct msp_producer *base, const char *topic, struct msp_outgoing *outgoing,
                                     size_t count, int timeout_ms, struct msp_error *err)
{
	struct lite_producer *producer = producer_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	enum msp_status status = MSP_OK;
	if (!producer->db.handle || lite_db_has_moved(&producer->db)) {
		lite_topic_done(&producer->topic);
		lite_db_close(&producer->db);
		status = lite_file_connect(&producer->transport->file, false, deadline_ms, &producer->db, err);
	}
	if (status == MSP_OK)
		status = lite_db_begin_write(&producer->db, deadline_ms, err);
	if (status == MSP_OK)
		status = send_in_transaction(producer, topic, outgoing, count, err);
	lite_db_rollback(&producer->db);
	if (status != MSP_OK)
		return status;
	verdicts_set(producer, outgoing, count);
	lite_file_notify(&producer->transport->file);
	return MSP_OK;
}

static void producer_free(struct msp_producer *base)
{
	if (!base)
		return;
	struct lite_producer *producer = producer_cast(base);
	lite_topic_done(&producer->topic);
	lite_db_close(&producer->db);
	msp_buffer_done(&producer->scratch);
	free(producer);
}

static const struct msp_producer_ops PRODUCER_OPS = {
    .send = producer_send,
    .free = producer_free,
};

enum msp_status lite_producer_open(struct lite_transport *transport, struct msp_producer **ret_producer,
                                   struct msp_error *err)
{
	struct lite_producer *producer = calloc(1, sizeof(*producer));
	if (!producer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a producer");
	producer->base.ops = &PRODUCER_OPS;
	producer->transport = transport;
	msp_buffer_init(&producer->scratch, SIZE_MAX);
	*ret_producer = &producer->base;
	return MSP_OK;
}
