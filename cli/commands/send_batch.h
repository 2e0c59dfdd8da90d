/* Messages on their way to a topic, each with the line that it comes from, and what has become of them. */
#ifndef CLI_SEND_BATCH_H
#define CLI_SEND_BATCH_H

#include "serve/broker.h"
#include "serve/progress.h"

#define SEND_BATCH_MESSAGES 1000

/* Zeroed caller storage; the first block is for the caller to set. */
struct send_batch {
	const struct graph *graph;
	const char *topic;
	const char *flag, *name; /* what the topic was named by, for advice: "-m", "iris" */
	const char *file;        /* where messages come from, or NULL: stdin */
	bool whole_file;         /* the file is one message */
	struct progress progress;

	struct msp_producer *producer; /* owned */
	struct patience patience;
	struct msp_outgoing messages[SEND_BATCH_MESSAGES];
	uint64_t numbers[SEND_BATCH_MESSAGES]; /* of their lines */
	size_t count;
	bool ended; /* nothing more can be sent */
	int status; /* the first exit status that is no success */
};

/* Opens the producer, and sees to it that the topic has the partition: it would silently become another one. Complains
 * and returns an exit status; send_batch_done is due in any case. */
int send_batch_init(struct send_batch *batch, int64_t partition);
void send_batch_done(struct send_batch *batch);

/* There is room: count < SEND_BATCH_MESSAGES. Borrows the message until send_batch_send. */
void send_batch_add(struct send_batch *batch, const struct msp_message *message, uint64_t line);
/* Sends what waits, waits for the results and complains of what was not acknowledged. */
void send_batch_send(struct send_batch *batch);
/* Complains of a line that is no message. */
void send_batch_refuse(struct send_batch *batch, uint64_t line, const char *reason);
/* Something else went wrong. */
void send_batch_fail(struct send_batch *batch, int status);

#endif
