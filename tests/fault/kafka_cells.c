/* What can happen to the topics of a Kafka broker while it runs. */
#include "cells.h"

#include <librdkafka/rdkafka.h>
#include <msp/clock.h>
#include <stdio.h>
#include <stdlib.h>

#define ADMIN_MS    10000
#define MORE        2 /* partitions that come at a time */
#define INTERVAL_MS 20
#define PATIENCE_MS 60000

/* ---- partitions that come ---- */

static rd_kafka_resp_err_t partitions_event_code(rd_kafka_event_t *event)
{
	size_t count = 0;
	const rd_kafka_CreatePartitions_result_t *result = rd_kafka_event_CreatePartitions_result(event);
	const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreatePartitions_result_topics(result, &count) : NULL;
	return count == 1 ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event);
}

static rd_kafka_resp_err_t partitions_set(const char *address, const char *topic, size_t count)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", address, text, sizeof(text));
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	rd_kafka_NewPartitions_t *partitions = rd_kafka_NewPartitions_new(topic, count, text, sizeof(text));
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_CreatePartitions(client, &partitions, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ADMIN_MS);
	rd_kafka_resp_err_t code = event ? partitions_event_code(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewPartitions_destroy(partitions);
	rd_kafka_destroy(client);
	return code;
}

static bool partitions_add(struct trial *trial, enum msp_topic_kind kind, size_t count)
{
	const char *topic = trial->topics.name[kind], *address = trial->url + strlen("kafka://");
	rd_kafka_resp_err_t code = partitions_set(address, topic, count);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return true;
	progress_fail(&trial->progress, "cannot add partitions to %s: %s", topic, rd_kafka_err2str(code));
	return false;
}

/* Where results go is read by the verifier too. */
static bool partitions_add_to_results(struct trial *trial, enum msp_topic_kind kind, enum msp_route route, size_t count)
{
	if (!partitions_add(trial, kind, count))
		return false;
	for (size_t i = count - MORE; i < count; i++)
		if (!verifier_watch(&trial->verifier, route, (int32_t)i)) {
			progress_fail(&trial->progress, "nobody to read partition %zu", i);
			return false;
		}
	return true;
}

/* Sends a little at a time until something has come to a new partition of inputs. */
static bool feed_until_used(struct trial *trial, size_t *allowed, size_t count)
{
	const size_t little = 20;
	int64_t deadline_ms = msp_monotonic_ms() + PATIENCE_MS, sent = 0;
	for (size_t i = 0; sent == 0; i = (i + 1) % MORE) {
		*allowed += little;
		trial_allow(trial, *allowed, trial->messages);
		progress_pause(&trial->progress, INTERVAL_MS);
		if (!trial_count_inputs(trial, count - MORE + i, &sent) || msp_monotonic_ms() >= deadline_ms) {
			progress_fail(&trial->progress, "nothing came to the new partitions of inputs");
			return false;
		}
	}
	return true;
}

/* First inputs get more, so that results belong to partitions that are not there yet. Keys move to other partitions,
 * and nothing orders those. */
bool run_partitions_added(struct trial *trial)
{
	size_t count = rounds(trial, 1, 3);
	trial->verifier.pardon.disorder = true;
	if (!trial_start_all(trial, PAIR))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t allowed = trial->messages * (2 * i + 1) / (2 * count + 1),
		       partitions = TRIAL_PARTITIONS + MORE * (i + 1);
		trial_allow(trial, allowed, trial->messages);
		if (!trial_wait_settled(trial, allowed / 2) || !partitions_add(trial, MSP_TOPIC_INPUTS, partitions) ||
		    !feed_until_used(trial, &allowed, partitions) || !trial_wait_settled(trial, allowed) ||
		    !partitions_add_to_results(trial, MSP_TOPIC_OUTPUTS, MSP_ROUTE_OUTPUTS, partitions) ||
		    !partitions_add_to_results(trial, MSP_TOPIC_ERRORS, MSP_ROUTE_ERRORS, partitions))
			return false;
		trial->kills++;
	}
	return trial_conclude(trial);
}

/* ---- a topic that goes and comes again ---- */

static const char gone[] = "\"the topic is gone\"";

/* Each worker has found it: librdkafka cannot tell one topic from another of the same name. */
static bool each_misses_it(struct trial *trial, size_t round)
{
	for (size_t i = 0; i < PAIR; i++)
		if (!trial_wait_log_beyond(trial, i, gone, TRIAL_WORKERS * (round + 1) - 1))
			return false;
	return true;
}

/* What was lost must have been said. */
static void losses_check(struct trial *trial)
{
	size_t said = 0;
	for (size_t i = 0; i < PAIR; i++)
		said += process_log_sum(&trial->processes[i], gone, "unsettled=");
	if (trial->counts.gone > said)
		progress_fail(&trial->progress, "%zu messages went with their topic, and the processes spoke of %zu",
		              trial->counts.gone, said);
}

/* Inputs are deleted under load, and created again when every worker waits for them. What was sent until then may be
 * lost, and nothing after it. */
bool run_topic_recreated(struct trial *trial)
{
	size_t count = rounds(trial, 1, 4), from = 0;
	if (!trial_start_all(trial, PAIR))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t until = trial->messages * (i + 1) / (count + 1);
		if (!load(trial, from, until))
			return false;
		trial->verifier.pardon.lost_before = until;
		trial->kills++;
		if (!trial_delete_topic(trial, MSP_TOPIC_INPUTS) || !each_misses_it(trial, i) ||
		    !trial_create_topic(trial, MSP_TOPIC_INPUTS))
			return false;
		from = until;
	}
	if (trial_conclude(trial))
		losses_check(trial);
	return !progress_failed(&trial->progress);
}
