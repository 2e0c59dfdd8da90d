#include "member.h"
#include "error.h"
#include "instance.h"

#include <assert.h>
#include <msp/log.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what librdkafka calls ---- */

static void list_free(rd_kafka_topic_partition_list_t **list)
{
	if (*list)
		rd_kafka_topic_partition_list_destroy(*list);
	*list = NULL;
}

/* librdkafka goes on when rd_kafka_assign is called, which may be any time later. */
static void rebalance_asked(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                            void *opaque)
{
	struct kafka_client *client = opaque;
	struct kafka_member *member = client->owner;
	list_free(&member->asked_partitions);
	member->asked_partitions = rd_kafka_topic_partition_list_copy(partitions);
	member->asked = code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS ? KAFKA_ASKED_TO_GIVE : KAFKA_ASKED_TO_TAKE;
	/* Else the call that brought us here would wait on for a message, and all that time nobody would answer. */
	rd_kafka_yield(rk);
}

/* ---- life ---- */

static enum msp_status member_connect(struct kafka_member *member, const struct kafka_settings *settings, int wake_fd,
                                      struct msp_error *err)
{
	static const uint64_t one = 1;
	rd_kafka_conf_t *conf;
	enum msp_status status = kafka_conf_new(settings, KAFKA_CONSUMER, &conf, err);
	if (status != MSP_OK)
		return status;
	kafka_conf_set(conf, "group.id", member->group);
	if (member->instance)
		kafka_conf_set(conf, "group.instance.id", member->instance);
	kafka_conf_set(conf, "enable.auto.commit", "false");
	rd_kafka_conf_set_rebalance_cb(conf, rebalance_asked);
	status = kafka_client_init(&member->client, RD_KAFKA_CONSUMER, conf, member, err);
	if (status != MSP_OK)
		return status;
	member->events = rd_kafka_queue_get_consumer(member->client.rk);
	member->connections = rd_kafka_queue_get_main(member->client.rk);
	rd_kafka_queue_io_event_enable(member->events, wake_fd, &one, sizeof(one));
	rd_kafka_queue_io_event_enable(member->connections, wake_fd, &one, sizeof(one));
	return MSP_OK;
}

enum msp_status kafka_member_init(struct kafka_member *member, const struct kafka_settings *settings,
                                  const struct kafka_member_config *config, struct msp_error *err)
{
	*member = (struct kafka_member){.instance_fd = -1};
	member->topic = strdup(config->topic);
	member->group = strdup(config->group);
	member->instance = config->instance ? strdup(config->instance) : NULL;
	if (!member->topic || !member->group || (config->instance && !member->instance))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	enum msp_status status = MSP_OK;
	if (member->instance)
		status = kafka_instance_claim(settings, member->group, member->instance, &member->instance_fd, err);
	return status == MSP_OK ? member_connect(member, settings, config->wake_fd, err) : status;
}

enum msp_status kafka_member_subscribe(struct kafka_member *member, struct msp_error *err)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, member->topic, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t code = rd_kafka_subscribe(member->client.rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return code ? kafka_error_set(err, code, NULL, "topic %s", member->topic) : MSP_OK;
}

static void member_forget(struct kafka_member *member)
{
	list_free(&member->assignment);
	if (member->metadata)
		rd_kafka_consumer_group_metadata_destroy(member->metadata);
	member->metadata = NULL;
}

static void queue_release(rd_kafka_queue_t *queue)
{
	if (!queue)
		return;
	rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
	rd_kafka_queue_destroy(queue);
}

void kafka_member_done(struct kafka_member *member)
{
	member_forget(member);
	list_free(&member->asked_partitions);
	if (member->held)
		rd_kafka_message_destroy(member->held);
	if (member->last_events)
		rd_kafka_queue_destroy(member->last_events);
	queue_release(member->events);
	queue_release(member->connections);
	kafka_client_done(&member->client);
	if (member->instance_fd >= 0)
		close(member->instance_fd);
	free(member->topic);
	free(member->group);
	free(member->instance);
}

/* ---- news ---- */

/* Known by its words alone: its codes stand for other things too. */
bool kafka_is_without_offset(const rd_kafka_message_t *error)
{
	static const char words[] = "Failed to fetch committed offset";
	return strncmp(rd_kafka_message_errstr(error), words, sizeof(words) - 1) == 0;
}

enum kafka_news kafka_member_poll(struct kafka_member *member, rd_kafka_message_t **ret_message)
{
	kafka_client_poll(&member->client);
	if (!member->asked && !member->held)
		member->held = rd_kafka_consumer_poll(member->client.rk, 0);
	if (member->asked)
		return member->asked == KAFKA_ASKED_TO_TAKE ? KAFKA_ASSIGNED : KAFKA_REVOKED;
	if (!member->held)
		return KAFKA_NO_NEWS;
	*ret_message = member->held;
	member->held = NULL;
	return KAFKA_MESSAGE;
}

static void member_log(const struct kafka_member *member, const char *what,
                       const rd_kafka_topic_partition_list_t *partitions)
{
	msp_log(MSP_LOG_INFO, what, "group", member->group, "topic", member->topic, "partitions",
	        MSP_LOG_NUMBER(partitions->cnt), NULL);
}

void kafka_member_take(struct kafka_member *member)
{
	assert(member->asked == KAFKA_ASKED_TO_TAKE);
	member->asked = KAFKA_ASKED_NOTHING;
	/* It came late, and librdkafka does not wait for an answer. */
	if (member->closing)
		return;
	member_log(member, "partitions assigned", member->asked_partitions);
	member_forget(member); /* librdkafka may take partitions back without saying so */
	rd_kafka_assign(member->client.rk, member->asked_partitions);
	member->assignment = member->asked_partitions;
	member->asked_partitions = NULL;
	/* Now, not when a transaction needs it: by then it might be of a newer generation than the messages. */
	member->metadata = rd_kafka_consumer_group_metadata(member->client.rk);
}

void kafka_member_give(struct kafka_member *member, bool lost)
{
	if (member->assignment)
		member_log(member, lost ? "partitions lost" : "partitions given up", member->assignment);
	member->asked = KAFKA_ASKED_NOTHING;
	rd_kafka_assign(member->client.rk, NULL);
	member_forget(member);
}

void kafka_member_restart(struct kafka_member *member)
{
	rd_kafka_assign(member->client.rk, NULL);
	for (int i = 0; i < member->assignment->cnt; i++)
		member->assignment->elems[i].offset = RD_KAFKA_OFFSET_INVALID; /* the committed one */
	rd_kafka_assign(member->client.rk, member->assignment);
}

bool kafka_member_has_lost(const struct kafka_member *member)
{
	return rd_kafka_assignment_lost(member->client.rk);
}

enum msp_status kafka_member_check(const struct kafka_member *member, const struct kafka_settings *settings,
                                   struct msp_error *err)
{
	char text[160];
	rd_kafka_resp_err_t code = rd_kafka_fatal_error(member->client.rk, text, sizeof(text));
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return MSP_OK;
	if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
		return msp_error_set(err, MSP_E_CONFLICT, "another live process has the instance name %s in group %s",
		                     settings->instance ? settings->instance : member->instance, member->group);
	return msp_error_set(err, MSP_E_INTERNAL, "librdkafka gives up on group %s: %s", member->group, text);
}

/* librdkafka has no copy but through bytes. */
rd_kafka_consumer_group_metadata_t *kafka_member_metadata(const struct kafka_member *member)
{
	rd_kafka_consumer_group_metadata_t *copy = NULL;
	void *bytes = NULL;
	size_t size;
	rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(member->metadata, &bytes, &size);
	if (!error)
		error = rd_kafka_consumer_group_metadata_read(&copy, bytes, size);
	if (bytes)
		rd_kafka_mem_free(NULL, bytes);
	if (error)
		rd_kafka_error_destroy(error);
	return copy;
}

/* ---- leaving ---- */

void kafka_member_leave(struct kafka_member *member)
{
	member->closing = true;
	if (!member->instance)
		rd_kafka_unsubscribe(member->client.rk);
}

static bool leave_begin(struct kafka_member *member)
{
	member->last_events = rd_kafka_queue_new(member->client.rk);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(member->client.rk, member->last_events);
	bool begun = !error;
	if (error)
		rd_kafka_error_destroy(error);
	return begun;
}

bool kafka_member_leave_wait(struct kafka_member *member, int64_t deadline_ms)
{
	if (member->instance || (!member->last_events && !leave_begin(member)))
		return false;
	int left_ms = msp_deadline_left_ms(deadline_ms);
	if (rd_kafka_consumer_closed(member->client.rk) || left_ms == 0)
		return false;
	if (!member->asked && !member->held)
		member->held = rd_kafka_consume_queue(member->last_events, left_ms);
	return true;
}
