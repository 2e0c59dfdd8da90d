#include "publish.h"
#include "transport.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdlib.h>

struct sqlite_producer {
	struct msp_producer base;
	struct sqlite_transport *transport; /* borrowed */
	struct sqlite_db db;
	struct sqlite_topic topic; /* the one of the last send */
	struct msp_buffer scratch;
	uint64_t spread;                    /* messages sent so far: where those without key and partition go */
	char too_large[SQLITE_REASON_SIZE]; /* why a message is rejected */
};

static struct sqlite_producer *producer_cast(struct msp_producer *producer)
{
	assert(producer);
	return (struct sqlite_producer *)producer;
}

static enum msp_status send_in_transaction(struct sqlite_producer *producer, const char *topic,
                                           const struct msp_outgoing *outgoing, size_t count, struct msp_error *err)
{
	int64_t now_ms = msp_wall_ms();
	uint64_t spread = producer->spread;
	enum msp_status status = sqlite_publish_begin(&producer->db, &producer->topic, topic, err);
	for (size_t i = 0; i < count && status == MSP_OK; i++) {
		if (outgoing[i].state != MSP_OUTGOING_PENDING || !sqlite_publish_fits(&producer->topic, &outgoing[i].message))
			continue;
		status = sqlite_publish_append(&producer->db, &producer->topic, &outgoing[i].message, spread++, now_ms,
		                               &producer->scratch, err);
	}
	if (status == MSP_OK)
		status = sqlite_publish_end(&producer->db, &producer->topic, now_ms, err);
	if (status == MSP_OK)
		status = sqlite_db_commit(&producer->db, err);
	if (status == MSP_OK)
		producer->spread = spread;
	return status;
}

static void results_set(struct sqlite_producer *producer, struct msp_outgoing *outgoing, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (outgoing[i].state != MSP_OUTGOING_PENDING)
			continue;
		if (sqlite_publish_fits(&producer->topic, &outgoing[i].message))
			outgoing[i].state = MSP_OUTGOING_PUBLISHED;
		else
			sqlite_publish_reject(&producer->topic, producer->too_large, &outgoing[i]);
	}
}

/* All or nothing: what fits is published in one transaction. */
static enum msp_status producer_send(struct msp_producer *base, const char *topic, struct msp_outgoing *outgoing,
                                     size_t count, int timeout_ms, struct msp_error *err)
{
	struct sqlite_producer *producer = producer_cast(base);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_status status = MSP_OK;
	if (!producer->db.handle || sqlite_db_has_moved(&producer->db)) {
		sqlite_topic_done(&producer->topic);
		sqlite_db_close(&producer->db);
		status = sqlite_file_connect(&producer->transport->file, false, deadline_ms, &producer->db, err);
	}
	if (status == MSP_OK)
		status = sqlite_db_begin_write(&producer->db, deadline_ms, err);
	if (status == MSP_OK)
		status = send_in_transaction(producer, topic, outgoing, count, err);
	sqlite_db_rollback(&producer->db);
	if (status != MSP_OK)
		return status;
	results_set(producer, outgoing, count);
	sqlite_file_notify(&producer->transport->file);
	return MSP_OK;
}

static void producer_free(struct msp_producer *base)
{
	if (!base)
		return;
	struct sqlite_producer *producer = producer_cast(base);
	sqlite_topic_done(&producer->topic);
	sqlite_db_close(&producer->db);
	msp_buffer_done(&producer->scratch);
	free(producer);
}

static const struct msp_producer_ops PRODUCER_OPS = {
    .send = producer_send,
    .free = producer_free,
};

enum msp_status sqlite_producer_open(struct sqlite_transport *transport, struct msp_producer **ret_producer,
                                     struct msp_error *err)
{
	struct sqlite_producer *producer = calloc(1, sizeof(*producer));
	if (!producer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a producer");
	producer->base.ops = &PRODUCER_OPS;
	producer->transport = transport;
	msp_buffer_init(&producer->scratch, SIZE_MAX);
	*ret_producer = &producer->base;
	return MSP_OK;
}
