#include "publisher.h"
#include "error.h"
#include "topic.h"

#include <assert.h>
#include <msp/backoff.h>
#include <msp/log.h>
#include <stdlib.h>

#define PURGE_TIMEOUT_MS 200
/* What a record batch adds to its records, with room for a name and an epoch that grow. */
#define BATCH_OVERHEAD 512

/* ---- flights ---- */

struct kafka_flight *kafka_flight_new(struct msp_outgoing *outgoing, size_t count, bool transactional)
{
	struct kafka_flight *flight = calloc(1, sizeof(*flight) + count * sizeof(flight->tickets[0]));
	if (!flight)
		return NULL;
	flight->outgoing = outgoing;
	flight->count = count;
	flight->transactional = transactional;
	for (size_t i = 0; i < count; i++)
		flight->tickets[i] = (struct kafka_ticket){
		    .flight = flight, .partition = outgoing[i].message.partition, .route = outgoing[i].route};
	return flight;
}

void kafka_flight_abandon(struct kafka_publisher *publisher, struct kafka_flight *flight)
{
	if (!flight)
		return;
	if (flight->on_the_way == 0) {
		free(flight);
		return;
	}
	flight->abandoned = true;
	flight->outgoing = NULL;
	flight->next = publisher->abandoned;
	publisher->abandoned = flight;
}

static void abandoned_free(struct kafka_publisher *publisher, bool all)
{
	for (struct kafka_flight **link = &publisher->abandoned; *link;) {
		struct kafka_flight *flight = *link;
		if (all || flight->on_the_way == 0) {
			*link = flight->next;
			free(flight);
		} else {
			link = &flight->next;
		}
	}
}

static void delivery_reported(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void)rk;
	struct kafka_client *client = opaque;
	struct kafka_ticket *ticket = message->_private;
	struct kafka_flight *flight = ticket->flight;
	flight->on_the_way--;
	ticket->code = message->err;
	if (!message->err) {
		client->down = false;
		ticket->state = KAFKA_DELIVERED;
	} else if (kafka_is_refusal(message->err)) {
		ticket->state = KAFKA_REFUSED;
		flight->refused++;
	} else {
		ticket->state = KAFKA_UNDELIVERED;
		if (flight->undelivered++ == 0) {
			flight->failure = message->err;
			flight->failed_route = ticket->route;
		}
	}
	if (flight->abandoned && flight->on_the_way == 0)
		abandoned_free(client->owner, false);
}

/* ---- the client ---- */

/* The partition of the input's number where the topic has it, otherwise by key as Java clients do, otherwise any.
 * [any thread: librdkafka also asks when it learns of the topic's partitions] */
static int32_t partition_choose(const rd_kafka_topic_t *topic, const void *key, size_t key_size,
                                int32_t partition_count, void *topic_opaque, void *message_opaque)
{
	const struct kafka_ticket *ticket = message_opaque;
	if (ticket->partition >= 0 && ticket->partition < partition_count)
		return ticket->partition;
	if (key)
		return msp_partition_of_key(msp_bytes_of(key, key_size), partition_count);
	return rd_kafka_msg_partitioner_random(topic, NULL, 0, partition_count, topic_opaque, message_opaque);
}

enum msp_status kafka_publisher_start(struct kafka_publisher *publisher, struct msp_error *err)
{
	rd_kafka_conf_t *conf;
	if (publisher->client.rk)
		return MSP_OK;
	enum msp_status status = kafka_conf_new(publisher->settings, KAFKA_PRODUCER, &conf, err);
	if (status != MSP_OK)
		return status;
	if (publisher->transactional_id) {
		kafka_conf_set(conf, "transactional.id", publisher->transactional_id);
		kafka_conf_set_number(conf, "transaction.timeout.ms", publisher->settings->options.transaction_timeout_ms);
	} else {
		kafka_conf_set(conf, "message.timeout.ms", "0");
	}
	if (publisher->batch_bytes)
		kafka_conf_set_number(conf, "batch.size", (int64_t)publisher->batch_bytes);
	rd_kafka_conf_set_dr_msg_cb(conf, delivery_reported);
	/* For all topics: a topic that librdkafka knows already does not take a configuration of its own. */
	rd_kafka_topic_conf_set_partitioner_cb(rd_kafka_conf_get_default_topic_conf(conf), partition_choose);
	return kafka_client_init(&publisher->client, RD_KAFKA_PRODUCER, conf, publisher, err);
}

enum msp_status kafka_publisher_init(struct kafka_publisher *publisher, const struct kafka_settings *settings,
                                     const char *transactional_id, struct msp_error *err)
{
	*publisher = (struct kafka_publisher){.settings = settings};
	if (transactional_id && !(publisher->transactional_id = strdup(transactional_id)))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a producer");
	return MSP_OK;
}

static void topics_close(struct kafka_publisher *publisher)
{
	for (size_t i = 0; i < 2; i++) {
		if (publisher->topics[i])
			rd_kafka_topic_destroy(publisher->topics[i]);
		publisher->topics[i] = NULL;
	}
}

/* Destroys the client. No report comes afterwards. */
static void publisher_stop(struct kafka_publisher *publisher)
{
	if (!publisher->client.rk)
		return;
	topics_close(publisher);
	rd_kafka_purge(publisher->client.rk,
	               RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	rd_kafka_flush(publisher->client.rk, PURGE_TIMEOUT_MS);
	kafka_client_done(&publisher->client);
	abandoned_free(publisher, true);
}

void kafka_publisher_done(struct kafka_publisher *publisher)
{
	publisher_stop(publisher);
	for (size_t i = 0; i < 2; i++)
		free(publisher->names[i]);
	free(publisher->transactional_id);
	*publisher = (struct kafka_publisher){0};
}

bool kafka_publisher_is_broken(const struct kafka_publisher *publisher)
{
	return publisher->client.rk && rd_kafka_fatal_error(publisher->client.rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- topics ---- */

static enum msp_status topic_handle_open(struct kafka_publisher *publisher, size_t route, struct msp_error *err)
{
	publisher->topics[route] = rd_kafka_topic_new(publisher->client.rk, publisher->names[route], NULL);
	if (!publisher->topics[route])
		return kafka_error_set(err, rd_kafka_last_error(), NULL, "topic %s", publisher->names[route]);
	return MSP_OK;
}

enum msp_status kafka_publisher_renew(struct kafka_publisher *publisher, struct kafka_flight *flight,
                                      struct msp_error *err)
{
	for (size_t i = 0; i < 2; i++)
		publisher->reopen[i] |= publisher->topics[i] != NULL;
	publisher_stop(publisher);
	if (flight) {
		flight->on_the_way = 0;
		for (size_t i = 0; i < flight->count; i++)
			if (flight->tickets[i].state == KAFKA_SENT)
				flight->tickets[i].state = KAFKA_UNSENT;
	}
	enum msp_status status = kafka_publisher_start(publisher, err);
	for (size_t i = 0; i < 2 && status == MSP_OK; i++)
		if (publisher->reopen[i] && (status = topic_handle_open(publisher, i, err)) == MSP_OK)
			publisher->reopen[i] = false;
	publisher->outdated = status != MSP_OK;
	return status;
}

/* The limit of the broker is on record batches: ours stay below it, so that a refused one holds one message that is too
 * large by itself. */
static void limit_learn(struct kafka_publisher *publisher, size_t max_bytes)
{
	if (!max_bytes || (publisher->max_message_bytes && publisher->max_message_bytes <= max_bytes))
		return;
	publisher->max_message_bytes = max_bytes;
	size_t batch_bytes = max_bytes > 2 * BATCH_OVERHEAD ? max_bytes - BATCH_OVERHEAD : 1;
	if (batch_bytes >= KAFKA_BATCH_BYTES)
		return;
	publisher->batch_bytes = batch_bytes;
	publisher->outdated = true;
}

enum msp_status kafka_publisher_name_topic(struct kafka_publisher *publisher, enum msp_route route, const char *name,
                                           struct msp_error *err)
{
	char *copy = strdup(name);
	if (!copy)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a topic");
	free(publisher->names[route]);
	publisher->names[route] = copy;
	if (publisher->topics[route])
		rd_kafka_topic_destroy(publisher->topics[route]);
	publisher->topics[route] = NULL;
	return MSP_OK;
}

enum msp_status kafka_publisher_open_topic(struct kafka_publisher *publisher, enum msp_route route, int timeout_ms,
                                           struct msp_error *err)
{
	int32_t count;
	if (publisher->topics[route])
		return MSP_OK;
	const char *name = publisher->names[route];
	enum msp_status status = kafka_topic_partition_count(&publisher->client, name, timeout_ms, &count, err);
	if (status != MSP_OK)
		return status;
	limit_learn(publisher, kafka_topic_max_bytes(&publisher->client, name, timeout_ms));
	return topic_handle_open(publisher, route, err);
}

void kafka_publisher_forget_topics(struct kafka_publisher *publisher)
{
	topics_close(publisher);
}

/* ---- messages ---- */

static rd_kafka_headers_t *headers_new(const struct msp_message *message)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(message->header_count);
	for (size_t i = 0; i < message->header_count; i++) {
		const struct msp_header *header = &message->headers[i];
		/* librdkafka takes size -1 for strlen: an empty name must say 0 and have an address. */
		rd_kafka_header_add(headers, header->name.data ? header->name.data : "", (ssize_t)header->name.size,
		                    header->value.data, (ssize_t)header->value.size);
	}
	return headers;
}

rd_kafka_resp_err_t kafka_publisher_send(struct kafka_publisher *publisher, struct kafka_flight *flight, size_t index)
{
	const struct msp_outgoing *outgoing = &flight->outgoing[index];
	const struct msp_message *message = &outgoing->message;
	struct kafka_ticket *ticket = &flight->tickets[index];
	rd_kafka_topic_t *topic = publisher->topics[outgoing->route];
	assert(topic);
	rd_kafka_headers_t *headers = message->header_count ? headers_new(message) : NULL;
	/* librdkafka takes 0 for "now", and has no way to say 1970. */
	int64_t timestamp_ms = message->timestamp_ms == MSP_TIMESTAMP_NONE ? 0 : message->timestamp_ms;
	rd_kafka_vu_t arguments[] = {
	    {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
	    {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = RD_KAFKA_PARTITION_UA},
	    {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
	    {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)message->value.data, message->value.size}},
	    {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)message->key.data, message->key.size}},
	    {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp_ms},
	    {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = ticket},
	    {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
	};
	size_t count = sizeof(arguments) / sizeof(arguments[0]) - (headers ? 0 : 1);
	rd_kafka_error_t *error = rd_kafka_produceva(publisher->client.rk, arguments, count);
	if (!error) {
		ticket->state = KAFKA_SENT;
		flight->on_the_way++;
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	}
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	if (headers)
		rd_kafka_headers_destroy(headers);
	return code;
}
