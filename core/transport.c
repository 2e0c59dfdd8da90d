/* The calls to a transport's objects: each asserts the contract of transport.h and passes on. */
#include <msp/transport.h>

#include <msp/clock.h>

#include <assert.h>

/* ---- consumer ---- */

static void consumer_note_time(struct msp_consumer *consumer, int64_t deadline_ms)
{
	int64_t overrun_ms = msp_monotonic_ms() - deadline_ms;
	if (overrun_ms > consumer->longest_overrun_ms)
		consumer->longest_overrun_ms = (int)overrun_ms;
}

enum msp_status msp_consumer_receive(struct msp_consumer *consumer, const struct msp_receive_limits *limits,
                                     struct msp_batch **ret_batch, struct msp_error *err)
{
	assert(limits->max_messages > 0 && limits->max_bytes > 0);
	assert(consumer->batches < 2);
	int64_t deadline_ms = msp_deadline_in(limits->timeout_ms);
	struct msp_batch *batch = NULL;
	enum msp_status status = consumer->ops->receive(consumer, limits, &batch, err);
	consumer_note_time(consumer, deadline_ms);
	assert(!batch || (status == MSP_OK && batch->count > 0 && batch->count <= limits->max_messages));
	consumer->batches += batch != NULL;
	*ret_batch = batch;
	return status;
}

enum msp_status msp_consumer_serve(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	assert(!consumer->in_flight);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_status status = consumer->ops->serve(consumer, timeout_ms, err);
	consumer_note_time(consumer, deadline_ms);
	return status;
}

void msp_consumer_batch_free(struct msp_consumer *consumer, struct msp_batch *batch)
{
	if (!batch)
		return;
	assert(batch != consumer->in_flight && consumer->batches > 0);
	consumer->batches--;
	consumer->ops->batch_free(consumer, batch);
}

void msp_consumer_settle_begin(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	assert(!consumer->in_flight);
	int64_t now_ms = msp_monotonic_ms();
	consumer->in_flight = batch;
	consumer->ops->settle_begin(consumer, batch, outgoing);
	consumer_note_time(consumer, now_ms);
}

enum msp_settle_answer msp_consumer_settle_wait(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	assert(consumer->in_flight);
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_settle_answer answer = consumer->ops->settle_wait(consumer, timeout_ms, err);
	consumer_note_time(consumer, deadline_ms);
	if (answer != MSP_SETTLE_AGAIN)
		consumer->in_flight = NULL;
	return answer;
}

void msp_consumer_wake(struct msp_consumer *consumer)
{
	consumer->ops->wake(consumer);
}

void msp_consumer_stats(struct msp_consumer *consumer, struct msp_consumer_stats *ret_stats)
{
	*ret_stats = (struct msp_consumer_stats){
	    .connections_up = -1,
	    .connections_down = -1,
	    .prefetched_messages = -1,
	    .prefetched_bytes = -1,
	    .round_trip_us = -1,
	};
	if (consumer->ops->stats)
		consumer->ops->stats(consumer, ret_stats);
}

void msp_consumer_free(struct msp_consumer *consumer)
{
	if (consumer)
		consumer->ops->free(consumer);
}

/* ---- producer ---- */

enum msp_status msp_producer_send(struct msp_producer *producer, const char *topic, struct msp_outgoing *outgoing,
                                  size_t count, int timeout_ms, struct msp_error *err)
{
	return producer->ops->send(producer, topic, outgoing, count, timeout_ms, err);
}

void msp_producer_free(struct msp_producer *producer)
{
	if (producer)
		producer->ops->free(producer);
}

/* ---- reader ---- */

enum msp_status msp_reader_read(struct msp_reader *reader, const struct msp_receive_limits *limits,
                                const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
                                struct msp_error *err)
{
	return reader->ops->read(reader, limits, ret_messages, ret_count, ret_end, err);
}

void msp_reader_wake(struct msp_reader *reader)
{
	reader->ops->wake(reader);
}

void msp_reader_free(struct msp_reader *reader)
{
	if (reader)
		reader->ops->free(reader);
}

/* ---- admin ---- */

enum msp_status msp_admin_topic_create(struct msp_admin *admin, const struct msp_topic_spec *spec, int timeout_ms,
                                       struct msp_error *err)
{
	return admin->ops->topic_create(admin, spec, timeout_ms, err);
}

enum msp_status msp_admin_topic_delete(struct msp_admin *admin, const char *topic, int timeout_ms,
                                       struct msp_error *err)
{
	return admin->ops->topic_delete(admin, topic, timeout_ms, err);
}

enum msp_status msp_admin_topic_list(struct msp_admin *admin, void (*visit)(void *context, const char *topic),
                                     void *context, int timeout_ms, struct msp_error *err)
{
	return admin->ops->topic_list(admin, visit, context, timeout_ms, err);
}

enum msp_status msp_admin_topic_describe(struct msp_admin *admin, const char *topic, struct msp_topic_info **ret_info,
                                         int timeout_ms, struct msp_error *err)
{
	return admin->ops->topic_describe(admin, topic, ret_info, timeout_ms, err);
}

enum msp_status msp_admin_group_lag(struct msp_admin *admin, const char *group, const char *topic,
                                    const struct msp_topic_info *until, struct msp_group_lag **ret_lag, int timeout_ms,
                                    struct msp_error *err)
{
	return admin->ops->group_lag(admin, group, topic, until, ret_lag, timeout_ms, err);
}

int64_t msp_group_lag_messages(const struct msp_group_lag *lag)
{
	int64_t messages = 0;
	for (size_t i = 0; i < lag->partition_count; i++)
		messages += lag->partitions[i].messages;
	return messages;
}

void msp_admin_free(struct msp_admin *admin)
{
	if (admin)
		admin->ops->free(admin);
}

/* ---- transport ---- */

enum msp_status msp_transport_consumer_open(struct msp_transport *transport, const struct msp_consumer_config *config,
                                            struct msp_consumer **ret_consumer, struct msp_error *err)
{
	return transport->ops->consumer_open(transport, config, ret_consumer, err);
}

enum msp_status msp_transport_producer_open(struct msp_transport *transport, struct msp_producer **ret_producer,
                                            struct msp_error *err)
{
	return transport->ops->producer_open(transport, ret_producer, err);
}

enum msp_status msp_transport_reader_open(struct msp_transport *transport, const struct msp_reader_config *config,
                                          struct msp_reader **ret_reader, struct msp_error *err)
{
	return transport->ops->reader_open(transport, config, ret_reader, err);
}

enum msp_status msp_transport_admin_open(struct msp_transport *transport, struct msp_admin **ret_admin,
                                         struct msp_error *err)
{
	return transport->ops->admin_open(transport, ret_admin, err);
}

void msp_transport_free(struct msp_transport *transport)
{
	if (transport)
		transport->ops->free(transport);
}
