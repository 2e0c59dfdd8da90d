#include "lag.h"
#include "batch.h"
#include "error.h"
#include "topic.h"

#include <msp/backoff.h>
#include <stdlib.h>
#include <string.h>

#define NUDGE_MS     5
#define NUDGE_MAX_MS 100

/* What is at the offset that a partition counts from. */
enum seen {
	UNSEEN,
	WANTED,  /* to be looked at */
	MESSAGE, /* or nobody may probe */
	END,     /* as of this question */
};

/* A partition, as the last question about it left it. */
struct partition {
	bool asked;
	int64_t committed;
	int64_t first; /* a reader sees nothing from `committed` up to here */
	enum seen seen;
	int64_t timestamp_ms; /* of the message that was seen */
	/* From the last probe of it on, for as long as the member lives: a late answer leaves messages there, and
	 * librdkafka waits in rd_kafka_destroy for them when the topic was deleted. Or NULL; owned. */
	rd_kafka_queue_t *queue;
};

struct kafka_backlog {
	struct kafka_backlog *next;
	char *topic; /* owned */
	struct partition *partitions;
	size_t partition_count;
};

/* A group that was asked about, with a consumer that never joins it: librdkafka asks for the offsets of its own group
 * alone. (Its request for any group's ends the process when a broker goes away meanwhile: 2.0.2, an assertion in
 * rdkafka_queue.h.) The client stays open, so a question opens none, and a probe of many aborted records goes on while
 * other groups are asked about. */
struct kafka_lag_group {
	struct kafka_lag_group *next;
	char *name; /* owned */
	struct kafka_client member;
	rd_kafka_topic_partition_list_t *probed; /* what `member` is assigned, or NULL; owned */
	struct kafka_backlog *backlogs;          /* what is known since the last questions; owned */
};

/* ---- what is known ---- */

static void backlog_free(struct kafka_backlog *backlog)
{
	free(backlog->topic);
	free(backlog->partitions);
	free(backlog);
}

static struct kafka_backlog *backlog_new(const char *topic)
{
	struct kafka_backlog *backlog = calloc(1, sizeof(*backlog));
	if (backlog && (backlog->topic = strdup(topic)))
		return backlog;
	free(backlog);
	return NULL;
}

/* Topics grow. */
static bool backlog_reserve(struct kafka_backlog *backlog, size_t count)
{
	if (count <= backlog->partition_count)
		return true;
	struct partition *partitions = realloc(backlog->partitions, count * sizeof(*partitions));
	if (!partitions)
		return false;
	memset(partitions + backlog->partition_count, 0, (count - backlog->partition_count) * sizeof(*partitions));
	backlog->partitions = partitions;
	backlog->partition_count = count;
	return true;
}

static struct kafka_backlog *backlog_get(struct kafka_lag_group *group, const char *topic)
{
	struct kafka_backlog *backlog = group->backlogs;
	while (backlog && strcmp(backlog->topic, topic) != 0)
		backlog = backlog->next;
	if (!backlog && (backlog = backlog_new(topic))) {
		backlog->next = group->backlogs;
		group->backlogs = backlog;
	}
	return backlog;
}

/* A committed offset that moves shows that there are messages: only who wants the oldest one's timestamp needs a fetch.
 * One that stays may have nothing but markers and aborted records after it. */
static void partition_update(struct partition *partition, int64_t committed, const struct msp_partition_info *there,
                             bool wants_timestamp)
{
	bool moved = partition->asked && partition->committed != committed;
	if (!partition->asked || moved) {
		partition->asked = true;
		partition->committed = partition->first = committed;
		partition->seen = UNSEEN;
	}
	if (partition->first < there->oldest) { /* no commit is negative; messages expire */
		partition->first = there->oldest;
		partition->seen = UNSEEN;
	}
	if (partition->seen != MESSAGE)
		partition->seen = (!moved || wants_timestamp) && partition->first < there->newest ? WANTED : UNSEEN;
}

static void partition_tell(const struct partition *partition, const struct msp_partition_info *there,
                           struct msp_partition_lag *ret_lag)
{
	bool settled = partition->seen == END || partition->first >= there->newest;
	ret_lag->partition = there->partition;
	ret_lag->messages = settled ? 0 : there->newest - partition->first;
	ret_lag->oldest_timestamp_ms = settled || partition->seen != MESSAGE ? MSP_TIMESTAMP_NONE : partition->timestamp_ms;
}

/* ---- the member ---- */

static void partition_drop_queue(struct partition *partition)
{
	if (!partition->queue)
		return;
	kafka_queue_drain(partition->queue);
	rd_kafka_queue_destroy(partition->queue);
	partition->queue = NULL;
}

/* For good: a partition whose forwarding was set by hand is not forwarded by the next assignment. */
static void backlog_drop_queues(struct kafka_backlog *backlog)
{
	for (size_t i = 0; i < backlog->partition_count; i++) {
		if (backlog->partitions[i].queue)
			rd_kafka_queue_forward(backlog->partitions[i].queue, NULL);
		partition_drop_queue(&backlog->partitions[i]);
	}
}

static void probe_end(struct kafka_lag_group *group)
{
	if (!group->probed)
		return;
	rd_kafka_resume_partitions(group->member.rk, group->probed);
	rd_kafka_assign(group->member.rk, NULL);
	rd_kafka_topic_partition_list_destroy(group->probed);
	group->probed = NULL;
}

static void group_free(struct kafka_lag_group *group)
{
	probe_end(group);
	if (group->member.rk)
		rd_kafka_consumer_close(group->member.rk);
	while (group->backlogs) {
		struct kafka_backlog *next = group->backlogs->next;
		backlog_drop_queues(group->backlogs);
		backlog_free(group->backlogs);
		group->backlogs = next;
	}
	kafka_client_done(&group->member);
	free(group->name);
	free(group);
}

/* For one message of each partition, or the news that there is none. */
static void conf_set_probing(rd_kafka_conf_t *conf)
{
	kafka_conf_set(conf, "enable.auto.commit", "false");
	kafka_conf_set(conf, "enable.partition.eof", "true");
	kafka_conf_set(conf, "fetch.wait.max.ms", "10"); /* the news of the end waits so long */
	kafka_conf_set(conf, "queued.min.messages", "1");
	kafka_conf_set(conf, "fetch.message.max.bytes", "131072");
}

static enum msp_status group_open(const struct kafka_settings *settings, const char *name,
                                  struct kafka_lag_group **ret_group, struct msp_error *err)
{
	rd_kafka_conf_t *conf;
	struct kafka_lag_group *group = calloc(1, sizeof(*group));
	if (!group || !(group->name = strdup(name))) {
		free(group);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a group");
	}
	enum msp_status status = kafka_conf_new(settings, KAFKA_CONSUMER, &conf, err);
	if (status == MSP_OK) {
		kafka_conf_set(conf, "group.id", name);
		conf_set_probing(conf);
		status = kafka_client_init(&group->member, RD_KAFKA_CONSUMER, conf, group, err);
	}
	if (status == MSP_OK)
		*ret_group = group;
	else
		group_free(group);
	return status;
}

static enum msp_status group_get(struct kafka_lag *lag, const char *name, struct kafka_lag_group **ret_group,
                                 struct msp_error *err)
{
	for (struct kafka_lag_group *group = lag->groups; group; group = group->next)
		if (strcmp(group->name, name) == 0) {
			*ret_group = group;
			return MSP_OK;
		}
	enum msp_status status = group_open(lag->settings, name, ret_group, err);
	if (status == MSP_OK) {
		(*ret_group)->next = lag->groups;
		lag->groups = *ret_group;
	}
	return status;
}

/* ---- probing: the first message that a reader sees ---- */

static rd_kafka_topic_partition_list_t *wanted_list(const struct kafka_backlog *backlog, size_t count)
{
	rd_kafka_topic_partition_list_t *wanted = rd_kafka_topic_partition_list_new(1);
	for (size_t i = 0; i < count; i++)
		if (backlog->partitions[i].seen == WANTED)
			rd_kafka_topic_partition_list_add(wanted, backlog->topic, (int32_t)i)->offset =
			    backlog->partitions[i].first;
	return wanted;
}

static bool is_probed(const struct kafka_lag_group *group, const rd_kafka_topic_partition_list_t *wanted)
{
	for (int i = 0; i < wanted->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &wanted->elems[i];
		const rd_kafka_topic_partition_t *found =
		    group->probed ? rd_kafka_topic_partition_list_find(group->probed, one->topic, one->partition) : NULL;
		if (!found || found->offset != one->offset)
			return false;
	}
	return true;
}

static enum msp_status probe_assign(struct kafka_lag_group *group, struct kafka_backlog *backlog, struct msp_error *err)
{
	for (int i = 0; i < group->probed->cnt; i++)
		partition_drop_queue(&backlog->partitions[group->probed->elems[i].partition]);
	rd_kafka_resp_err_t code = rd_kafka_assign(group->member.rk, group->probed);
	for (int i = 0; i < group->probed->cnt; i++)
		backlog->partitions[group->probed->elems[i].partition].queue =
		    rd_kafka_queue_get_partition(group->member.rk, backlog->topic, group->probed->elems[i].partition);
	return code ? kafka_error_set(err, code, NULL, "group %s", group->name) : MSP_OK;
}

/* Takes `wanted`. What an earlier question did not wait for goes on: aborted records can be many. */
static enum msp_status probe_begin(struct kafka_lag_group *group, struct kafka_backlog *backlog,
                                   rd_kafka_topic_partition_list_t *wanted, struct msp_error *err)
{
	bool goes_on = wanted->cnt > 0 && is_probed(group, wanted);
	if (!goes_on)
		probe_end(group);
	if (goes_on || wanted->cnt == 0) {
		rd_kafka_topic_partition_list_destroy(wanted);
		return MSP_OK;
	}
	group->probed = wanted;
	return probe_assign(group, backlog, err);
}

/* The partition that the message is the first of, or NULL: of an earlier probe, or a further one. */
static struct partition *message_partition(const struct kafka_backlog *backlog, const rd_kafka_message_t *message)
{
	if (!message->rkt || strcmp(rd_kafka_topic_name(message->rkt), backlog->topic) != 0 || message->partition < 0 ||
	    (size_t)message->partition >= backlog->partition_count)
		return NULL;
	struct partition *partition = &backlog->partitions[message->partition];
	return partition->seen == WANTED ? partition : NULL;
}

/* A broker gives large record batches of one partition at a time, the first that is asked for: one that was seen must
 * not stand before those that were not. */
static void partition_stop(struct kafka_lag_group *group, const rd_kafka_message_t *message)
{
	rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(one, rd_kafka_topic_name(message->rkt), message->partition);
	rd_kafka_pause_partitions(group->member.rk, one);
	rd_kafka_topic_partition_list_destroy(one);
}

/* Returns an error that ends the probe. */
static rd_kafka_resp_err_t message_see(struct kafka_lag_group *group, const struct kafka_backlog *backlog,
                                       const rd_kafka_message_t *message, int *pending)
{
	rd_kafka_timestamp_type_t type;
	struct partition *partition = message_partition(backlog, message);
	if (!partition)
		return message->rkt ? RD_KAFKA_RESP_ERR_NO_ERROR : message->err;
	switch ((int)message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		partition->seen = MESSAGE;
		partition->first = message->offset;
		partition->timestamp_ms = rd_kafka_message_timestamp(message, &type);
		if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
			partition->timestamp_ms = MSP_TIMESTAMP_NONE;
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		partition->seen = END;
		partition->first = message->offset;
		break;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: /* who may only describe has the difference of the offsets */
		partition->seen = MESSAGE;
		partition->timestamp_ms = MSP_TIMESTAMP_NONE;
		break;
	default:
		return message->err;
	}
	partition_stop(group, message);
	--*pending;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* One message at a time. The fetcher does not notice by itself that there is something to fetch. */
static enum msp_status probe_wait(struct kafka_lag_group *group, const struct kafka_backlog *backlog, int pending,
                                  int64_t deadline_ms, struct msp_error *err)
{
	struct msp_backoff pause;
	msp_backoff_init(&pause, NUDGE_MS, NUDGE_MAX_MS);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	while (pending > 0 && !code) {
		int wait_ms = msp_backoff_next_ms(&pause);
		int left_ms = kafka_left_ms(deadline_ms);
		rd_kafka_message_t *message = rd_kafka_consumer_poll(group->member.rk, left_ms < wait_ms ? left_ms : wait_ms);
		if (message) {
			code = message_see(group, backlog, message, &pending);
			rd_kafka_message_destroy(message);
		} else if (left_ms <= wait_ms) {
			code = RD_KAFKA_RESP_ERR__TIMED_OUT;
		} else {
			kafka_leaders_nudge(&group->member, group->probed);
		}
	}
	kafka_client_poll(&group->member);
	return code ? kafka_client_error(&group->member, code, err, "topic %s", backlog->topic) : MSP_OK;
}

static enum msp_status probe(struct kafka_lag_group *group, struct kafka_backlog *backlog, size_t count,
                             int64_t deadline_ms, struct msp_error *err)
{
	rd_kafka_topic_partition_list_t *wanted = wanted_list(backlog, count);
	int pending = wanted->cnt;
	enum msp_status status = probe_begin(group, backlog, wanted, err);
	if (status == MSP_OK)
		status = probe_wait(group, backlog, pending, deadline_ms, err);
	if (status == MSP_OK || kafka_left_ms(deadline_ms) > 0)
		probe_end(group);
	return status;
}

/* ---- counting ---- */

static enum msp_status committed_query(struct kafka_lag_group *group, rd_kafka_topic_partition_list_t *partitions,
                                       int timeout_ms, struct msp_error *err)
{
	rd_kafka_resp_err_t code = rd_kafka_committed(group->member.rk, partitions, timeout_ms);
	for (int i = 0; i < partitions->cnt && !code; i++)
		code = partitions->elems[i].err;
	kafka_client_poll(&group->member);
	return code ? kafka_client_error(&group->member, code, err, "offsets of group %s", group->name) : MSP_OK;
}

static enum msp_status backlog_ask(struct kafka_lag_group *group, struct kafka_backlog *backlog,
                                   const struct msp_topic_info *there, bool wants_timestamps, int timeout_ms,
                                   struct msp_error *err)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	rd_kafka_topic_partition_list_t *offsets = kafka_partitions_new(backlog->topic, (int32_t)there->partition_count, 0);
	enum msp_status status = committed_query(group, offsets, timeout_ms, err);
	if (status == MSP_OK) {
		for (size_t i = 0; i < there->partition_count; i++)
			partition_update(&backlog->partitions[i], offsets->elems[i].offset, &there->partitions[i],
			                 wants_timestamps);
		status = probe(group, backlog, there->partition_count, deadline_ms, err);
	}
	rd_kafka_topic_partition_list_destroy(offsets);
	return status;
}

enum msp_status kafka_lag_ask(struct kafka_lag *lag, const char *group_name, const char *topic,
                              const struct msp_topic_info *there, bool wants_timestamps, struct msp_group_lag **ret_lag,
                              int timeout_ms, struct msp_error *err)
{
	struct kafka_lag_group *group = NULL;
	enum msp_status status = group_get(lag, group_name, &group, err);
	if (status != MSP_OK)
		return status;
	struct kafka_backlog *backlog = backlog_get(group, topic);
	struct msp_group_lag *answer = calloc(1, sizeof(*answer) + there->partition_count * sizeof(answer->partitions[0]));
	if (!answer || !backlog || !backlog_reserve(backlog, there->partition_count)) {
		free(answer);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu partitions", there->partition_count);
	}
	status = backlog_ask(group, backlog, there, wants_timestamps, timeout_ms, err);
	if (status != MSP_OK) {
		free(answer);
		return status;
	}
	answer->partition_count = there->partition_count;
	for (size_t i = 0; i < there->partition_count; i++)
		partition_tell(&backlog->partitions[i], &there->partitions[i], &answer->partitions[i]);
	*ret_lag = answer;
	return MSP_OK;
}

/* ---- life ---- */

void kafka_lag_init(struct kafka_lag *lag, const struct kafka_settings *settings)
{
	*lag = (struct kafka_lag){.settings = settings};
}

void kafka_lag_done(struct kafka_lag *lag)
{
	while (lag->groups) {
		struct kafka_lag_group *next = lag->groups->next;
		group_free(lag->groups);
		lag->groups = next;
	}
}
