/* The results of the batch in flight: publishes them, within the transaction that commits its offsets. [owner thread]
 */
#ifndef SQLITE_SETTLE_H
#define SQLITE_SETTLE_H

#include "publish.h"

/* A topic that results go to. */
struct sqlite_route {
	char *name; /* owned; NULL: nothing is ever published here */
	struct sqlite_topic topic;
	bool used;                          /* by the batch in flight */
	char too_large[SQLITE_REASON_SIZE]; /* why a message is rejected */
};

struct sqlite_settle {
	struct sqlite_route routes[2]; /* by enum msp_route */
	struct msp_buffer scratch;
	const struct msp_batch *batch; /* in flight, or NULL */
	struct msp_outgoing *outgoing;
	int64_t begun_ms;
	enum msp_settle_answer answer; /* AGAIN: not decided */
	struct msp_error error;        /* when the answer has one */
};

/* On failure as far as it came, for sqlite_settle_done. */
enum msp_status sqlite_settle_init(struct sqlite_settle *settle, const struct msp_consumer_config *config,
                                   struct msp_error *err) MSP_NODISCARD;
void sqlite_settle_done(struct sqlite_settle *settle);
/* Forgets what was read from the file. Before the connection is closed. */
void sqlite_settle_reset(struct sqlite_settle *settle);

void sqlite_settle_begin(struct sqlite_settle *settle, const struct msp_batch *batch, struct msp_outgoing *outgoing);
/* Publishes the results that are pending, unless some of them are *ret_rejected. In a write transaction. */
enum msp_status sqlite_settle_publish(struct sqlite_settle *settle, struct sqlite_db *db, bool *ret_rejected,
                                      struct msp_error *err) MSP_NODISCARD;
/* The transaction was committed. */
void sqlite_settle_committed(struct sqlite_settle *settle);

#endif
