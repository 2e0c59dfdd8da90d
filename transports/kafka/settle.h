/* How a batch is settled: a table of states and of what was seen. Knows no librdkafka, no clock and no consumer, so
 * that a test walks it from end to end. lane.c has each action carried out and reports what came of it. */
#ifndef KAFKA_SETTLE_H
#define KAFKA_SETTLE_H

#include <msp/transport.h>

/* What is to be done next.
 *
 *     at least once    PREPARE, [RECREATE,] PRODUCE, STORE
 *     exactly once     PREPARE, [RECREATE, INIT, CHECK,] BEGIN, PRODUCE, SEND_OFFSETS, COMMIT
 */
enum kafka_action {
	KAFKA_DO_NOTHING,  /* no batch is in flight */
	KAFKA_DO_PREPARE,  /* learn what is to be known of the topics of the results */
	KAFKA_DO_RECREATE, /* replace the producer client by a new one */
	KAFKA_DO_INIT,     /* init transactions: the broker aborts what the old client left open */
	KAFKA_DO_CHECK,    /* ask whether the last transaction was committed after all */
	KAFKA_DO_BEGIN,    /* begin a transaction */
	KAFKA_DO_PRODUCE,
	KAFKA_DO_SEND_OFFSETS, /* add the offsets to the transaction */
	KAFKA_DO_COMMIT,       /* commit the transaction */
	KAFKA_DO_ABORT,        /* abort the transaction */
	KAFKA_DO_STORE,        /* store the offsets, to be committed soon, or commit them */
	KAFKA_DO_ANSWER,       /* the settle is over, `answer` is there */
};

/* What came of it, or from outside. */
enum kafka_saw {
	KAFKA_SAW_DONE,
	KAFKA_SAW_NOT_YET, /* it is slow, or the broker cannot now: the same again */
	KAFKA_SAW_INVALID, /* the producer client is of no use any more */
	/* Of PRODUCE. */
	KAFKA_SAW_FAILED,    /* the results cannot be published as things are */
	KAFKA_SAW_REFUSED,   /* something was refused, and this transaction cannot go on */
	KAFKA_SAW_REJECTED,  /* all is known: some messages can never be published */
	KAFKA_SAW_OVERSIZED, /* requests were too large; they will be smaller */
	/* Of CHECK. */
	KAFKA_SAW_COMMITTED,
	KAFKA_SAW_NOT_COMMITTED,
	/* Of SEND_OFFSETS. */
	KAFKA_SAW_TOPIC_GONE, /* the inputs were deleted */
	/* From outside. */
	KAFKA_SAW_LOST,    /* the partitions are no longer ours */
	KAFKA_SAW_REVOKED, /* they are asked back, and the time to finish is over */
	KAFKA_SAW_FATAL,   /* this member is dead */
};

/* Zeroed but for `transactional`, which is constant. */
struct kafka_settle {
	enum kafka_action next;
	bool transactional;    /* exactly once, with something to publish */
	bool publishes;        /* the batch in flight has results */
	bool producer_invalid; /* before the next batch is published the client must be replaced */
	bool transaction_open;
	bool outcome_unknown; /* the broker may have been asked to commit: a failure may hide a success */
	bool topic_gone;      /* with the answer LOST: the inputs were deleted */
	enum kafka_action after_abort;
	enum msp_settle_answer answer;
};

/* A batch is to be settled; none is in flight. */
void kafka_settle_begin(struct kafka_settle *settle, bool publishes);
/* Moves on; `next` says what to do. */
void kafka_settle_see(struct kafka_settle *settle, enum kafka_saw saw);

#endif
