#include "publication.h"
#include "error.h"

#include <assert.h>

enum msp_status kafka_publication_begin(struct kafka_publication *publication, struct kafka_publisher *publisher,
                                        struct msp_outgoing *outgoing, size_t count, bool transactional,
                                        struct msp_error *err)
{
	*publication = (struct kafka_publication){.publisher = publisher, .range = {0, count}};
	publication->flight = kafka_flight_new(outgoing, count, transactional);
	return publication->flight ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for %zu messages", count);
}

void kafka_publication_collect(struct kafka_publication *publication)
{
	const struct kafka_flight *flight = publication->flight;
	for (size_t i = 0; i < flight->count && !flight->transactional; i++)
		if (flight->tickets[i].state == KAFKA_DELIVERED)
			flight->outgoing[i].state = MSP_OUTGOING_PUBLISHED;
}

void kafka_publication_end(struct kafka_publication *publication)
{
	if (publication->flight && publication->flight->on_the_way > 0)
		rd_kafka_purge(publication->publisher->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
	kafka_flight_abandon(publication->publisher, publication->flight);
	publication->flight = NULL;
}

void kafka_publication_restart(struct kafka_publication *publication)
{
	publication->range = (struct kafka_range){0, publication->flight->count};
	publication->started = publication->proving = false;
	publication->rest_count = publication->passed_bytes = 0;
}

bool kafka_publication_is_oversized(const struct kafka_publication *publication)
{
	return publication->proving && publication->rejected == 0;
}

/* To what passed, and always to less than before: what passed may have done so because it compresses well. */
void kafka_publication_shrink(struct kafka_publication *publication)
{
	struct kafka_publisher *publisher = publication->publisher;
	size_t bytes = (publisher->batch_bytes ? publisher->batch_bytes : KAFKA_BATCH_BYTES) / 2;
	if (publication->passed_bytes < bytes)
		bytes = publication->passed_bytes;
	publisher->batch_bytes = bytes > 0 ? bytes : 1;
}

/* ---- one range ---- */

static struct msp_outgoing *outgoing_at(const struct kafka_publication *publication, size_t index)
{
	return &publication->flight->outgoing[index];
}

static void message_reject(struct kafka_publication *publication, size_t index, rd_kafka_resp_err_t code)
{
	outgoing_at(publication, index)->state = MSP_OUTGOING_REJECTED;
	outgoing_at(publication, index)->reason = kafka_refusal_text(code);
	outgoing_at(publication, index)->timestamp_refused = code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
	publication->rejected++;
}

static void range_start(struct kafka_publication *publication)
{
	struct kafka_flight *flight = publication->flight;
	kafka_publication_collect(publication);
	publication->open = publication->open_bytes = 0;
	for (size_t i = publication->range.begin; i < publication->range.end; i++)
		if (outgoing_at(publication, i)->state == MSP_OUTGOING_PENDING) {
			flight->tickets[i].state = KAFKA_UNSENT;
			publication->open++;
			publication->open_bytes += msp_message_size(&outgoing_at(publication, i)->message);
		}
	flight->refused = flight->undelivered = 0;
	publication->next = publication->range.begin;
	publication->started = true;
}

/* Hands over what librdkafka takes. KAFKA_GOING: its queue is full. */
static enum kafka_progress range_send(struct kafka_publication *publication, struct msp_error *err)
{
	struct kafka_publisher *publisher = publication->publisher;
	for (; publication->next < publication->range.end; publication->next++) {
		size_t index = publication->next;
		if (outgoing_at(publication, index)->state != MSP_OUTGOING_PENDING)
			continue;
		rd_kafka_resp_err_t code = kafka_publisher_send(publisher, publication->flight, index);
		if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return KAFKA_GOING;
		if (code && kafka_is_refusal(code)) {
			/* librdkafka looks at this message alone. */
			message_reject(publication, index, code);
			publication->open--;
		} else if (code) {
			publication->started = false;
			kafka_client_error(&publisher->client, code, err, "cannot publish to %s",
			                   publisher->names[outgoing_at(publication, index)->route]);
			return KAFKA_FAILURE;
		}
	}
	return KAFKA_DONE;
}

static void rest_push(struct kafka_publication *publication, size_t begin, size_t end)
{
	if (begin == end)
		return;
	assert(publication->rest_count < sizeof(publication->rest) / sizeof(publication->rest[0]));
	publication->rest[publication->rest_count++] = (struct kafka_range){begin, end};
}

/* False: nothing is left. */
static bool range_next(struct kafka_publication *publication)
{
	publication->started = false;
	if (publication->rest_count == 0)
		return false;
	publication->range = publication->rest[--publication->rest_count];
	return true;
}

/* Around the first message that is larger than the topic's limit as it stands (it may still pass, compressed), else in
 * halves. Ranges are tried in order. */
static void range_split(struct kafka_publication *publication)
{
	struct kafka_range range = publication->range;
	size_t limit = publication->publisher->max_message_bytes, at = range.begin;
	while (limit && at < range.end &&
	       (outgoing_at(publication, at)->state != MSP_OUTGOING_PENDING ||
	        msp_message_size(&outgoing_at(publication, at)->message) <= limit))
		at++;
	publication->proving = true;
	if (limit && at < range.end) {
		rest_push(publication, at + 1, range.end);
		rest_push(publication, at, at + 1);
		rest_push(publication, range.begin, at);
	} else {
		size_t middle = range.begin + (range.end - range.begin) / 2;
		rest_push(publication, middle, range.end);
		rest_push(publication, range.begin, middle);
	}
}

static void range_judge_refusal(struct kafka_publication *publication)
{
	const struct kafka_flight *flight = publication->flight;
	if (publication->open > 1) {
		range_split(publication);
	} else {
		for (size_t i = publication->range.begin; i < publication->range.end; i++)
			if (flight->tickets[i].state == KAFKA_REFUSED)
				message_reject(publication, i, flight->tickets[i].code);
	}
	range_next(publication);
}

static enum kafka_progress range_judge(struct kafka_publication *publication, struct msp_error *err)
{
	struct kafka_flight *flight = publication->flight;
	struct kafka_publisher *publisher = publication->publisher;
	kafka_publication_collect(publication);
	if (flight->refused > 0) {
		range_judge_refusal(publication);
		return KAFKA_REFUSAL;
	}
	if (flight->undelivered > 0) {
		publication->started = false;
		kafka_client_error(&publisher->client, flight->failure, err, "cannot publish to %s",
		                   publisher->names[flight->failed_route]);
		return KAFKA_FAILURE;
	}
	if (publication->proving && publication->open_bytes > publication->passed_bytes)
		publication->passed_bytes = publication->open_bytes;
	return range_next(publication) ? KAFKA_GOING : KAFKA_DONE;
}

/* A client that has given up does not report every message that it holds: a new one gets them. */
static enum kafka_progress range_give_up(struct kafka_publication *publication, struct msp_error *err)
{
	publication->started = false;
	kafka_client_error(&publication->publisher->client, RD_KAFKA_RESP_ERR__FATAL, err, "results cannot be published");
	return KAFKA_FAILURE;
}

enum kafka_progress kafka_publication_step(struct kafka_publication *publication, int slice_ms, struct msp_error *err)
{
	struct kafka_flight *flight = publication->flight;
	rd_kafka_t *rk = publication->publisher->client.rk;
	if (!publication->started)
		range_start(publication);
	enum kafka_progress sent = range_send(publication, err);
	if (sent == KAFKA_FAILURE)
		return KAFKA_FAILURE;
	if (slice_ms > 0)
		rd_kafka_flush(rk, slice_ms);
	else
		rd_kafka_poll(rk, 0);
	bool failed = flight->refused > 0 || flight->undelivered > 0;
	if (failed && flight->transactional)
		return range_judge(publication, err); /* the transaction is void: no need to wait for the others */
	if (sent == KAFKA_DONE && flight->on_the_way == 0)
		return range_judge(publication, err);
	return kafka_publisher_is_broken(publication->publisher) ? range_give_up(publication, err) : KAFKA_GOING;
}
