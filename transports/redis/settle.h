/* Settling: results are published and their inputs acknowledged.
 *
 * At least once: all results are sent, each is answered, and then what was published is acknowledged.
 * Exactly once: one script does both for each message; see settle_script.c. */
#ifndef RDS_SETTLE_H
#define RDS_SETTLE_H

#include <hiredis/hiredis.h>
#include <msp/transport.h>
#include <stdbool.h>
#include <stdint.h>

struct rds_consumer;
struct rds_batch;

extern const char rds_settle_script[];
#define RDS_SCRIPT_MESSAGES ((size_t)1000) /* of a batch in one call, at most */

enum rds_step {
	RDS_STEP_NONE,       /* nothing is in flight */
	RDS_STEP_PUBLISH,    /* results are to be sent, perhaps again */
	RDS_STEP_PUBLISHING, /* answers are due */
	RDS_STEP_MARK,
	RDS_STEP_MARKING,
	RDS_STEP_REPLICATE,
	RDS_STEP_REPLICATING,
	RDS_STEP_DONE,
};

struct rds_settle {
	struct rds_batch *batch; /* in flight; borrowed */
	struct msp_outgoing *outgoing;
	enum rds_step step;
	enum msp_settle_answer answer; /* in RDS_STEP_DONE */
	size_t due;                    /* answers about results */
	bool is_lost;                  /* one of them said that the group is gone */
	int64_t resume_at_ms;          /* after an error: not before */
	struct msp_error error;        /* why it takes long; MSP_OK: it is only slow */
	char script[41];               /* name that the server gave to the script; "": it is not loaded */
	bool is_loading;
};

/* Writes the call that settles what is pending of the batch's part that begins there. False: nothing is. */
bool rds_script_put(struct rds_consumer *consumer, size_t begin);
/* Where that part ends. */
size_t rds_script_end(const struct rds_settle *settle, size_t begin);

void rds_settle_begin(struct rds_consumer *consumer, struct rds_batch *batch, struct msp_outgoing *outgoing);
/* Sends what can be sent now. Returns in how many milliseconds it has something to do; -1: when an answer comes. */
int64_t rds_settle_drive(struct rds_consumer *consumer);
/* Takes the answer. */
void rds_settle_reply(struct rds_consumer *consumer, int kind, size_t index, redisReply *reply);
/* Answers that were due never come. */
void rds_settle_cut(struct rds_consumer *consumer);

#endif
