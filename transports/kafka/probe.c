#include "probe.h"
#include "batch.h"
#include "topic.h"

#include <msp/message.h>
#include <string.h>

#define NUDGE_MS     1
#define NUDGE_MAX_MS 100

/* ---- one probe ---- */

static struct kafka_probe *probe_find(const struct kafka_prober *prober, const char *topic, int32_t partition)
{
	struct kafka_probe *probe = prober->running;
	while (probe && (probe->partition != partition || strcmp(rd_kafka_topic_name(probe->topic), topic) != 0))
		probe = probe->next;
	return probe;
}

static void probe_stop(struct kafka_prober *prober, struct kafka_probe *probe)
{
	struct kafka_probe **link = &prober->running;
	if (!probe->topic)
		return;
	while (*link != probe)
		link = &(*link)->next;
	*link = probe->next;
	rd_kafka_consume_stop(probe->topic, probe->partition);
	rd_kafka_topic_destroy(probe->topic);
	probe->topic = NULL;
}

void kafka_probe_start(struct kafka_prober *prober, struct kafka_probe *probe, const char *topic, int32_t partition)
{
	if (probe_find(prober, topic, partition))
		return;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(prober->client->rk, topic, NULL);
	if (!handle || rd_kafka_consume_start_queue(handle, partition, probe->offset, prober->queue) != 0) {
		probe->error = rd_kafka_last_error();
		if (handle)
			rd_kafka_topic_destroy(handle);
		return;
	}
	if (!probe->late)
		probe->late = rd_kafka_queue_get_partition(prober->client->rk, topic, partition);
	probe->topic = handle;
	probe->partition = partition;
	probe->next = prober->running;
	prober->running = probe;
	msp_backoff_reset(&prober->wait_time);
}

void kafka_probe_reset(struct kafka_prober *prober, struct kafka_probe *probe, int64_t offset)
{
	probe_stop(prober, probe);
	probe->offset = offset;
	probe->found = KAFKA_FOUND_NOTHING_YET;
	probe->error = RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_probe_done(struct kafka_prober *prober, struct kafka_probe *probe)
{
	probe_stop(prober, probe);
	if (!probe->late)
		return;
	kafka_queue_drain(probe->late);
	rd_kafka_queue_destroy(probe->late);
	probe->late = NULL;
}

/* ---- all of them ---- */

void kafka_prober_configure(rd_kafka_conf_t *conf)
{
	kafka_conf_set(conf, "enable.auto.commit", "false");
	kafka_conf_set(conf, "enable.partition.eof", "true");
	kafka_conf_set(conf, "fetch.wait.max.ms", "1"); /* the news of the end waits so long */
	kafka_conf_set(conf, "fetch.message.max.bytes", "32768");
	/* All probes have one queue: what one of them has in it must not hold back the fetches of the others. */
	kafka_conf_set(conf, "queued.min.messages", "100000");
	kafka_conf_set(conf, "queued.max.messages.kbytes", "65536");
}

void kafka_prober_init(struct kafka_prober *prober, struct kafka_client *client)
{
	*prober = (struct kafka_prober){.client = client, .queue = rd_kafka_queue_new(client->rk)};
	msp_backoff_init(&prober->wait_time, NUDGE_MS, NUDGE_MAX_MS);
}

void kafka_prober_done(struct kafka_prober *prober)
{
	if (!prober->queue)
		return;
	kafka_queue_drain(prober->queue);
	rd_kafka_queue_destroy(prober->queue);
}

static void probe_found(struct kafka_probe *probe, enum kafka_found found, int64_t offset, int64_t timestamp_ms)
{
	probe->found = found;
	probe->offset = offset;
	probe->timestamp_ms = timestamp_ms;
}

static int64_t message_timestamp_ms(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
	return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? MSP_TIMESTAMP_NONE : timestamp_ms;
}

/* A probe stops at once, because a broker gives large record batches of one partition at a time: one that has its
 * message must not stand before those that have none. */
static void message_take(struct kafka_prober *prober, const rd_kafka_message_t *message)
{
	struct kafka_probe *probe =
	    message->rkt ? probe_find(prober, rd_kafka_topic_name(message->rkt), message->partition) : NULL;
	if (!probe || (!message->err && message->offset < probe->offset))
		return;
	switch ((int)message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		probe_found(probe, KAFKA_FOUND_MESSAGE, message->offset, message_timestamp_ms(message));
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		probe_found(probe, KAFKA_FOUND_END, message->offset, MSP_TIMESTAMP_NONE);
		break;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		probe_found(probe, KAFKA_FOUND_NO_RIGHT, probe->offset, MSP_TIMESTAMP_NONE);
		break;
	default:
		probe->error = message->err;
	}
	probe_stop(prober, probe);
}

/* librdkafka's fetcher may not look up for a second when partitions that it had before are started again. */
static void leaders_nudge(const struct kafka_prober *prober)
{
	rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
	for (const struct kafka_probe *probe = prober->running; probe; probe = probe->next)
		rd_kafka_topic_partition_list_add(partitions, rd_kafka_topic_name(probe->topic), probe->partition);
	kafka_leaders_nudge(prober->client, partitions);
	rd_kafka_topic_partition_list_destroy(partitions);
}

void kafka_prober_wait(struct kafka_prober *prober, int timeout_ms)
{
	int wait_ms = msp_backoff_next_ms(&prober->wait_time);
	rd_kafka_message_t *message = rd_kafka_consume_queue(prober->queue, timeout_ms < wait_ms ? timeout_ms : wait_ms);
	kafka_client_poll(prober->client);
	if (!message) {
		leaders_nudge(prober);
		return;
	}
	message_take(prober, message);
	rd_kafka_message_destroy(message);
	msp_backoff_reset(&prober->wait_time);
}
