#include "kafka_stream.h"

#include "bench.h"
#include "kafka_broker.h"
#include "kafka_client.h"

#include <stdlib.h>

#define REQUEST_TIMEOUT_MS 30000
#define TRY_MS             1000 /* a question asked before its answer exists may wait for ever */

/* ---- topics ---- */

static rd_kafka_NewTopic_t *topic_new(const char *name, int partitions)
{
	char text[256];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, text, sizeof(text));
	bench_must(topic != NULL, text);
	rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "LogAppendTime");
	return topic;
}

/* A broker says that a topic is created a little before it serves it. */
static void topic_await(const char *name, int partitions)
{
	double give_up_ns = bench_wall_ns() + REQUEST_TIMEOUT_MS * 1e6;
	int64_t oldest, newest;
	for (int i = 0; i < partitions; i++)
		while (rd_kafka_query_watermark_offsets(kafka_broker_client(), name, i, &oldest, &newest, TRY_MS)) {
			const struct rd_kafka_metadata *metadata; /* who leads the partition may have been asked too early */
			bench_must(bench_wall_ns() < give_up_ns, "waiting for a topic");
			if (!rd_kafka_metadata(kafka_broker_client(), 1, NULL, &metadata, TRY_MS))
				rd_kafka_metadata_destroy(metadata);
			rd_kafka_poll(kafka_broker_client(), 10);
		}
}

void kafka_topics_create(const char *const *names, size_t count, int partitions)
{
	char text[256];
	size_t created = 0;
	rd_kafka_NewTopic_t **topics = calloc(count, sizeof(rd_kafka_NewTopic_t *));
	bench_must(topics != NULL, "memory");
	for (size_t i = 0; i < count; i++)
		topics[i] = topic_new(names[i], partitions);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka_broker_client());
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(kafka_broker_client(), RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_AdminOptions_set_operation_timeout(options, REQUEST_TIMEOUT_MS, text, sizeof(text));
	rd_kafka_CreateTopics(kafka_broker_client(), topics, count, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, REQUEST_TIMEOUT_MS);
	bench_must(event && !rd_kafka_event_error(event), "creating topics");
	const rd_kafka_topic_result_t *const *results =
	    rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &created);
	for (size_t i = 0; i < created; i++)
		kafka_client_must_code(rd_kafka_topic_result_error(results[i]), rd_kafka_topic_result_name(results[i]));
	rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy_array(topics, count);
	free(topics);
	for (size_t i = 0; i < count; i++)
		topic_await(names[i], partitions);
}

void kafka_stream_create(struct stream *stream, const char *name, const char *model, int partitions)
{
	stream_init(stream, name, model, partitions);
	const char *const names[] = {stream->inputs, stream->outputs, stream->errors};
	kafka_topics_create(names, 3, partitions);
}

struct kafka_ends kafka_stream_ends(const struct stream *stream)
{
	struct kafka_ends ends = {{0}};
	int64_t oldest;
	for (int i = 0; i < stream->partitions; i++)
		kafka_client_must_code(rd_kafka_query_watermark_offsets(kafka_broker_client(), stream->outputs, i, &oldest,
		                                                        &ends.offsets[i], REQUEST_TIMEOUT_MS),
		                       stream->outputs);
	return ends;
}

size_t kafka_stream_outputs(const struct stream *stream)
{
	struct kafka_ends ends = kafka_stream_ends(stream);
	size_t count = 0;
	for (int i = 0; i < stream->partitions; i++)
		count += (size_t)ends.offsets[i];
	return count;
}

/* ---- messages ---- */

void kafka_stream_fill(const struct stream *stream, flower_fn *flower, size_t count)
{
	rd_kafka_topic_t *inputs = rd_kafka_topic_new(kafka_broker_client(), stream->inputs, NULL);
	bench_must(inputs != NULL, stream->inputs);
	for (size_t i = 0; i < count; i++) {
		struct msp_bytes value = flower(i);
		while (rd_kafka_produce(inputs, (int32_t)(i % (size_t)stream->partitions), 0, (void *)(uintptr_t)value.data,
		                        value.size, NULL, 0, NULL) < 0) {
			bench_must(rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL, "sending inputs");
			rd_kafka_poll(kafka_broker_client(), 10);
		}
	}
	kafka_client_must_code(rd_kafka_flush(kafka_broker_client(), 10 * REQUEST_TIMEOUT_MS), "sending inputs");
	rd_kafka_topic_destroy(inputs);
}

/* ---- the survey ---- */

struct appended {
	size_t count;
	int64_t first_ms, last_ms;
};

static void appended_add(struct appended *appended, const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(message, &type);
	bench_must(message->err == RD_KAFKA_RESP_ERR_NO_ERROR && type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
	           "reading an output");
	if (appended->count++ == 0)
		appended->first_ms = appended->last_ms = ms;
	appended->first_ms = ms < appended->first_ms ? ms : appended->first_ms;
	appended->last_ms = ms > appended->last_ms ? ms : appended->last_ms;
}

struct stream_survey kafka_stream_survey(const struct stream *stream, const struct kafka_ends *since)
{
	static rd_kafka_message_t *messages[10000];
	static const struct kafka_property properties[] = {
	    {"enable.partition.eof", "true"},
	    {"isolation.level", "read_committed"},
	    {"queued.min.messages", "1000000"},
	    {NULL, NULL},
	};
	struct appended appended = {0};
	int ended = 0;
	rd_kafka_t *reader = kafka_client_reader(kafka_client_conf(kafka_broker_address(), properties), stream->outputs,
	                                         stream->partitions, since->offsets);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(reader);
	double give_up_ns = bench_wall_ns() + 300e9;
	while (ended < stream->partitions) {
		bench_must(bench_wall_ns() < give_up_ns, "reading the outputs in time");
		ssize_t count = rd_kafka_consume_batch_queue(queue, 100, messages, sizeof(messages) / sizeof(messages[0]));
		for (ssize_t i = 0; i < count; i++) {
			if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
				ended++;
			else
				appended_add(&appended, messages[i]);
			rd_kafka_message_destroy(messages[i]);
		}
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
	return (struct stream_survey){appended.count, (double)(appended.last_ms - appended.first_ms) / 1000};
}
