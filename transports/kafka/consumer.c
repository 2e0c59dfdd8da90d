#include "consumer.h"
#include "error.h"
#include "instance.h"
#include "topic.h"

#include <assert.h>
#include <errno.h>
#include <msp/backoff.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

/* How many messages are taken from librdkafka at once; it knows no limit in bytes, so what is too much is carried. */
#define TAKE_MAX 512
/* A sleep is never longer, whatever librdkafka forgets to say. */
#define SLEEP_MAX_MS   1000
#define REWIND_POLL_MS 20

static const struct msp_consumer_ops CONSUMER_OPS;

static struct kafka_consumer *consumer_cast(struct msp_consumer *consumer)
{
	assert(consumer && consumer->ops == &CONSUMER_OPS);
	return (struct kafka_consumer *)consumer;
}

/* ---- receive ---- */

/* Before 2.2, librdkafka's fetcher looks up only once a second after its queue was full, which holds a backlog at one
 * queue per second. */
static void fetcher_nudge(struct kafka_consumer *consumer)
{
	if (rd_kafka_version() < 0x02020000 && consumer->assignment)
		kafka_leaders_nudge(&consumer->client, consumer->assignment);
}

static void consumer_watch_backlog(struct kafka_consumer *consumer)
{
	size_t length = rd_kafka_queue_length(consumer->work), full = kafka_prefetch_messages(&consumer->settings->options);
	if (length >= full) {
		consumer->backlog = true;
	} else if (consumer->backlog && length <= full / 2) {
		consumer->backlog = false;
		fetcher_nudge(consumer);
	}
}

static bool carried_reserve(struct kafka_consumer *consumer, size_t count)
{
	if (consumer->carried_begin == consumer->carried_end)
		consumer->carried_begin = consumer->carried_end = 0;
	if (consumer->carried_capacity - consumer->carried_end >= count)
		return true;
	size_t capacity = consumer->carried_end + count;
	rd_kafka_message_t **carried = realloc(consumer->carried, capacity * sizeof(rd_kafka_message_t *));
	if (!carried)
		return false;
	consumer->carried = carried;
	consumer->carried_capacity = capacity;
	return true;
}

void kafka_consumer_carry_take(struct kafka_consumer *consumer, rd_kafka_message_t *message)
{
	if (carried_reserve(consumer, 1)) {
		consumer->carried[consumer->carried_end++] = message;
		return;
	}
	rd_kafka_message_destroy(message);
	consumer->gap++;
}

/* Takes up to `count` more from librdkafka; false when nothing came. */
static bool consumer_take(struct kafka_consumer *consumer, size_t count)
{
	if (!carried_reserve(consumer, count))
		return false;
	rd_kafka_message_t **to = consumer->carried + consumer->carried_end;
	ssize_t taken = rd_kafka_consume_batch_queue(consumer->work, 0, to, count);
	for (ssize_t i = 0; i < taken; i++) {
		if (to[i]->err) {
			kafka_error_set(&consumer->trouble, to[i]->err, rd_kafka_message_errstr(to[i]), "topic %s",
			                consumer->inputs);
			rd_kafka_message_destroy(to[i]);
		} else {
			consumer->carried[consumer->carried_end++] = to[i];
		}
	}
	return taken > 0;
}

/* How many of the carried messages one batch may have; takes more while there is room. */
static size_t consumer_fill(struct kafka_consumer *consumer, const struct msp_receive_limits *limits)
{
	size_t count = 0, bytes = 0;
	for (;;) {
		while (count < limits->max_messages && consumer->carried_begin + count < consumer->carried_end) {
			bytes += kafka_message_size(consumer->carried[consumer->carried_begin + count]);
			if (count > 0 && bytes > limits->max_bytes)
				return count;
			count++;
		}
		size_t room = limits->max_messages - count;
		if (room == 0 || !consumer_take(consumer, room < TAKE_MAX ? room : TAKE_MAX))
			return count;
	}
}

static enum msp_status consumer_deliver(struct kafka_consumer *consumer, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	consumer_watch_backlog(consumer);
	size_t count = consumer_fill(consumer, limits);
	consumer_watch_backlog(consumer);
	if (count == 0)
		return MSP_OK;
	struct kafka_batch *batch = kafka_batch_new(consumer->carried + consumer->carried_begin, count, consumer->inputs);
	if (!batch)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu messages", count);
	consumer->carried_begin += count;
	consumer->client.down = consumer->rewound = false;
	batch->epoch = consumer->epoch;
	batch->next = consumer->batches;
	consumer->batches = batch;
	*ret_batch = &batch->base;
	return MSP_OK;
}

/* Also no longer than what makes librdkafka think that we hang. */
static int sleep_max_ms(const struct kafka_consumer *consumer)
{
	int64_t half_ms = consumer->settings->options.max_poll_interval_ms / 2;
	return half_ms < SLEEP_MAX_MS ? (int)half_ms : SLEEP_MAX_MS;
}

static void consumer_sleep(struct kafka_consumer *consumer, int64_t timeout_ms)
{
	struct pollfd fd = {.fd = consumer->wake_fd, .events = POLLIN};
	uint64_t count;
	int max_ms = sleep_max_ms(consumer);
	if (poll(&fd, 1, timeout_ms < max_ms ? (int)timeout_ms : max_ms) > 0 &&
	    read(consumer->wake_fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN);
}

/* What stands in the way of messages, said once. */
static enum msp_status consumer_trouble(struct kafka_consumer *consumer, struct msp_error *err)
{
	enum msp_status status = kafka_consumer_check(consumer, err);
	if (status != MSP_OK || consumer->trouble.status == MSP_OK)
		return status;
	status = consumer->trouble.status;
	if (err)
		*err = consumer->trouble;
	if (status == MSP_E_DENIED && !consumer->assignment)
		consumer->denied = consumer->trouble;
	consumer->trouble.status = MSP_OK;
	if (status == MSP_E_NOT_FOUND) {
		pthread_mutex_lock(&consumer->drive.lock);
		kafka_consumer_note_missing(consumer);
		pthread_mutex_unlock(&consumer->drive.lock);
	}
	return status;
}

/* Nothing came in time. */
static enum msp_status consumer_idle(const struct kafka_consumer *consumer, struct msp_error *err)
{
	if (consumer->denied.status != MSP_OK && err)
		*err = consumer->denied;
	return consumer->denied.status;
}

static enum msp_status consumer_subscribe(struct kafka_consumer *consumer, struct msp_error *err)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, consumer->inputs, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->client.rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return code ? kafka_error_set(err, code, NULL, "topic %s", consumer->inputs) : MSP_OK;
}

/* While no broker can be reached, or the topic is gone, librdkafka says so once; when that is over is for us to ask. */
static enum msp_status consumer_ask_broker(struct kafka_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	int32_t count;
	enum msp_status status = kafka_topic_partition_count(&consumer->client, consumer->inputs, timeout_ms, &count, err);
	if (status != MSP_E_UNAVAILABLE)
		consumer->client.down = false;
	if (status == MSP_OK && consumer->missing) {
		consumer->missing = false;
		pthread_mutex_lock(&consumer->drive.lock);
		kafka_consumer_begin_anew(consumer);
		pthread_mutex_unlock(&consumer->drive.lock);
		return consumer_subscribe(consumer, err);
	}
	return status;
}

/* While a transaction is in hand they wait for settle_wait, the next batch does not: unless messages may be among the
 * events, which come before those in the work queue. */
static void consumer_duties(struct kafka_consumer *consumer)
{
	if (consumer->rewound)
		pthread_mutex_lock(&consumer->drive.lock);
	else if (pthread_mutex_trylock(&consumer->drive.lock) != 0)
		return;
	kafka_consumer_serve(consumer);
	if (!consumer->drive.runs)
		kafka_settle_advance(consumer, 0);
	pthread_mutex_unlock(&consumer->drive.lock);
}

/* librdkafka leaves a partition alone whose mark it could not fetch, until it is assigned anew (its issue 5586). Only
 * after that was said, so that the worker has waited, and when nothing is in hand. */
static void consumer_start_again(struct kafka_consumer *consumer)
{
	if (!consumer->unstarted || consumer->trouble.status != MSP_OK)
		return;
	pthread_mutex_lock(&consumer->drive.lock);
	if (consumer->settle.step == KAFKA_SETTLE_IDLE) {
		consumer->unstarted = false;
		if (consumer->assignment)
			kafka_consumer_rewind(consumer);
	}
	pthread_mutex_unlock(&consumer->drive.lock);
}

static enum msp_status consumer_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	int64_t deadline_ms = msp_monotonic_ms() + limits->timeout_ms;
	*ret_batch = NULL;
	consumer_start_again(consumer);
	for (;;) {
		consumer_duties(consumer);
		enum msp_status status = consumer_deliver(consumer, limits, ret_batch, err);
		if (status != MSP_OK || *ret_batch)
			return status;
		status = consumer_trouble(consumer, err);
		if (status != MSP_OK)
			return status;
		int64_t left_ms = deadline_ms - msp_monotonic_ms();
		if (left_ms <= 0 || atomic_exchange(&consumer->woken, false))
			return consumer_idle(consumer, err);
		if (consumer->client.down || consumer->missing)
			return consumer_ask_broker(consumer, (int)left_ms, err);
		/* Stopping a partition undoes its forwarding, at a time of librdkafka's choice. */
		if (consumer->rewound)
			kafka_consumer_forward(consumer);
		left_ms = kafka_mark_sleep_ms(consumer, left_ms);
		consumer_sleep(consumer, consumer->rewound && left_ms > REWIND_POLL_MS ? REWIND_POLL_MS : left_ms);
	}
}

static void consumer_batch_free(struct msp_consumer *base, struct msp_batch *batch)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	struct kafka_batch **link = &consumer->batches;
	while (*link && &(*link)->base != batch)
		link = &(*link)->next;
	assert(*link);
	struct kafka_batch *freed = *link;
	*link = freed->next;
	if (!freed->settled && freed->epoch == consumer->epoch)
		consumer->gap += freed->base.count;
	kafka_batch_free(freed);
}

static void consumer_wake(struct msp_consumer *base)
{
	struct kafka_consumer *consumer = consumer_cast(base);
	atomic_store(&consumer->woken, true);
	uint64_t one = 1;
	if (write(consumer->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

/* ---- the object's life ---- */

/* In this order: librdkafka waits in rd_kafka_destroy for all messages, queues and lists that refer to its partitions,
 * also for lists that rd_kafka_offsets_store has filled. */
static void consumer_free(struct msp_consumer *base)
{
	if (!base)
		return;
	struct kafka_consumer *consumer = consumer_cast(base);
	kafka_drive_stop(&consumer->drive);
	if (consumer->client.rk)
		kafka_settle_give_up(consumer, false, 0);
	while (consumer->batches)
		consumer_batch_free(base, &consumer->batches->base);
	if (consumer->work)
		kafka_consumer_drop_fetched(consumer);
	if (consumer->settle.offsets)
		rd_kafka_topic_partition_list_destroy(consumer->settle.offsets);
	if (consumer->client.rk)
		kafka_consumer_leave(consumer);
	if (consumer->events) {
		rd_kafka_queue_io_event_enable(consumer->events, -1, NULL, 0);
		rd_kafka_queue_destroy(consumer->events);
	}
	kafka_consumer_drop_queues(consumer);
	if (consumer->work) {
		kafka_consumer_drop_fetched(consumer);
		rd_kafka_queue_io_event_enable(consumer->work, -1, NULL, 0);
		rd_kafka_queue_destroy(consumer->work);
	}
	kafka_client_done(&consumer->client);
	kafka_publisher_done(&consumer->publisher);
	if (consumer->wake_fd >= 0)
		close(consumer->wake_fd);
	if (consumer->instance_fd >= 0)
		close(consumer->instance_fd);
	free(consumer->carried);
	free(consumer->inputs);
	free(consumer->group);
	free(consumer->instance);
	kafka_drive_done(&consumer->drive);
	free(consumer);
}

static rd_kafka_conf_t *consumer_conf(const struct kafka_consumer *consumer, rd_kafka_conf_t *conf)
{
	kafka_conf_set(conf, "group.id", consumer->group);
	if (consumer->instance)
		kafka_conf_set(conf, "group.instance.id", consumer->instance);
	kafka_conf_set(conf, "enable.auto.commit", "false");
	rd_kafka_conf_set_rebalance_cb(conf, kafka_consumer_rebalance);
	return conf;
}

static enum msp_status consumer_connect(struct kafka_consumer *consumer, struct msp_error *err)
{
	static const uint64_t one = 1;
	rd_kafka_conf_t *conf;
	enum msp_status status = kafka_conf_new(consumer->settings, KAFKA_CONSUMER, &conf, err);
	if (status == MSP_OK)
		status = kafka_client_init(&consumer->client, RD_KAFKA_CONSUMER, consumer_conf(consumer, conf), consumer, err);
	if (status != MSP_OK)
		return status;
	rd_kafka_poll_set_consumer(consumer->client.rk);
	consumer->events = rd_kafka_queue_get_consumer(consumer->client.rk);
	consumer->work = rd_kafka_queue_new(consumer->client.rk);
	rd_kafka_queue_io_event_enable(consumer->events, consumer->wake_fd, &one, sizeof(one));
	rd_kafka_queue_io_event_enable(consumer->work, consumer->wake_fd, &one, sizeof(one));
	return MSP_OK;
}

/* The same for the same process and worker for good, so that a restarted process ends what it had begun. */
static enum msp_status transactional_id(const struct kafka_consumer *consumer, char *id, size_t size,
                                        struct msp_error *err)
{
	unsigned char random[8];
	if (consumer->instance) {
		snprintf(id, size, "%s-%s", consumer->group, consumer->instance);
		return MSP_OK;
	}
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return msp_error_set(err, MSP_E_UNAVAILABLE, "no random numbers: %s", strerror(errno));
	int end = snprintf(id, size, "%s-", consumer->group);
	for (size_t i = 0; i < sizeof(random) && (size_t)end < size; i++)
		end += snprintf(id + end, size - (size_t)end, "%02x", random[i]);
	return MSP_OK;
}

/* Now, not with the first batch: what a predecessor left open hides messages from readers until then. */
static enum msp_status transactional_id_claim(struct kafka_consumer *consumer, struct msp_error *err)
{
	rd_kafka_error_t *error = rd_kafka_init_transactions(consumer->publisher.client.rk, KAFKA_OPEN_TIMEOUT_MS);
	if (!error)
		return MSP_OK;
	enum msp_status status =
	    kafka_client_error(&consumer->publisher.client, rd_kafka_error_code(error), err, "transactions");
	rd_kafka_error_destroy(error);
	if (status == MSP_E_UNSUPPORTED)
		msp_error_prefix(err, status, "exactly_once needs Kafka 2.5 or newer");
	return status;
}

/* Topics that are not there are waited for when there is something to publish to them. */
static enum msp_status publisher_open_topics(struct kafka_publisher *publisher, struct msp_error *err)
{
	enum msp_status status = kafka_publisher_start(publisher, err);
	for (size_t route = 0; route < 2 && status == MSP_OK; route++) {
		if (publisher->names[route])
			status = kafka_publisher_open_topic(publisher, (enum msp_route)route, KAFKA_OPEN_TIMEOUT_MS, err);
		if (status == MSP_E_NOT_FOUND)
			status = MSP_OK;
	}
	return status == MSP_OK && publisher->outdated ? kafka_publisher_renew(publisher, NULL, err) : status;
}

/* At least once, a worker that has nothing to publish has no producer client: an idle model costs half as much. */
static enum msp_status consumer_open_publisher(struct kafka_consumer *consumer,
                                               const struct msp_consumer_config *config, struct msp_error *err)
{
	char id[512];
	struct kafka_publisher *publisher = &consumer->publisher;
	enum msp_status status = MSP_OK;
	if (consumer->transactional)
		status = transactional_id(consumer, id, sizeof(id), err);
	if (status == MSP_OK)
		status = kafka_publisher_init(publisher, consumer->settings, consumer->transactional ? id : NULL, err);
	if (status == MSP_OK && config->outputs)
		status = kafka_publisher_name_topic(publisher, MSP_ROUTE_OUTPUTS, config->outputs, err);
	if (status == MSP_OK && config->errors)
		status = kafka_publisher_name_topic(publisher, MSP_ROUTE_ERRORS, config->errors, err);
	if (status == MSP_OK && consumer->transactional)
		status = publisher_open_topics(publisher, err);
	if (status == MSP_OK && consumer->transactional)
		status = transactional_id_claim(consumer, err);
	return status;
}

static enum msp_status consumer_init(struct kafka_consumer *consumer, const struct msp_consumer_config *config,
                                     struct msp_error *err)
{
	consumer->publishes = config->outputs || config->errors;
	consumer->transactional = config->guarantee == MSP_EXACTLY_ONCE && consumer->publishes;
	consumer->commits_at_once =
	    config->commit_interval_ms <= 0 || (config->guarantee == MSP_EXACTLY_ONCE && !consumer->publishes);
	consumer->commit_interval_ms = config->commit_interval_ms;
	consumer->inputs = strdup(config->inputs);
	consumer->group = strdup(config->group);
	bool named = !config->instance || asprintf(&consumer->instance, "%s-%d", config->instance, config->slot) >= 0;
	if (!consumer->inputs || !consumer->group || !named)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	consumer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (consumer->wake_fd < 0)
		return msp_error_set(err, MSP_E_UNAVAILABLE, "no eventfd: %s", strerror(errno));
	if (!consumer->instance)
		return MSP_OK;
	return kafka_instance_claim(consumer->settings, consumer->group, consumer->instance, &consumer->instance_fd, err);
}

enum msp_status kafka_consumer_open(const struct kafka_settings *settings, const struct msp_consumer_config *config,
                                    struct msp_consumer **ret_consumer, struct msp_error *err)
{
	struct kafka_consumer *consumer = calloc(1, sizeof(*consumer));
	if (!consumer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	consumer->base.ops = &CONSUMER_OPS;
	consumer->settings = settings;
	kafka_drive_init(&consumer->drive);
	consumer->wake_fd = consumer->instance_fd = -1;
	int32_t count;
	enum msp_status status = consumer_init(consumer, config, err);
	if (status == MSP_OK)
		status = consumer_connect(consumer, err);
	if (status == MSP_OK)
		status = kafka_topic_partition_count(&consumer->client, consumer->inputs, KAFKA_OPEN_TIMEOUT_MS, &count, err);
	if (status == MSP_OK && consumer->publishes)
		status = consumer_open_publisher(consumer, config, err);
	if (status == MSP_OK)
		status = consumer_subscribe(consumer, err);
	if (status == MSP_OK && consumer->transactional)
		status = kafka_drive_start(consumer, err);
	if (status != MSP_OK) {
		consumer_free(&consumer->base);
		return status;
	}
	*ret_consumer = &consumer->base;
	return MSP_OK;
}

static const struct msp_consumer_ops CONSUMER_OPS = {
    .receive = consumer_receive,
    .batch_free = consumer_batch_free,
    .settle_begin = kafka_consumer_settle_begin,
    .settle_wait = kafka_consumer_settle_wait,
    .wake = consumer_wake,
    .free = consumer_free,
};
