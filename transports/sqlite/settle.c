#include "settle.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdlib.h>

enum msp_status sqlite_settle_init(struct sqlite_settle *settle, const struct msp_consumer_config *config,
                                   struct msp_error *err)
{
	const char *const names[] = {[MSP_ROUTE_OUTPUTS] = config->outputs, [MSP_ROUTE_ERRORS] = config->errors};
	*settle = (struct sqlite_settle){0};
	msp_buffer_init(&settle->scratch, SIZE_MAX);
	for (size_t i = 0; i < 2; i++) {
		settle->routes[i].name = names[i] ? strdup(names[i]) : NULL;
		if (names[i] && !settle->routes[i].name)
			return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	}
	return MSP_OK;
}

void sqlite_settle_reset(struct sqlite_settle *settle)
{
	for (size_t i = 0; i < 2; i++)
		sqlite_topic_done(&settle->routes[i].topic);
}

void sqlite_settle_done(struct sqlite_settle *settle)
{
	sqlite_settle_reset(settle);
	for (size_t i = 0; i < 2; i++)
		free(settle->routes[i].name);
	msp_buffer_done(&settle->scratch);
}

void sqlite_settle_begin(struct sqlite_settle *settle, const struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	settle->begun_ms = msp_monotonic_ms();
	settle->batch = batch;
	settle->outgoing = outgoing;
	settle->answer = MSP_SETTLE_AGAIN;
}

/* ---- publishing ---- */

static size_t outgoing_count(const struct sqlite_settle *settle)
{
	return settle->outgoing ? settle->batch->count : 0;
}

/* Loads the topics that results go to. One that is missing may yet be created. */
static enum msp_status routes_begin(struct sqlite_settle *settle, struct sqlite_db *db, struct msp_error *err)
{
	settle->routes[0].used = settle->routes[1].used = false;
	for (size_t i = 0; i < outgoing_count(settle); i++)
		settle->routes[settle->outgoing[i].route].used |= settle->outgoing[i].state == MSP_OUTGOING_PENDING;
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < 2 && status == MSP_OK; i++) {
		struct sqlite_route *route = &settle->routes[i];
		assert(route->name || !route->used);
		if (route->used)
			status = sqlite_publish_begin(db, &route->topic, route->name, err);
	}
	return status;
}

static bool sizes_check(struct sqlite_settle *settle)
{
	bool fits = true;
	for (size_t i = 0; i < outgoing_count(settle); i++) {
		struct msp_outgoing *outgoing = &settle->outgoing[i];
		struct sqlite_route *route = &settle->routes[outgoing->route];
		if (outgoing->state != MSP_OUTGOING_PENDING || sqlite_publish_fits(&route->topic, &outgoing->message))
			continue;
		sqlite_publish_reject(&route->topic, route->too_large, outgoing);
		fits = false;
	}
	return fits;
}

static enum msp_status results_append(struct sqlite_settle *settle, struct sqlite_db *db, struct msp_error *err)
{
	int64_t now_ms = msp_wall_ms();
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < outgoing_count(settle) && status == MSP_OK; i++) {
		const struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		/* A result without a key, of a partition that the topic does not have. */
		uint64_t spread = (uint64_t)settle->batch->messages[i].partition;
		status = sqlite_publish_append(db, &settle->routes[outgoing->route].topic, &outgoing->message, spread, now_ms,
		                               &settle->scratch, err);
	}
	for (size_t i = 0; i < 2 && status == MSP_OK; i++) {
		if (settle->routes[i].used)
			status = sqlite_publish_end(db, &settle->routes[i].topic, now_ms, err);
	}
	return status;
}

enum msp_status sqlite_settle_publish(struct sqlite_settle *settle, struct sqlite_db *db, bool *ret_rejected,
                                      struct msp_error *err)
{
	enum msp_status status = routes_begin(settle, db, err);
	*ret_rejected = status == MSP_OK && !sizes_check(settle);
	return status == MSP_OK && !*ret_rejected ? results_append(settle, db, err) : status;
}

void sqlite_settle_committed(struct sqlite_settle *settle)
{
	for (size_t i = 0; i < outgoing_count(settle); i++)
		settle->outgoing[i].state = MSP_OUTGOING_PUBLISHED;
}
