#include "consumer.h"
#include "transport.h"
#include <assert.h>
#include <msp/backoff.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

/* How soon to try again while another process holds the lock that joining or taking over needs, */
#define BLOCKED_PAUSE_MS 2
#define LEAVE_TIMEOUT_MS 1000

static const struct msp_consumer_ops CONSUMER_OPS; /* at the end */

static struct lite_consumer *consumer_cast(struct msp_consumer *consumer)
{
	assert(consumer && consumer->ops == &CONSUMER_OPS);
	return (struct lite_consumer *)consumer;
}

static struct lite_batch *batch_cast(struct msp_batch *batch)
{
	return (struct lite_batch *)batch;
}

void lite_consumer_void(struct lite_consumer *consumer)
{
	consumer->term++;
	for (size_t i = 0; i < consumer->group.claim_count; i++) {
		struct lite_claim *claim = &consumer->group.claims[i];
		claim->position = claim->committed;
		claim->batches = 0;
		claim->window = claim->window > 0;
	}
	consumer->group.epoch = -1;
}

/* ---- filling a batch ---- */

static struct lite_batch *batch_take(struct lite_consumer *consumer)
{
	struct lite_batch *batch = &consumer->batches[consumer->batches[0].alive];
	assert(!batch->alive);
	lite_page_reset(&batch->page);
	batch->span_count = 0;
	batch->term = consumer->term;
	return batch;
}

static enum msp_status spans_reserve(struct lite_batch *batch, size_t count, struct msp_error *err)
{
	if (batch->span_capacity >= count)
		return MSP_OK;
	struct lite_span *spans = realloc(batch->spans, count * sizeof(*spans));
	if (!spans)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a batch");
	batch->spans = spans;
	batch->span_capacity = count;
	return MSP_OK;
}

/* Offsets have no gaps but one: what retention deleted before the group came by. */
static void skipped_log(const struct lite_consumer *consumer, const struct msp_message *first, int64_t position)
{
	if (first->offset == position)
		return;
	char partition[16];
	snprintf(partition, sizeof(partition), "%d", (int)first->partition);
	msp_log(MSP_LOG_WARN, "retention deleted messages that the group had not settled", "group", consumer->group.name,
	        "topic", first->topic, "partition", partition, "count", MSP_LOG_NUMBER(first->offset - position), NULL);
}

/* Adds what there is of one partition. A partition whose owner vanished is read in small steps, in batches of its own
 * (*ret_alone), one at a time: what made an owner vanish must not stand beside anything else. */
static enum msp_status claim_read(struct lite_consumer *consumer, size_t index, const struct msp_receive_limits *limits,
                                  struct lite_batch *batch, bool *ret_alone, struct msp_error *err)
{
	struct lite_claim *claim = &consumer->group.claims[index];
	size_t before = batch->page.count;
	bool ended;
	*ret_alone = claim->owned && claim->window > 0;
	if (!claim->owned || !claim->entitled || (*ret_alone && (before > 0 || claim->position > claim->committed)))
		return MSP_OK;
	struct lite_range range = {
	    .position = claim->position,
	    .end = INT64_MAX,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	    .max_messages = limits->max_messages,
	    .max_bytes = limits->max_bytes,
	};
	if (*ret_alone && (size_t)claim->window < range.max_messages)
		range.max_messages = (size_t)claim->window;
	enum msp_status status = lite_log_read(&consumer->db, consumer->inputs, &consumer->group.topic.partitions[index],
	                                       &range, &batch->page, &ended, err);
	if (status != MSP_OK || batch->page.count == before)
		return status;
	struct msp_message *first = &batch->page.messages[before];
	skipped_log(consumer, first, claim->position);
	/* The first delivery was to whoever vanished. */
	if (claim->window == 1)
		first->attempts = (int32_t)(claim->deliveries < INT32_MAX - 2 ? claim->deliveries + 2 : INT32_MAX);
	batch->spans[batch->span_count++] = (struct lite_span){index, claim->position, range.position};
	return MSP_OK;
}

/* One partition after the other, each batch beginning with another one. */
static enum msp_status batch_fill(struct lite_consumer *consumer, const struct msp_receive_limits *limits,
                                  struct lite_batch *batch, struct msp_error *err)
{
	size_t count = consumer->group.claim_count;
	enum msp_status status = spans_reserve(batch, count, err);
	for (size_t i = 0; i < count && status == MSP_OK; i++) {
		bool alone;
		status = claim_read(consumer, (consumer->next_claim + i) % count, limits, batch, &alone, err);
		if (batch->page.count >= limits->max_messages || (alone && batch->span_count > 0))
			break;
	}
	return status;
}

static void batch_deliver(struct lite_consumer *consumer, struct lite_batch *batch, struct msp_batch **ret_batch)
{
	for (size_t i = 0; i < batch->span_count; i++) {
		struct lite_claim *claim = &consumer->group.claims[batch->spans[i].claim];
		claim->position = batch->spans[i].end;
		claim->batches++;
	}
	consumer->next_claim = (batch->spans[0].claim + 1) % consumer->group.claim_count;
	batch->base = (struct msp_batch){batch->page.messages, batch->page.count};
	batch->alive = true;
	*ret_batch = &batch->base;
}

/* ---- the connection ---- */

/* A batch in flight has nowhere to go; settling answers that it is lost, and then the new file is opened. */
static enum msp_status connection_renew(struct lite_consumer *consumer, struct msp_error *err)
{
	const struct lite_file *file = &consumer->transport->file;
	if (consumer->db.handle && !lite_db_has_moved(&consumer->db))
		return MSP_OK;
	if (consumer->in_flight)
		return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: the file was deleted or replaced", consumer->db.name);
	lite_consumer_void(consumer);
	lite_group_reset(&consumer->group);
	for (size_t i = 0; i < LITE_BATCHES; i++)
		lite_topic_done(&consumer->routes[i].topic);
	lite_db_close(&consumer->db);
	enum msp_status status = lite_file_connect(file, false, 0, &consumer->db, err);
	if (status == MSP_OK)
		lite_watch_follow(&consumer->watch, file);
	return status;
}

/* ---- receive ---- */

static bool release_is_possible(const struct lite_group *group)
{
	for (size_t i = 0; i < group->claim_count && group->release_due; i++) {
		if (group->claims[i].owned && !group->claims[i].entitled && group->claims[i].batches == 0)
			return true;
	}
	return false;
}

/* Joins, takes and releases. A lock that others hold for a moment is no reason to stop reading what is ours. */
static enum msp_status duties_do(struct lite_consumer *consumer, struct msp_error *err)
{
	bool lost;
	enum msp_status status = lite_group_sync(&consumer->group, &consumer->db, 0, &lost, err);
	int64_t epoch = consumer->group.epoch;
	if (lost)
		lite_consumer_void(consumer);
	consumer->group.epoch = epoch;
	int64_t now_ms = msp_monotonic_ms();
	if (status != MSP_E_UNAVAILABLE)
		consumer->blocked_ms = 0;
	else if (consumer->blocked_ms == 0)
		consumer->blocked_ms = now_ms;
	return status == MSP_E_UNAVAILABLE && now_ms - consumer->blocked_ms < LITE_PATIENCE_MS ? MSP_OK : status;
}

/* Begins a read transaction in which the group is served as far as possible and *ret_usable says whether the topic is
 * the one that the claims are about. */
static enum msp_status snapshot_begin(struct lite_consumer *consumer, bool *ret_usable, struct msp_error *err)
{
	struct lite_group *group = &consumer->group;
	enum msp_status status = lite_db_begin_read(&consumer->db, err);
	if (status == MSP_OK)
		status = lite_group_is_current(group, &consumer->db, ret_usable, err);
	if (status != MSP_OK || (*ret_usable && !release_is_possible(group)))
		return status;
	lite_db_rollback(&consumer->db);
	status = duties_do(consumer, err);
	if (status == MSP_OK)
		status = lite_db_begin_read(&consumer->db, err);
	int64_t schema_version = 0;
	if (status == MSP_OK)
		status = lite_db_schema_version(&consumer->db, &schema_version, err);
	*ret_usable = schema_version == group->topic.schema_version && group->topic.id == group->topic_id;
	return status;
}

static enum msp_status delivery_count(struct lite_consumer *consumer, size_t index, bool *ret_held,
                                      struct msp_error *err)
{
	enum msp_status status = lite_db_begin_write(&consumer->db, 0, err);
	if (status != MSP_OK)
		return status;
	status = lite_group_deliver(&consumer->group, &consumer->db, index, ret_held, err);
	if (status == MSP_OK)
		status = lite_db_commit(&consumer->db, err);
	lite_db_rollback(&consumer->db);
	if (status == MSP_OK && *ret_held)
		consumer->group.claims[index].deliveries++;
	return status;
}

/* Writes down, before it is tried, that a message is delivered again which may have ended its owner. Only such
 * deliveries count, so that processes which come and go for other reasons send no message to errors. */
static enum msp_status batch_count(struct lite_consumer *consumer, const struct lite_batch *batch, bool *ret_held,
                                   struct msp_error *err)
{
	size_t index = batch->spans[0].claim;
	*ret_held = true;
	if (consumer->group.claims[index].window != 1)
		return MSP_OK;
	enum msp_status status = delivery_count(consumer, index, ret_held, err);
	if (status == MSP_OK && !*ret_held)
		consumer->group.epoch = -1;
	return status;
}

static enum msp_status receive_try(struct lite_consumer *consumer, const struct msp_receive_limits *limits,
                                   struct msp_batch **ret_batch, struct msp_error *err)
{
	bool usable = false, held = false;
	struct lite_batch *batch = NULL;
	enum msp_status status = connection_renew(consumer, err);
	if (status != MSP_OK)
		return status;
	status = snapshot_begin(consumer, &usable, err);
	if (status == MSP_OK && usable) {
		batch = batch_take(consumer);
		status = batch_fill(consumer, limits, batch, err);
	}
	lite_db_rollback(&consumer->db);
	if (status == MSP_OK && batch && batch->page.count > 0)
		status = batch_count(consumer, batch, &held, err);
	if (status == MSP_OK && held)
		batch_deliver(consumer, batch, ret_batch);
	return status;
}

static enum msp_status consumer_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	struct lite_consumer *consumer = consumer_cast(base);
	struct msp_error local = {.status = MSP_OK};
	err = err ? err : &local;
	int64_t now_ms = msp_monotonic_ms(), deadline_ms = now_ms + limits->timeout_ms;
	*ret_batch = NULL;
	for (bool armed = false;; armed = true) {
		atomic_store(&consumer->group.member.active_ms, now_ms);
		if (lite_watch_was_woken(&consumer->watch))
			return MSP_OK;
		enum msp_status status = receive_try(consumer, limits, ret_batch, err);
		now_ms = msp_monotonic_ms();
		if (*ret_batch || (status != MSP_OK && status != MSP_E_UNAVAILABLE) || now_ms >= deadline_ms)
			return status;
		bool blocked = status == MSP_E_UNAVAILABLE || consumer->blocked_ms != 0;
		int64_t left_ms = deadline_ms - now_ms;
		/* Whoever waits here does not hang. */
		int64_t longest_ms = blocked ? BLOCKED_PAUSE_MS : consumer->group.file->options.max_poll_interval_ms / 2;
		if (armed)
			lite_watch_wait(&consumer->watch, left_ms < longest_ms ? left_ms : longest_ms);
		/* Whatever comes after this line ends the next wait. */
		lite_watch_arm(&consumer->watch);
	}
}

static void consumer_batch_free(struct msp_consumer *base, struct msp_batch *batch_base)
{
	struct lite_consumer *consumer = consumer_cast(base);
	struct lite_batch *batch = batch_cast(batch_base);
	if (!batch)
		return;
	assert(batch->alive && batch != consumer->in_flight);
	batch->alive = false;
	for (size_t i = 0; i < batch->span_count && batch->term == consumer->term; i++)
		consumer->group.claims[batch->spans[i].claim].batches--;
}

/* ---- the rest ---- */

static void consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	lite_settle_begin(consumer_cast(base), batch_cast(batch), outgoing);
}

static enum msp_settle_answer consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	return lite_settle_wait(consumer_cast(base), timeout_ms, err);
}

static void consumer_wake(struct msp_consumer *base)
{
	lite_watch_wake(&consumer_cast(base)->watch);
}

static void consumer_free(struct msp_consumer *base)
{
	if (!base)
		return;
	struct lite_consumer *consumer = consumer_cast(base);
	lite_keeper_remove(&consumer->transport->keeper, &consumer->group.member);
	if (consumer->db.handle)
		lite_group_leave(&consumer->group, &consumer->db, msp_monotonic_ms() + LEAVE_TIMEOUT_MS);
	lite_group_done(&consumer->group);
	for (size_t i = 0; i < LITE_BATCHES; i++) {
		lite_page_done(&consumer->batches[i].page);
		free(consumer->batches[i].spans);
		lite_topic_done(&consumer->routes[i].topic);
		free(consumer->routes[i].name);
	}
	msp_buffer_done(&consumer->scratch);
	lite_watch_done(&consumer->watch);
	lite_db_close(&consumer->db);
	free(consumer->inputs);
	free(consumer->group_name);
	free(consumer);
}

static const struct msp_consumer_ops CONSUMER_OPS = {
    .receive = consumer_receive,
    .batch_free = consumer_batch_free,
    .settle_begin = consumer_settle_begin,
    .settle_wait = consumer_settle_wait,
    .wake = consumer_wake,
    .free = consumer_free,
};

static bool names_copy(struct lite_consumer *consumer, const struct msp_consumer_config *config)
{
	const char *const routes[] = {[MSP_ROUTE_OUTPUTS] = config->outputs, [MSP_ROUTE_ERRORS] = config->errors};
	consumer->inputs = strdup(config->inputs);
	consumer->group_name = strdup(config->group);
	for (size_t i = 0; i < 2; i++)
		consumer->routes[i].name = routes[i] ? strdup(routes[i]) : NULL;
	return consumer->inputs && consumer->group_name && !routes[0] == !consumer->routes[0].name &&
	       !routes[1] == !consumer->routes[1].name;
}

static enum msp_status consumer_init(struct lite_consumer *consumer, const struct msp_consumer_config *config,
                                     struct msp_error *err)
{
	struct lite_transport *transport = consumer->transport;
	int64_t deadline_ms = msp_monotonic_ms() + LITE_OPEN_TIMEOUT_MS;
	for (size_t i = 0; i < LITE_BATCHES; i++)
		lite_page_init(&consumer->batches[i].page);
	msp_buffer_init(&consumer->scratch, SIZE_MAX);
	if (!names_copy(consumer, config))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	enum msp_status status = lite_file_connect(&transport->file, false, deadline_ms, &consumer->db, err);
	if (status == MSP_OK)
		status = lite_watch_init(&consumer->watch, &transport->file, err);
	struct lite_group_config group = {consumer->group_name, consumer->inputs, config->instance, config->slot};
	if (status == MSP_OK)
		status = lite_group_init(&consumer->group, &transport->file, &transport->process, &group, err);
	bool lost;
	if (status == MSP_OK)
		status = lite_group_sync(&consumer->group, &consumer->db, deadline_ms, &lost, err);
	return status == MSP_OK ? lite_keeper_add(&transport->keeper, &consumer->group.member, err) : status;
}

enum msp_status lite_consumer_open(struct lite_transport *transport, const struct msp_consumer_config *config,
                                   struct msp_consumer **ret_consumer, struct msp_error *err)
{
	assert(config->inputs && config->group);
	struct lite_consumer *consumer = calloc(1, sizeof(*consumer));
	if (!consumer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	consumer->base.ops = &CONSUMER_OPS;
	consumer->transport = transport;
	consumer->watch.inotify = consumer->watch.wake = -1;
	enum msp_status status = consumer_init(consumer, config, err);
	if (status == MSP_OK)
		*ret_consumer = &consumer->base;
	else
		consumer_free(&consumer->base);
	return status;
}
