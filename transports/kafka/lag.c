#include "lag.h"
#include "committed.h"
#include "topic.h"

#include <stdlib.h>
#include <string.h>

/* Groups and topics that are remembered; the one that was asked about longest ago is forgotten. */
#define BACKLOGS_MAX 1000

/* Of a group in a partition, as the last question about it left it. */
struct position {
	bool asked;
	bool moved; /* since the question before */
	int64_t committed;
	struct kafka_probe probe; /* from the committed offset on */
};

/* What a group has before it in a topic. */
struct kafka_backlog {
	struct kafka_backlog *next;
	char *group, *topic; /* owned */
	int32_t coordinator; /* of the group, as far as is known; -1 */
	struct position *positions;
	size_t position_count;
};

/* ---- what is known ---- */

static void backlog_free(struct kafka_lag *lag, struct kafka_backlog *backlog)
{
	if (!backlog)
		return;
	for (size_t i = 0; i < backlog->position_count; i++)
		kafka_probe_done(&lag->prober, &backlog->positions[i].probe);
	free(backlog->positions);
	free(backlog->group);
	free(backlog->topic);
	free(backlog);
}

static struct kafka_backlog *backlog_new(struct kafka_lag *lag, const char *group, const char *topic)
{
	struct kafka_backlog *backlog = calloc(1, sizeof(*backlog));
	if (!backlog)
		return NULL;
	backlog->coordinator = -1;
	backlog->group = strdup(group);
	backlog->topic = strdup(topic);
	if (backlog->group && backlog->topic)
		return backlog;
	backlog_free(lag, backlog);
	return NULL;
}

/* Out of the list: the one of this group and topic, or NULL; and what is one too many with a new one is freed. */
static struct kafka_backlog *backlog_take(struct kafka_lag *lag, const char *group, const char *topic)
{
	size_t count = 0;
	struct kafka_backlog **link = &lag->backlogs, *backlog;
	while ((backlog = *link)) {
		bool found = strcmp(backlog->group, group) == 0 && strcmp(backlog->topic, topic) == 0;
		if (found || ++count == BACKLOGS_MAX)
			*link = backlog->next;
		if (found)
			return backlog;
		if (count == BACKLOGS_MAX)
			backlog_free(lag, backlog);
		else
			link = &backlog->next;
	}
	return NULL;
}

static struct kafka_backlog *backlog_get(struct kafka_lag *lag, const char *group, const char *topic)
{
	struct kafka_backlog *backlog = backlog_take(lag, group, topic);
	if (!backlog)
		backlog = backlog_new(lag, group, topic);
	if (backlog) {
		backlog->next = lag->backlogs;
		lag->backlogs = backlog;
	}
	return backlog;
}

/* Topics grow. A probe that runs must not move, so all begin anew. */
static bool backlog_reserve(struct kafka_lag *lag, struct kafka_backlog *backlog, size_t count)
{
	if (count <= backlog->position_count)
		return true;
	struct position *positions = calloc(count, sizeof(*positions));
	if (!positions)
		return false;
	for (size_t i = 0; i < backlog->position_count; i++)
		kafka_probe_done(&lag->prober, &backlog->positions[i].probe);
	free(backlog->positions);
	backlog->positions = positions;
	backlog->position_count = count;
	return true;
}

/* What was found stays true until the group commits another offset or messages expire; an end, until there are more. */
static void position_update(struct kafka_lag *lag, struct position *position, int64_t committed,
                            const struct msp_partition_info *there)
{
	struct kafka_probe *probe = &position->probe;
	position->moved = position->asked && committed != position->committed;
	if (!position->asked || position->moved || probe->offset < there->oldest)
		kafka_probe_reset(&lag->prober, probe, committed > there->oldest ? committed : there->oldest);
	else if (probe->found == KAFKA_FOUND_END && probe->offset < there->newest)
		kafka_probe_reset(&lag->prober, probe, probe->offset);
	position->asked = true;
	position->committed = committed;
}

/* A committed offset that moves shows that there are messages: only who wants the oldest one's timestamp needs a fetch.
 * One that stays may have nothing but markers and aborted records after it. */
static bool position_is_wanted(const struct position *position, const struct msp_partition_info *there,
                               bool wants_timestamps)
{
	return position->probe.found == KAFKA_FOUND_NOTHING_YET && position->probe.offset < there->newest &&
	       (!position->moved || wants_timestamps);
}

static struct msp_partition_lag position_lag(const struct position *position, const struct msp_partition_info *there)
{
	const struct kafka_probe *probe = &position->probe;
	bool settled = probe->found == KAFKA_FOUND_END || probe->offset >= there->newest;
	return (struct msp_partition_lag){
	    .partition = there->partition,
	    .messages = settled ? 0 : there->newest - probe->offset,
	    .oldest_timestamp_ms =
	        !settled && probe->found == KAFKA_FOUND_MESSAGE ? probe->timestamp_ms : MSP_TIMESTAMP_NONE,
	};
}

/* ---- asking ---- */

/* The client needs a group of its own and never joins it; this one its user may ask about. */
static enum msp_status client_open(struct kafka_lag *lag, const char *group, struct msp_error *err)
{
	rd_kafka_conf_t *conf;
	if (lag->client.rk)
		return MSP_OK;
	enum msp_status status = kafka_conf_new(lag->settings, KAFKA_CONSUMER, &conf, err);
	if (status != MSP_OK)
		return status;
	kafka_conf_set(conf, "group.id", group);
	kafka_prober_configure(conf);
	status = kafka_client_init(&lag->client, RD_KAFKA_CONSUMER, conf, lag, err);
	if (status == MSP_OK)
		kafka_prober_init(&lag->prober, &lag->client);
	return status;
}

static enum msp_status committed_update(struct kafka_lag *lag, struct kafka_backlog *backlog,
                                        const struct msp_topic_info *there, int timeout_ms, struct msp_error *err)
{
	rd_kafka_topic_partition_list_t *offsets = kafka_partitions_new(backlog->topic, (int32_t)there->partition_count, 0);
	enum msp_status status =
	    kafka_committed_query(&lag->client, backlog->group, &backlog->coordinator, offsets, timeout_ms, err);
	for (size_t i = 0; i < there->partition_count && status == MSP_OK; i++)
		position_update(lag, &backlog->positions[i], offsets->elems[i].offset, &there->partitions[i]);
	rd_kafka_topic_partition_list_destroy(offsets);
	return status;
}

/* Sees to it that all probes run whose result is wanted; returns how many, or less than 0 with *ret_code. */
static int probes_start(struct kafka_lag *lag, struct kafka_backlog *backlog, const struct msp_topic_info *there,
                        bool wants_timestamps, rd_kafka_resp_err_t *ret_code)
{
	int wanted = 0;
	for (size_t i = 0; i < there->partition_count; i++) {
		struct kafka_probe *probe = &backlog->positions[i].probe;
		if (!position_is_wanted(&backlog->positions[i], &there->partitions[i], wants_timestamps))
			continue;
		kafka_probe_start(&lag->prober, probe, backlog->topic, (int32_t)i);
		wanted++;
		*ret_code = probe->error;
		probe->error = RD_KAFKA_RESP_ERR_NO_ERROR;
		if (*ret_code)
			return -1;
	}
	return wanted;
}

static enum msp_status backlog_probe(struct kafka_lag *lag, struct kafka_backlog *backlog,
                                     const struct msp_topic_info *there, bool wants_timestamps, int64_t deadline_ms,
                                     struct msp_error *err)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	int left_ms;
	while (probes_start(lag, backlog, there, wants_timestamps, &code) > 0 && (left_ms = kafka_left_ms(deadline_ms)) > 0)
		kafka_prober_wait(&lag->prober, left_ms);
	return code ? kafka_client_error(&lag->client, code, err, "topic %s", backlog->topic) : MSP_OK;
}

enum msp_status kafka_lag_ask(struct kafka_lag *lag, const char *group, const char *topic,
                              const struct msp_topic_info *there, bool wants_timestamps, struct msp_group_lag **ret_lag,
                              int timeout_ms, struct msp_error *err)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	enum msp_status status = client_open(lag, group, err);
	if (status != MSP_OK)
		return status;
	struct kafka_backlog *backlog = backlog_get(lag, group, topic);
	struct msp_group_lag *answer = calloc(1, sizeof(*answer) + there->partition_count * sizeof(answer->partitions[0]));
	if (!answer || !backlog || !backlog_reserve(lag, backlog, there->partition_count)) {
		free(answer);
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu partitions", there->partition_count);
	}
	status = committed_update(lag, backlog, there, timeout_ms, err);
	if (status == MSP_OK)
		status = backlog_probe(lag, backlog, there, wants_timestamps, deadline_ms, err);
	if (status != MSP_OK) {
		free(answer);
		return status;
	}
	answer->partition_count = there->partition_count;
	for (size_t i = 0; i < there->partition_count; i++)
		answer->partitions[i] = position_lag(&backlog->positions[i], &there->partitions[i]);
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
	while (lag->backlogs) {
		struct kafka_backlog *next = lag->backlogs->next;
		backlog_free(lag, lag->backlogs);
		lag->backlogs = next;
	}
	kafka_prober_done(&lag->prober);
	kafka_client_done(&lag->client);
}
