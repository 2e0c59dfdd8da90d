#include "fetch.h"
#include <assert.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

void sqlite_fetch_init(struct sqlite_fetch *fetch)
{
	*fetch = (struct sqlite_fetch){0};
	for (size_t i = 0; i < SQLITE_BATCHES; i++)
		sqlite_records_init(&fetch->batches[i].records);
}

void sqlite_fetch_done(struct sqlite_fetch *fetch)
{
	for (size_t i = 0; i < SQLITE_BATCHES; i++) {
		sqlite_records_done(&fetch->batches[i].records);
		free(fetch->batches[i].spans);
	}
}

/* ---- reading ---- */

static enum msp_status batch_prepare(struct sqlite_batch *batch, size_t partitions, struct msp_error *err)
{
	sqlite_records_reset(&batch->records);
	batch->span_count = 0;
	if (batch->span_capacity >= partitions)
		return MSP_OK;
	struct sqlite_span *spans = realloc(batch->spans, partitions * sizeof(*spans));
	if (!spans)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a batch");
	batch->spans = spans;
	batch->span_capacity = partitions;
	return MSP_OK;
}

/* Offsets have no gaps but one: what retention deleted before the group came by. */
static void skipped_log(const struct sqlite_fetch_source *source, const struct msp_message *first, int64_t position)
{
	if (first->offset == position)
		return;
	char partition[16];
	snprintf(partition, sizeof(partition), "%d", (int)first->partition);
	msp_log(MSP_LOG_WARN, "retention deleted messages that the group had not settled", "group", source->group, "topic",
	        first->topic, "partition", partition, "count", MSP_LOG_NUMBER(first->offset - position), NULL);
}

static struct sqlite_range range_of(const struct sqlite_assignment *assignment, const struct msp_receive_limits *limits)
{
	size_t most = (size_t)assignment->redelivery_limit;
	return (struct sqlite_range){
	    .position = assignment->position,
	    .end = INT64_MAX,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	    .max_messages = most > 0 && most < limits->max_messages ? most : limits->max_messages,
	    .max_bytes = limits->max_bytes,
	};
}

/* Adds what there is of one partition. One whose owner vanished is read in small steps, in batches of its own, one at a
 * time: so the message that ended the owner is found. */
static enum msp_status partition_read(const struct sqlite_fetch_source *source, size_t index,
                                      const struct msp_receive_limits *limits, struct sqlite_batch *batch,
                                      struct msp_error *err)
{
	const struct sqlite_assignment *assignment = &source->offsets->partitions[index];
	size_t before = batch->records.count;
	bool ended,
	    waits = assignment->redelivery_limit > 0 && (before > 0 || assignment->position > assignment->committed);
	if (!assignment->owned || !assignment->assigned || waits)
		return MSP_OK;
	struct sqlite_range range = range_of(assignment, limits);
	enum msp_status status = sqlite_log_read(source->db, source->topic_name, &source->topic->partitions[index], &range,
	                                         &batch->records, &ended, err);
	if (status != MSP_OK || batch->records.count == before)
		return status;
	struct msp_message *first = &batch->records.messages[before];
	skipped_log(source, first, assignment->position);
	/* The first delivery was to whoever vanished. */
	if (assignment->redelivery_limit == 1)
		first->attempts = (int32_t)(assignment->deliveries < INT32_MAX - 2 ? assignment->deliveries + 2 : INT32_MAX);
	batch->spans[batch->span_count++] = (struct sqlite_span){index, assignment->position, range.position};
	return MSP_OK;
}

static bool is_full(const struct sqlite_fetch_source *source, const struct sqlite_batch *batch,
                    const struct msp_receive_limits *limits)
{
	return batch->records.count >= limits->max_messages ||
	       (batch->span_count > 0 && source->offsets->partitions[batch->spans[0].index].redelivery_limit > 0);
}

enum msp_status sqlite_fetch_read(struct sqlite_fetch *fetch, const struct sqlite_fetch_source *source,
                                  const struct msp_receive_limits *limits, struct sqlite_batch **ret_batch,
                                  struct msp_error *err)
{
	struct sqlite_batch *batch = &fetch->batches[fetch->batches[0].alive];
	size_t count = source->offsets->count;
	assert(!batch->alive);
	*ret_batch = NULL;
	enum msp_status status = batch_prepare(batch, count, err);
	for (size_t i = 0; i < count && status == MSP_OK && !is_full(source, batch, limits); i++)
		status = partition_read(source, (fetch->next + i) % count, limits, batch, err);
	if (status == MSP_OK && batch->records.count > 0)
		*ret_batch = batch;
	return status;
}

void sqlite_fetch_deliver(struct sqlite_fetch *fetch, struct sqlite_batch *batch)
{
	fetch->next = batch->spans[0].index + 1; /* each batch begins with another partition */
	batch->base = (struct msp_batch){batch->records.messages, batch->records.count};
	batch->generation = fetch->generation;
	batch->alive = true;
}

void sqlite_fetch_invalidate(struct sqlite_fetch *fetch)
{
	fetch->generation++;
}

bool sqlite_fetch_is_valid(const struct sqlite_fetch *fetch, const struct sqlite_batch *batch)
{
	return batch->generation == fetch->generation;
}
