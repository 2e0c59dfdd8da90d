/* Settle: one transaction inserts the results and moves the committed offsets, or nothing happens at all. Both
 * guarantees are therefore the same here. */
#include "consumer.h"
#include "publish.h"
#include <assert.h>
#include <msp/backoff.h>

static enum msp_settle_answer answer_of(enum msp_status status)
{
	return status == MSP_E_CORRUPT ? MSP_SETTLE_FAILED : MSP_SETTLE_AGAIN;
}

static bool is_current(const struct lite_consumer *consumer, const struct lite_batch *batch)
{
	if (batch->term != consumer->term)
		return false;
	for (size_t i = 0; i < batch->span_count; i++) {
		/* An earlier batch of this partition was never settled; settling this one would lose its messages. */
		if (consumer->group.claims[batch->spans[i].claim].committed != batch->spans[i].begin)
			return false;
	}
	return true;
}

/* Loads the topics that results go to. One that is missing may yet be created. */
static enum msp_status routes_begin(struct lite_consumer *consumer, struct msp_error *err)
{
	consumer->routes[0].used = consumer->routes[1].used = false;
	for (size_t i = 0; consumer->outgoing && i < consumer->in_flight->base.count; i++)
		consumer->routes[consumer->outgoing[i].route].used |= consumer->outgoing[i].state == MSP_OUTGOING_PENDING;
	for (size_t i = 0; i < 2; i++) {
		struct lite_route *route = &consumer->routes[i];
		if (!route->used)
			continue;
		assert(route->name);
		enum msp_status status = lite_publish_begin(&consumer->db, &route->topic, route->name, err);
		if (status != MSP_OK)
			return status;
	}
	return MSP_OK;
}

static bool sizes_check(struct lite_consumer *consumer)
{
	bool fits = true;
	for (size_t i = 0; consumer->outgoing && i < consumer->in_flight->base.count; i++) {
		struct msp_outgoing *outgoing = &consumer->outgoing[i];
		struct lite_route *route = &consumer->routes[outgoing->route];
		if (outgoing->state != MSP_OUTGOING_PENDING || lite_publish_fits(&route->topic, &outgoing->message))
			continue;
		lite_publish_reject(&route->topic, route->too_large, outgoing);
		fits = false;
	}
	return fits;
}

static enum msp_status results_append(struct lite_consumer *consumer, struct msp_error *err)
{
	int64_t now_ms = msp_wall_ms();
	enum msp_status status = MSP_OK;
	for (size_t i = 0; consumer->outgoing && i < consumer->in_flight->base.count && status == MSP_OK; i++) {
		const struct msp_outgoing *outgoing = &consumer->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		/* A result without a key, of a partition that the topic does not have. */
		uint64_t spread = (uint64_t)consumer->in_flight->base.messages[i].partition;
		status = lite_publish_append(&consumer->db, &consumer->routes[outgoing->route].topic, &outgoing->message,
		                             spread, now_ms, &consumer->scratch, err);
	}
	for (size_t i = 0; i < 2 && status == MSP_OK; i++) {
		if (consumer->routes[i].used)
			status = lite_publish_end(&consumer->db, &consumer->routes[i].topic, now_ms, err);
	}
	return status;
}

static enum msp_status marks_move(struct lite_consumer *consumer, bool *ret_held, struct msp_error *err)
{
	const struct lite_batch *batch = consumer->in_flight;
	enum msp_status status = MSP_OK;
	*ret_held = true;
	for (size_t i = 0; i < batch->span_count && status == MSP_OK && *ret_held; i++)
		status = lite_group_commit(&consumer->group, &consumer->db, batch->spans[i].claim, batch->spans[i].end,
		                           ret_held, err);
	return status;
}

/* After the commit. */
static void batch_settled(struct lite_consumer *consumer)
{
	const struct lite_batch *batch = consumer->in_flight;
	for (size_t i = 0; i < batch->span_count; i++) {
		struct lite_claim *claim = &consumer->group.claims[batch->spans[i].claim];
		claim->committed = batch->spans[i].end;
		claim->deliveries = 0;
		claim->window = claim->window < LITE_WINDOW_MAX ? claim->window * 2 : 0;
	}
	for (size_t i = 0; consumer->outgoing && i < batch->base.count; i++)
		consumer->outgoing[i].state = MSP_OUTGOING_PUBLISHED;
	lite_file_notify(consumer->group.file);
}

static enum msp_settle_answer settle_in_transaction(struct lite_consumer *consumer, struct msp_error *err)
{
	bool held = false;
	enum msp_status status = marks_move(consumer, &held, err);
	if (status == MSP_OK && !held)
		return MSP_SETTLE_LOST;
	if (status == MSP_OK)
		status = routes_begin(consumer, err);
	if (status == MSP_OK && !sizes_check(consumer))
		return MSP_SETTLE_REJECTED;
	if (status == MSP_OK)
		status = results_append(consumer, err);
	if (status == MSP_OK)
		status = lite_db_commit(&consumer->db, err);
	return status == MSP_OK ? MSP_SETTLE_OK : answer_of(status);
}

static void settle_try(struct lite_consumer *consumer, int64_t deadline_ms)
{
	struct msp_error *err = &consumer->settle_error;
	if (consumer->db.handle && lite_db_has_moved(&consumer->db)) {
		consumer->answer = MSP_SETTLE_LOST;
		msp_error_set(err, MSP_E_NOT_FOUND, "%s: the file was deleted or replaced", consumer->db.name);
		lite_consumer_void(consumer);
		return;
	}
	if (!is_current(consumer, consumer->in_flight)) {
		consumer->answer = MSP_SETTLE_LOST;
	} else {
		enum msp_status status = lite_db_begin_write(&consumer->db, deadline_ms, err);
		if (status == MSP_E_UNAVAILABLE && msp_monotonic_ms() - consumer->begun_ms < LITE_PATIENCE_MS)
			err->status = MSP_OK; /* only slow */
		consumer->answer = status == MSP_OK ? settle_in_transaction(consumer, err) : answer_of(status);
		lite_db_rollback(&consumer->db);
	}
	if (consumer->answer == MSP_SETTLE_OK)
		batch_settled(consumer);
	if (consumer->answer == MSP_SETTLE_LOST) {
		msp_error_set(err, MSP_E_CONFLICT, "another member of group %s took over", consumer->group_name);
		lite_consumer_void(consumer);
	}
}

void lite_settle_begin(struct lite_consumer *consumer, struct lite_batch *batch, struct msp_outgoing *outgoing)
{
	assert(!consumer->in_flight && batch->alive);
	consumer->begun_ms = msp_monotonic_ms();
	atomic_store(&consumer->group.member.active_ms, consumer->begun_ms);
	consumer->in_flight = batch;
	consumer->outgoing = outgoing;
	settle_try(consumer, 0);
}

enum msp_settle_answer lite_settle_wait(struct lite_consumer *consumer, int timeout_ms, struct msp_error *err)
{
	assert(consumer->in_flight);
	int64_t now_ms = msp_monotonic_ms();
	atomic_store(&consumer->group.member.active_ms, now_ms);
	if (consumer->answer == MSP_SETTLE_AGAIN)
		settle_try(consumer, now_ms + timeout_ms);
	enum msp_settle_answer answer = consumer->answer;
	if (err && (answer == MSP_SETTLE_AGAIN || answer == MSP_SETTLE_LOST || answer == MSP_SETTLE_FAILED))
		*err = consumer->settle_error;
	if (answer != MSP_SETTLE_AGAIN)
		consumer->in_flight = NULL;
	return answer;
}
