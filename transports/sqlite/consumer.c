/* A consumer. This is the only loop: it serves its parts and acts on what they say; they know neither each other nor
 * this file.
 *
 *     member.c   membership of the group      fetch.c    batches of messages
 *     offsets.c  what the group has consumed  settle.c   results
 *
 * A rebalance in mid-flight: somebody joined, left or was removed, so the group is of another generation. The loop
 * finds that at its next turn and synchronises, in one write transaction: partitions that are assigned now and free are
 * taken; those that are assigned to others are released as soon as no batch holds messages of them, and until then the
 * batch in flight is settled as ever. Only a member that was thought dead finds that a partition is not its own any
 * more: all that it received is lost then. */
#include "fetch.h"
#include "member.h"
#include "settle.h"
#include "transport.h"
#include "watch.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdlib.h>

/* How soon to try again while another process holds the lock that joining or taking over needs. */
#define BLOCKED_PAUSE_MS 2
/* How long other processes may hold the lock without anyone calling that a failure. */
#define PATIENCE_MS      1000
#define LEAVE_TIMEOUT_MS 1000

struct sqlite_consumer {
	struct msp_consumer base;
	struct sqlite_transport *transport; /* borrowed */
	char *inputs, *group;               /* owned */
	struct sqlite_db db;
	struct sqlite_watch watch;
	struct sqlite_topic topic; /* the inputs, as of the last synchronisation */

	struct sqlite_member member;
	struct sqlite_offsets offsets;
	struct sqlite_fetch fetch;
	struct sqlite_settle settle;
	struct sqlite_batch *in_flight;
	int64_t blocked_since_ms; /* another process keeps us from joining or taking over; 0: none does */

	atomic_bool is_connected; /* for any thread, like the next */
	_Atomic uint64_t connects;
};

static struct sqlite_consumer *consumer_cast(struct msp_consumer *consumer)
{
	assert(consumer);
	return (struct sqlite_consumer *)consumer;
}

/* ---- the connection ---- */

/* Everything that was received and not settled is invalid, and is received again. */
static void consumer_invalidate(struct sqlite_consumer *consumer)
{
	sqlite_fetch_invalidate(&consumer->fetch);
	sqlite_offsets_rewind(&consumer->offsets);
}

static enum msp_status consumer_connect(struct sqlite_consumer *consumer, int64_t deadline_ms, struct msp_error *err)
{
	enum msp_status status = sqlite_file_connect(&consumer->transport->file, false, deadline_ms, &consumer->db, err);
	atomic_store(&consumer->is_connected, status == MSP_OK);
	if (status == MSP_OK)
		atomic_fetch_add(&consumer->connects, 1);
	return status;
}

/* Sees to it that the file at the path is the one that is open. What is in flight is settled before: it is lost. */
static enum msp_status consumer_reconnect(struct sqlite_consumer *consumer, struct msp_error *err)
{
	if (consumer->db.handle && !sqlite_db_has_moved(&consumer->db))
		return MSP_OK;
	if (consumer->in_flight)
		return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: the file was deleted or replaced", consumer->db.name);
	consumer_invalidate(consumer);
	sqlite_topic_done(&consumer->topic);
	sqlite_settle_reset(&consumer->settle);
	sqlite_offsets_reset(&consumer->offsets);
	sqlite_member_restore(&consumer->member, &(struct sqlite_place){0});
	sqlite_db_close(&consumer->db);
	enum msp_status status = consumer_connect(consumer, 0, err);
	if (status == MSP_OK)
		sqlite_watch_follow(&consumer->watch, &consumer->transport->file);
	return status;
}

/* ---- duties ---- */

static enum msp_status synchronise_in_transaction(struct sqlite_consumer *consumer, bool *lost, struct msp_error *err)
{
	struct sqlite_db *db = &consumer->db;
	struct sqlite_topic *topic = &consumer->topic;
	enum msp_status status = sqlite_topic_load(db, topic, consumer->inputs, err);
	if (status == MSP_OK)
		status = sqlite_offsets_follow(&consumer->offsets, topic, lost, err);
	if (status == MSP_OK)
		status = sqlite_member_join(&consumer->member, db, topic->id, err);
	if (status == MSP_OK)
		status = sqlite_offsets_assign(&consumer->offsets, db, topic, &consumer->member.place, lost, err);
	if (status == MSP_OK)
		status = sqlite_member_synchronised(&consumer->member, db, err);
	return status == MSP_OK ? sqlite_db_commit(db, err) : status;
}

/* After a failure the parts know what never reached the file; the next synchronisation finds the difference. */
static enum msp_status consumer_synchronise(struct sqlite_consumer *consumer, int64_t deadline_ms,
                                            struct msp_error *err)
{
	const struct sqlite_place place = consumer->member.place;
	int64_t generation = consumer->member.generation;
	bool lost = false;
	enum msp_status status = sqlite_db_begin_write(&consumer->db, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	status = synchronise_in_transaction(consumer, &lost, err);
	sqlite_db_rollback(&consumer->db);
	if (status != MSP_OK)
		sqlite_member_restore(&consumer->member, &place);
	else if (consumer->member.generation != generation)
		sqlite_file_notify(&consumer->transport->file);
	if (lost)
		consumer_invalidate(consumer);
	return status;
}

/* A lock that others hold for a moment is no reason to stop reading what is ours. */
static enum msp_status duties_do(struct sqlite_consumer *consumer, struct msp_error *err)
{
	enum msp_status status = consumer_synchronise(consumer, 0, err);
	int64_t now_ms = msp_monotonic_ms();
	if (status != MSP_E_UNAVAILABLE)
		consumer->blocked_since_ms = 0;
	else if (consumer->blocked_since_ms == 0)
		consumer->blocked_since_ms = now_ms;
	return status == MSP_E_UNAVAILABLE && now_ms - consumer->blocked_since_ms < PATIENCE_MS ? MSP_OK : status;
}

/* Whether the topic in the file is the one that the parts know. */
static enum msp_status topic_check(struct sqlite_consumer *consumer, bool *ret_known, struct msp_error *err)
{
	int64_t schema_version = 0;
	enum msp_status status = sqlite_db_schema_version(&consumer->db, &schema_version, err);
	*ret_known = schema_version == consumer->topic.schema_version && consumer->topic.id == consumer->offsets.topic_id;
	return status;
}

/* Begins a read transaction in which the group's duties are done as far as possible. *ret_known as above. */
static enum msp_status snapshot_begin(struct sqlite_consumer *consumer, bool *ret_known, struct msp_error *err)
{
	bool is_current = false;
	enum msp_status status = sqlite_db_begin_read(&consumer->db, err);
	if (status == MSP_OK)
		status = topic_check(consumer, ret_known, err);
	if (status == MSP_OK)
		status = sqlite_member_is_current(&consumer->member, &consumer->db, &is_current, err);
	if (status != MSP_OK || (*ret_known && is_current && !sqlite_offsets_can_release(&consumer->offsets)))
		return status;
	sqlite_db_rollback(&consumer->db);
	status = duties_do(consumer, err);
	if (status == MSP_OK)
		status = sqlite_db_begin_read(&consumer->db, err);
	return status == MSP_OK ? topic_check(consumer, ret_known, err) : status;
}

/* ---- receive and serve ---- */

static enum msp_status delivery_count(struct sqlite_consumer *consumer, size_t index, bool *ret_owned,
                                      struct msp_error *err)
{
	struct sqlite_db *db = &consumer->db;
	enum msp_status status = sqlite_db_begin_write(db, 0, err);
	if (status == MSP_OK)
		status = sqlite_offsets_count(&consumer->offsets, db, &consumer->topic, &consumer->member.place, index,
		                              ret_owned, err);
	if (status == MSP_OK)
		status = sqlite_db_commit(db, err);
	sqlite_db_rollback(db);
	return status;
}

/* Writes down, before it is tried, that a message is delivered again which may have ended its owner. Only such
 * deliveries count, so that processes which come and go for other reasons send no message to errors. */
static enum msp_status batch_count(struct sqlite_consumer *consumer, const struct sqlite_batch *batch, bool *ret_owned,
                                   struct msp_error *err)
{
	struct sqlite_assignment *assignment = &consumer->offsets.partitions[batch->spans[0].index];
	*ret_owned = true;
	if (assignment->redelivery_limit != 1)
		return MSP_OK;
	enum msp_status status = delivery_count(consumer, batch->spans[0].index, ret_owned, err);
	if (status == MSP_OK && *ret_owned)
		assignment->deliveries++;
	else if (status == MSP_OK)
		consumer->member.generation = -1;
	return status;
}

static enum msp_status batch_read(struct sqlite_consumer *consumer, const struct msp_receive_limits *limits,
                                  struct sqlite_batch **ret_batch, struct msp_error *err)
{
	const struct sqlite_fetch_source source = {
	    .db = &consumer->db,
	    .topic = &consumer->topic,
	    .offsets = &consumer->offsets,
	    .group = consumer->group,
	    .topic_name = consumer->inputs,
	};
	return sqlite_fetch_read(&consumer->fetch, &source, limits, ret_batch, err);
}

/* One turn of the loop: the duties, and a batch when there is one and `limits` is not NULL. */
static enum msp_status consumer_turn(struct sqlite_consumer *consumer, const struct msp_receive_limits *limits,
                                     struct msp_batch **ret_batch, struct msp_error *err)
{
	bool is_known = false, is_owned = false;
	struct sqlite_batch *batch = NULL;
	enum msp_status status = consumer_reconnect(consumer, err);
	if (status != MSP_OK)
		return status;
	status = snapshot_begin(consumer, &is_known, err);
	if (status == MSP_OK && is_known && limits)
		status = batch_read(consumer, limits, &batch, err);
	sqlite_db_rollback(&consumer->db);
	if (status == MSP_OK && batch)
		status = batch_count(consumer, batch, &is_owned, err);
	if (status == MSP_OK && is_owned) {
		sqlite_fetch_deliver(&consumer->fetch, batch);
		sqlite_offsets_received(&consumer->offsets, batch->spans, batch->span_count);
		*ret_batch = &batch->base;
	}
	return status;
}

/* Turns until there is a batch, an error that waiting does not mend, a wake, or the time is over. */
static enum msp_status consumer_loop(struct sqlite_consumer *consumer, const struct msp_receive_limits *limits,
                                     int timeout_ms, struct msp_batch **ret_batch, struct msp_error *err)
{
	struct msp_error local = {.status = MSP_OK};
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	for (bool armed = false;; armed = true) {
		sqlite_member_note_activity(&consumer->member);
		if (sqlite_watch_was_woken(&consumer->watch))
			return MSP_OK;
		enum msp_status status = consumer_turn(consumer, limits, ret_batch, err ? err : &local);
		int64_t left_ms = msp_deadline_left_ms(deadline_ms);
		if (*ret_batch || (status != MSP_OK && status != MSP_E_UNAVAILABLE) || left_ms == 0)
			return status;
		bool blocked = status == MSP_E_UNAVAILABLE || consumer->blocked_since_ms != 0;
		/* Whoever waits here does not hang. */
		int64_t most_ms = blocked ? BLOCKED_PAUSE_MS : consumer->transport->file.options.max_poll_interval_ms / 2;
		if (armed)
			sqlite_watch_wait(&consumer->watch, left_ms < most_ms ? left_ms : most_ms);
		/* Whatever comes after this line ends the next wait. */
		sqlite_watch_arm(&consumer->watch);
	}
}

static enum msp_status consumer_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                        struct msp_batch **ret_batch, struct msp_error *err)
{
	*ret_batch = NULL;
	return consumer_loop(consumer_cast(base), limits, limits->timeout_ms, ret_batch, err);
}

static enum msp_status consumer_serve(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct msp_batch *none = NULL;
	return consumer_loop(consumer_cast(base), NULL, timeout_ms, &none, err);
}

static void consumer_batch_free(struct msp_consumer *base, struct msp_batch *batch_base)
{
	struct sqlite_consumer *consumer = consumer_cast(base);
	struct sqlite_batch *batch = (struct sqlite_batch *)batch_base;
	if (!batch)
		return;
	assert(batch->alive && batch != consumer->in_flight);
	batch->alive = false;
	if (sqlite_fetch_is_valid(&consumer->fetch, batch))
		sqlite_offsets_freed(&consumer->offsets, batch->spans, batch->span_count);
}

/* ---- settle ---- */

static enum msp_settle_answer answer_of(enum msp_status status)
{
	return status == MSP_E_CORRUPT ? MSP_SETTLE_FAILED : MSP_SETTLE_AGAIN;
}

/* The offsets are committed and the results inserted in one transaction, or nothing happens at all. Both guarantees are
 * therefore the same here. */
static enum msp_settle_answer settle_in_transaction(struct sqlite_consumer *consumer, struct msp_error *err)
{
	struct sqlite_batch *batch = consumer->in_flight;
	bool owned = false, rejected = false;
	enum msp_status status =
	    sqlite_offsets_commit(&consumer->offsets, &consumer->db, &consumer->topic, &consumer->member.place,
	                          batch->spans, batch->span_count, &owned, err);
	if (status == MSP_OK && !owned)
		return MSP_SETTLE_LOST;
	if (status == MSP_OK)
		status = sqlite_settle_publish(&consumer->settle, &consumer->db, &rejected, err);
	if (status == MSP_OK && rejected)
		return MSP_SETTLE_REJECTED;
	if (status == MSP_OK)
		status = sqlite_db_commit(&consumer->db, err);
	return status == MSP_OK ? MSP_SETTLE_OK : answer_of(status);
}

static enum msp_settle_answer settle_try(struct sqlite_consumer *consumer, int64_t deadline_ms, struct msp_error *err)
{
	struct sqlite_batch *batch = consumer->in_flight;
	if (consumer->db.handle && sqlite_db_has_moved(&consumer->db)) {
		msp_error_set(err, MSP_E_NOT_FOUND, "%s: the file was deleted or replaced", consumer->db.name);
		return MSP_SETTLE_LOST;
	}
	enum msp_settle_answer answer = MSP_SETTLE_LOST;
	if (sqlite_fetch_is_valid(&consumer->fetch, batch) &&
	    sqlite_offsets_are_next(&consumer->offsets, batch->spans, batch->span_count)) {
		enum msp_status status = sqlite_db_begin_write(&consumer->db, deadline_ms, err);
		if (status == MSP_E_UNAVAILABLE && msp_monotonic_ms() - consumer->settle.begun_ms < PATIENCE_MS)
			err->status = MSP_OK; /* only slow */
		answer = status == MSP_OK ? settle_in_transaction(consumer, err) : answer_of(status);
		sqlite_db_rollback(&consumer->db);
	}
	if (answer == MSP_SETTLE_LOST)
		msp_error_set(err, MSP_E_CONFLICT, "another member of group %s took over", consumer->group);
	return answer;
}

/* Tries, and acts on the answer. */
static void settle_drive(struct sqlite_consumer *consumer, int64_t deadline_ms)
{
	const struct sqlite_batch *batch = consumer->in_flight;
	struct sqlite_settle *settle = &consumer->settle;
	sqlite_member_note_activity(&consumer->member);
	settle->answer = settle_try(consumer, deadline_ms, &settle->error);
	if (settle->answer == MSP_SETTLE_OK) {
		sqlite_offsets_settled(&consumer->offsets, batch->spans, batch->span_count);
		sqlite_settle_committed(settle);
		sqlite_file_notify(&consumer->transport->file);
	} else if (settle->answer == MSP_SETTLE_LOST) {
		consumer_invalidate(consumer);
		consumer->member.generation = -1;
	}
}

static void consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct sqlite_consumer *consumer = consumer_cast(base);
	consumer->in_flight = (struct sqlite_batch *)batch;
	assert(consumer->in_flight->alive);
	sqlite_settle_begin(&consumer->settle, batch, outgoing);
	settle_drive(consumer, 0);
}

static enum msp_settle_answer consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct sqlite_consumer *consumer = consumer_cast(base);
	struct sqlite_settle *settle = &consumer->settle;
	if (settle->answer == MSP_SETTLE_AGAIN)
		settle_drive(consumer, msp_deadline_in(timeout_ms));
	enum msp_settle_answer answer = settle->answer;
	if (err && (answer == MSP_SETTLE_AGAIN || answer == MSP_SETTLE_LOST || answer == MSP_SETTLE_FAILED))
		*err = settle->error;
	if (answer != MSP_SETTLE_AGAIN)
		consumer->in_flight = NULL;
	return answer;
}

/* ---- the rest ---- */

static void consumer_wake(struct msp_consumer *base)
{
	sqlite_watch_wake(&consumer_cast(base)->watch);
}

/* The connection is the open file; nothing is read ahead. */
static void consumer_stats(struct msp_consumer *base, struct msp_consumer_stats *ret_stats)
{
	struct sqlite_consumer *consumer = consumer_cast(base);
	bool is_connected = atomic_load(&consumer->is_connected);
	*ret_stats = (struct msp_consumer_stats){
	    .connections_up = is_connected,
	    .connections_down = !is_connected,
	    .connects = atomic_load(&consumer->connects),
	    .round_trip_us = -1,
	};
}

static void consumer_free(struct msp_consumer *base)
{
	if (!base)
		return;
	struct sqlite_consumer *consumer = consumer_cast(base);
	sqlite_heartbeat_remove(&consumer->transport->heartbeat, &consumer->member.lease);
	if (consumer->db.handle)
		sqlite_member_leave(&consumer->member, &consumer->db, msp_deadline_in(LEAVE_TIMEOUT_MS));
	sqlite_member_done(&consumer->member);
	sqlite_offsets_reset(&consumer->offsets);
	sqlite_fetch_done(&consumer->fetch);
	sqlite_settle_done(&consumer->settle);
	sqlite_topic_done(&consumer->topic);
	sqlite_watch_done(&consumer->watch);
	sqlite_db_close(&consumer->db);
	free(consumer->inputs);
	free(consumer->group);
	free(consumer);
}

static const struct msp_consumer_ops CONSUMER_OPS = {
    .receive = consumer_receive,
    .serve = consumer_serve,
    .batch_free = consumer_batch_free,
    .settle_begin = consumer_settle_begin,
    .settle_wait = consumer_settle_wait,
    .wake = consumer_wake,
    .stats = consumer_stats,
    .free = consumer_free,
};

/* ---- opening ---- */

static enum msp_status consumer_init(struct sqlite_consumer *consumer, const struct msp_consumer_config *config,
                                     struct msp_error *err)
{
	struct sqlite_transport *transport = consumer->transport;
	int64_t deadline_ms = msp_deadline_in(SQLITE_FILE_TIMEOUT_MS);
	consumer->inputs = strdup(config->inputs);
	consumer->group = strdup(config->group);
	sqlite_fetch_init(&consumer->fetch);
	enum msp_status status = sqlite_settle_init(&consumer->settle, config, err);
	if (status == MSP_OK && !(consumer->inputs && consumer->group))
		status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	const struct sqlite_member_config member = {
	    .file = &transport->file,
	    .process = &transport->process,
	    .group = consumer->group,
	    .instance = config->instance,
	    .slot = config->slot,
	};
	if (status == MSP_OK)
		status = sqlite_member_init(&consumer->member, &member, err);
	if (status == MSP_OK)
		status = consumer_connect(consumer, deadline_ms, err);
	if (status == MSP_OK)
		status = sqlite_watch_init(&consumer->watch, &transport->file, err);
	if (status == MSP_OK)
		status = consumer_synchronise(consumer, deadline_ms, err);
	return status == MSP_OK ? sqlite_heartbeat_add(&transport->heartbeat, &consumer->member.lease, err) : status;
}

enum msp_status sqlite_consumer_open(struct sqlite_transport *transport, const struct msp_consumer_config *config,
                                     struct msp_consumer **ret_consumer, struct msp_error *err)
{
	assert(config->inputs && config->group);
	struct msp_error local = {.status = MSP_OK};
	struct sqlite_consumer *consumer = calloc(1, sizeof(*consumer));
	if (!consumer)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	consumer->base.ops = &CONSUMER_OPS;
	consumer->transport = transport;
	consumer->watch.inotify = consumer->watch.wake = -1;
	enum msp_status status = consumer_init(consumer, config, err ? err : &local);
	if (status == MSP_OK)
		*ret_consumer = &consumer->base;
	else
		consumer_free(&consumer->base);
	return status;
}
