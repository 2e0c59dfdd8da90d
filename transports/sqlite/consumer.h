/* The consumer: receive (consumer.c) and settle (settle.c) share this. */
#ifndef LITE_CONSUMER_H
#define LITE_CONSUMER_H

#include "group.h"
#include "log.h"
#include "publish.h"
#include "watch.h"
#include <msp/transport.h>

struct lite_transport;

/* What a batch holds of one partition: [begin, end) by offset, read when everything before `begin` was received. */
struct lite_span {
	size_t claim; /* index */
	int64_t begin, end;
};

struct lite_batch {
	struct msp_batch base;
	struct lite_page page;
	struct lite_span *spans; /* owned */
	size_t span_count, span_capacity;
	uint64_t term; /* of the consumer when it was received */
	bool alive;
};

#define LITE_BATCHES 2 /* one in flight, one being computed */

/* A topic that results go to. */
struct lite_route {
	char *name; /* owned; NULL: nothing is ever published here */
	struct lite_topic topic;
	bool used;                        /* by the batch in flight */
	char too_large[LITE_REASON_SIZE]; /* why a message is rejected */
};

struct lite_consumer {
	struct msp_consumer base;
	struct lite_transport *transport; /* borrowed */
	struct lite_db db;
	struct lite_watch watch;
	char *inputs, *group_name; /* owned */
	struct lite_group group;
	struct lite_batch batches[LITE_BATCHES];
	size_t next_claim;  /* where the next batch begins to look */
	int64_t blocked_ms; /* since when another process keeps us from joining or taking over; 0: not */
	uint64_t term;      /* grows when everything received and not settled becomes void */

	struct lite_route routes[2]; /* by enum msp_route */
	struct msp_buffer scratch;
	struct lite_batch *in_flight;
	struct msp_outgoing *outgoing;
	int64_t begun_ms;
	enum msp_settle_answer answer; /* AGAIN: not decided */
	struct msp_error settle_error; /* when the answer has one */
};

/* Makes everything void that was received and not settled. */
void lite_consumer_void(struct lite_consumer *consumer);

void lite_settle_begin(struct lite_consumer *consumer, struct lite_batch *batch, struct msp_outgoing *outgoing);
enum msp_settle_answer lite_settle_wait(struct lite_consumer *consumer, int timeout_ms, struct msp_error *err);

#endif
