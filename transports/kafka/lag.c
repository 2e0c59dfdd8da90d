#include "lag.h"
#include "batch.h"
#include "error.h"
#include "topic.h"

#include <msp/backoff.h>
#include <stdlib.h>
#include <string.h>

#define NUDGE_MS     5
#define NUDGE_MAX_MS 100

/* What is at the offset that a place counts from. */
enum sight {
	UNSEEN,
	WANTED,  /* to be looked at */
	MESSAGE, /* or nobody may look */
	END,     /* as of this question */
};

/* A partition, as the last question about it left it. */
struct place {
	bool asked;
	int64_t committed;
	int64_t first; /* a reader sees nothing from `committed` up to here */
	enum sight sight;
	/* From the last look on it, for as long as the member lives: a late answer leaves messages there, and librdkafka
	 * waits in rd_kafka_destroy for them when the topic was deleted. Or NULL; owned. */
	rd_kafka_queue_t *queue;
};

struct kafka_backlog {
	struct kafka_backlog *next;
	char *group, *topic; /* owned */
	struct place *places;
	size_t place_count;
};

/* ---- what is known ---- */

static void backlog_free(struct kafka_backlog *backlog)
{
	free(backlog->group);
	free(backlog->topic);
	free(backlog->places);
	free(backlog);
}

static struct kafka_backlog *backlog_new(const char *group, const char *topic)
{
	struct kafka_backlog *backlog = calloc(1, sizeof(*backlog));
	if (!backlog)
		return NULL;
	backlog->group = strdup(group);
	backlog->topic = strdup(topic);
	if (backlog->group && backlog->topic)
		return backlog;
	backlog_free(backlog);
	return NULL;
}

/* Topics grow. */
static bool backlog_reserve(struct kafka_backlog *backlog, size_t count)
{
	if (count <= backlog->place_count)
		return true;
	struct place *places = realloc(backlog->places, count * sizeof(*places));
	if (!places)
		return false;
	memset(places + backlog->place_count, 0, (count - backlog->place_count) * sizeof(*places));
	backlog->places = places;
	backlog->place_count = count;
	return true;
}

static struct kafka_backlog *backlog_get(struct kafka_lag *lag, const char *group, const char *topic)
{
	struct kafka_backlog *backlog = lag->backlogs;
	while (backlog && (strcmp(backlog->group, group) != 0 || strcmp(backlog->topic, topic) != 0))
		backlog = backlog->next;
	if (!backlog && (backlog = backlog_new(group, topic))) {
		backlog->next = lag->backlogs;
		lag->backlogs = backlog;
	}
	return backlog;
}

/* A mark that moves shows that there are messages: it is not worth a fetch to say how many. One that stays may have
 * nothing but markers and aborted records after it. */
static void place_ask(struct place *place, int64_t committed, const struct msp_partition_info *there)
{
	bool moved = place->asked && place->committed != committed;
	if (!place->asked || moved) {
		place->asked = true;
		place->committed = place->first = committed;
		place->sight = UNSEEN;
	}
	if (place->first < there->oldest) { /* no commit is negative; messages expire */
		place->first = there->oldest;
		place->sight = UNSEEN;
	}
	if (place->sight != MESSAGE)
		place->sight = !moved && place->first < there->newest ? WANTED : UNSEEN;
}

static int64_t place_count(const struct place *place, const struct msp_partition_info *there)
{
	return place->sight == END || place->first >= there->newest ? 0 : there->newest - place->first;
}

/* ---- the member ---- */

static void place_drop_queue(struct place *place)
{
	if (!place->queue)
		return;
	kafka_queue_drain(place->queue);
	rd_kafka_queue_destroy(place->queue);
	place->queue = NULL;
}

/* For good: a partition whose forwarding was set by hand is not forwarded by the next assignment. */
static void backlog_drop_queues(struct kafka_backlog *backlog)
{
	for (size_t i = 0; i < backlog->place_count; i++) {
		if (backlog->places[i].queue)
			rd_kafka_queue_forward(backlog->places[i].queue, NULL);
		place_drop_queue(&backlog->places[i]);
	}
}

static void look_end(struct kafka_lag *lag)
{
	if (!lag->looking)
		return;
	rd_kafka_resume_partitions(lag->member.rk, lag->looking);
	rd_kafka_assign(lag->member.rk, NULL);
	rd_kafka_topic_partition_list_destroy(lag->looking);
	lag->looking = NULL;
}

static void member_close(struct kafka_lag *lag)
{
	look_end(lag);
	if (lag->member.rk)
		rd_kafka_consumer_close(lag->member.rk);
	for (struct kafka_backlog *backlog = lag->backlogs; backlog; backlog = backlog->next)
		backlog_drop_queues(backlog);
	kafka_client_done(&lag->member);
	free(lag->group);
	lag->group = NULL;
}

/* For one message of each partition, or the news that there is none. */
static void conf_set_looking(rd_kafka_conf_t *conf)
{
	kafka_conf_set(conf, "enable.auto.commit", "false");
	kafka_conf_set(conf, "enable.partition.eof", "true");
	kafka_conf_set(conf, "fetch.wait.max.ms", "10"); /* the news of the end waits so long */
	kafka_conf_set(conf, "queued.min.messages", "1");
	kafka_conf_set(conf, "fetch.message.max.bytes", "131072");
}

static enum msp_status member_open(struct kafka_lag *lag, const char *group, struct msp_error *err)
{
	if (lag->group && strcmp(lag->group, group) == 0)
		return MSP_OK;
	member_close(lag);
	if (!(lag->group = strdup(group)))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a group");
	rd_kafka_conf_t *conf;
	enum msp_status status = kafka_conf_new(lag->settings, KAFKA_CONSUMER, &conf, err);
	if (status == MSP_OK) {
		kafka_conf_set(conf, "group.id", group);
		conf_set_looking(conf);
		status = kafka_client_init(&lag->member, RD_KAFKA_CONSUMER, conf, lag, err);
	}
	if (status != MSP_OK)
		member_close(lag);
	return status;
}

/* ---- looking ---- */

static rd_kafka_topic_partition_list_t *wanted_list(const struct kafka_backlog *backlog, size_t count)
{
	rd_kafka_topic_partition_list_t *wanted = rd_kafka_topic_partition_list_new(1);
	for (size_t i = 0; i < count; i++)
		if (backlog->places[i].sight == WANTED)
			rd_kafka_topic_partition_list_add(wanted, backlog->topic, (int32_t)i)->offset = backlog->places[i].first;
	return wanted;
}

static bool is_looking_at(const struct kafka_lag *lag, const rd_kafka_topic_partition_list_t *wanted)
{
	for (int i = 0; i < wanted->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &wanted->elems[i];
		const rd_kafka_topic_partition_t *found =
		    lag->looking ? rd_kafka_topic_partition_list_find(lag->looking, one->topic, one->partition) : NULL;
		if (!found || found->offset != one->offset)
			return false;
	}
	return true;
}

static enum msp_status look_assign(struct kafka_lag *lag, struct kafka_backlog *backlog, struct msp_error *err)
{
	for (int i = 0; i < lag->looking->cnt; i++)
		place_drop_queue(&backlog->places[lag->looking->elems[i].partition]);
	rd_kafka_resp_err_t code = rd_kafka_assign(lag->member.rk, lag->looking);
	for (int i = 0; i < lag->looking->cnt; i++)
		backlog->places[lag->looking->elems[i].partition].queue =
		    rd_kafka_queue_get_partition(lag->member.rk, backlog->topic, lag->looking->elems[i].partition);
	return code ? kafka_error_set(err, code, NULL, "group %s", lag->group) : MSP_OK;
}

/* Takes `wanted`. What an earlier question did not wait for goes on: aborted records can be many. */
static enum msp_status look_begin(struct kafka_lag *lag, struct kafka_backlog *backlog,
                                  rd_kafka_topic_partition_list_t *wanted, struct msp_error *err)
{
	bool goes_on = wanted->cnt > 0 && is_looking_at(lag, wanted);
	if (!goes_on)
		look_end(lag);
	if (goes_on || wanted->cnt == 0) {
		rd_kafka_topic_partition_list_destroy(wanted);
		return MSP_OK;
	}
	lag->looking = wanted;
	return look_assign(lag, backlog, err);
}

/* The place that the message is the first of, or NULL: of an earlier look, or a further one. */
static struct place *message_place(const struct kafka_backlog *backlog, const rd_kafka_message_t *message)
{
	if (!message->rkt || strcmp(rd_kafka_topic_name(message->rkt), backlog->topic) != 0 || message->partition < 0 ||
	    (size_t)message->partition >= backlog->place_count)
		return NULL;
	struct place *place = &backlog->places[message->partition];
	return place->sight == WANTED ? place : NULL;
}

/* A broker gives large record batches of one partition at a time, the first that is asked for: one that was seen must
 * not stand before those that were not. */
static void partition_stop(struct kafka_lag *lag, const rd_kafka_message_t *message)
{
	rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(one, rd_kafka_topic_name(message->rkt), message->partition);
	rd_kafka_pause_partitions(lag->member.rk, one);
	rd_kafka_topic_partition_list_destroy(one);
}

/* Returns an error that ends the look. */
static rd_kafka_resp_err_t message_see(struct kafka_lag *lag, const struct kafka_backlog *backlog,
                                       const rd_kafka_message_t *message, int *pending)
{
	struct place *place = message_place(backlog, message);
	if (!place)
		return message->rkt ? RD_KAFKA_RESP_ERR_NO_ERROR : message->err;
	switch ((int)message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		place->sight = MESSAGE;
		place->first = message->offset;
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		place->sight = END;
		place->first = message->offset;
		break;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: /* who may only describe has the difference of the offsets */
		place->sight = MESSAGE;
		break;
	default:
		return message->err;
	}
	partition_stop(lag, message);
	--*pending;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* One message at a time. The fetcher does not notice by itself that there is something to fetch. */
static enum msp_status look_wait(struct kafka_lag *lag, const struct kafka_backlog *backlog, int pending,
                                 int64_t deadline_ms, struct msp_error *err)
{
	struct msp_backoff pause;
	msp_backoff_init(&pause, NUDGE_MS, NUDGE_MAX_MS);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	while (pending > 0 && !code) {
		int wait_ms = msp_backoff_next_ms(&pause);
		int left_ms = kafka_left_ms(deadline_ms);
		rd_kafka_message_t *message = rd_kafka_consumer_poll(lag->member.rk, left_ms < wait_ms ? left_ms : wait_ms);
		if (message) {
			code = message_see(lag, backlog, message, &pending);
			rd_kafka_message_destroy(message);
		} else if (left_ms <= wait_ms) {
			code = RD_KAFKA_RESP_ERR__TIMED_OUT;
		} else {
			kafka_leaders_nudge(&lag->member, lag->looking);
		}
	}
	kafka_client_poll(&lag->member);
	return code ? kafka_client_error(&lag->member, code, err, "topic %s", backlog->topic) : MSP_OK;
}

static enum msp_status look(struct kafka_lag *lag, struct kafka_backlog *backlog, size_t count, int64_t deadline_ms,
                            struct msp_error *err)
{
	rd_kafka_topic_partition_list_t *wanted = wanted_list(backlog, count);
	int pending = wanted->cnt;
	enum msp_status status = look_begin(lag, backlog, wanted, err);
	if (status == MSP_OK)
		status = look_wait(lag, backlog, pending, deadline_ms, err);
	if (status == MSP_OK || kafka_left_ms(deadline_ms) > 0)
		look_end(lag);
	return status;
}

/* ---- counting ---- */

static enum msp_status committed_query(struct kafka_lag *lag, rd_kafka_topic_partition_list_t *partitions,
                                       int timeout_ms, struct msp_error *err)
{
	rd_kafka_resp_err_t code = rd_kafka_committed(lag->member.rk, partitions, timeout_ms);
	for (int i = 0; i < partitions->cnt && !code; i++)
		code = partitions->elems[i].err;
	kafka_client_poll(&lag->member);
	return code ? kafka_client_error(&lag->member, code, err, "offsets of group %s", lag->group) : MSP_OK;
}

static enum msp_status backlog_ask(struct kafka_lag *lag, struct kafka_backlog *backlog,
                                   const struct msp_topic_info *there, int timeout_ms, struct msp_error *err)
{
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	rd_kafka_topic_partition_list_t *partitions =
	    kafka_partitions_new(backlog->topic, (int32_t)there->partition_count, 0);
	enum msp_status status = committed_query(lag, partitions, timeout_ms, err);
	if (status == MSP_OK) {
		for (size_t i = 0; i < there->partition_count; i++)
			place_ask(&backlog->places[i], partitions->elems[i].offset, &there->partitions[i]);
		status = look(lag, backlog, there->partition_count, deadline_ms, err);
	}
	rd_kafka_topic_partition_list_destroy(partitions);
	return status;
}

enum msp_status kafka_lag_count(struct kafka_lag *lag, const char *group, const char *topic,
                                const struct msp_topic_info *there, int64_t *ret_count, int timeout_ms,
                                struct msp_error *err)
{
	struct kafka_backlog *backlog = backlog_get(lag, group, topic);
	if (!backlog || !backlog_reserve(backlog, there->partition_count))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu partitions", there->partition_count);
	enum msp_status status = member_open(lag, group, err);
	if (status == MSP_OK)
		status = backlog_ask(lag, backlog, there, timeout_ms, err);
	if (status != MSP_OK)
		return status;
	*ret_count = 0;
	for (size_t i = 0; i < there->partition_count; i++)
		*ret_count += place_count(&backlog->places[i], &there->partitions[i]);
	return MSP_OK;
}

/* ---- life ---- */

void kafka_lag_init(struct kafka_lag *lag, const struct kafka_settings *settings)
{
	*lag = (struct kafka_lag){.settings = settings};
}

void kafka_lag_done(struct kafka_lag *lag)
{
	member_close(lag);
	while (lag->backlogs) {
		struct kafka_backlog *next = lag->backlogs->next;
		backlog_free(lag->backlogs);
		lag->backlogs = next;
	}
}
