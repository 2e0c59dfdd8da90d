/* A consumer: one member of a consumer group and, where it publishes, one producer client. [owner thread] but for
 * wake. */
#ifndef KAFKA_CONSUMER_H
#define KAFKA_CONSUMER_H

#include "batch.h"
#include "publication.h"

#include <pthread.h>
#include <stdatomic.h>

/* How long giving up partitions may take: the batch in flight is finished or abandoned, the mark is committed. */
#define KAFKA_REVOKE_TIMEOUT_MS 2000

/* What settling does next. At least once: [PREPARE,] PUBLISH, MARK. Exactly once:
 * [PREPARE,] [RENEW, FENCE, RESOLVE,] BEGIN, PUBLISH, OFFSETS, COMMIT. */
enum kafka_settle_step {
	KAFKA_SETTLE_IDLE,
	KAFKA_SETTLE_PREPARE, /* the topics of the results are not known yet */
	KAFKA_SETTLE_RENEW,   /* the producer client is void: a new one */
	KAFKA_SETTLE_FENCE,   /* its transactional id: ends what the old one left open */
	KAFKA_SETTLE_RESOLVE, /* was the last transaction committed after all? */
	KAFKA_SETTLE_BEGIN,
	KAFKA_SETTLE_PUBLISH,
	KAFKA_SETTLE_OFFSETS,
	KAFKA_SETTLE_COMMIT,
	KAFKA_SETTLE_MARK,
	KAFKA_SETTLE_ENDED, /* `answer` is there */
};

struct kafka_settle {
	enum kafka_settle_step step;
	enum msp_settle_answer answer;
	struct msp_error why; /* of the answer, or what keeps us from one */
	struct kafka_batch *batch;
	struct kafka_publication publication;
	rd_kafka_topic_partition_list_t *offsets; /* what is consumed when the batch is settled; owned */
	int64_t step_since_ms;
	int patience_ms; /* see kafka_settle_patience */
	/* Exactly once. */
	bool transaction_open;
	bool committing;  /* the broker may have been asked to commit: a failure may hide a success */
	bool void_client; /* the next step must be RENEW */
	bool topic_gone;  /* the inputs are: for the owner to begin anew, with the answer */
};

/* Under at_least_once: the mark that is stored and not committed. */
struct kafka_mark {
	bool pending, on_the_way;
	int64_t due_ms;
};

/* The thread that carries settles out, where there is one. The owner takes the lock whenever it serves librdkafka's
 * callbacks or touches `settle` and `publisher`; so does the thread for each of its turns. */
struct kafka_drive {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a settle has begun or ended, or the thread is to stop */
	pthread_t thread;
	bool runs, stopping;
};

struct kafka_consumer {
	struct msp_consumer base;
	const struct kafka_settings *settings;
	struct kafka_client client;
	char *inputs, *group, *instance; /* instance: of this slot, or NULL */
	bool transactional;              /* exactly once with something to publish */
	bool publishes;
	bool commits_at_once; /* the mark is committed with each settle */
	int commit_interval_ms;
	struct kafka_mark mark;

	rd_kafka_queue_t *events;  /* rebalances, errors */
	rd_kafka_queue_t *work;    /* the messages of all partitions of ours */
	rd_kafka_queue_t **queues; /* of the partitions that are or were ours; owned */
	size_t queue_count;
	int instance_fd; /* holds the instance name; -1: none */
	int wake_fd;     /* an eventfd: something is in a queue, or wake was called */
	atomic_bool woken;

	unsigned epoch;                                 /* grows when partitions are given up */
	rd_kafka_topic_partition_list_t *assignment;    /* or NULL; owned */
	rd_kafka_consumer_group_metadata_t *membership; /* as it was when the assignment came; owned */
	bool closing;
	size_t left_behind; /* the most that was dropped unsettled lately */
	int64_t left_behind_ms;
	bool missing;             /* the inputs were deleted */
	bool unstarted;           /* librdkafka has given up on partitions whose mark it was not told */
	struct msp_error trouble; /* what the next receive has to report */
	struct msp_error denied;  /* the group lets us not in; librdkafka says it once and goes on trying */

	rd_kafka_message_t **carried; /* taken from `work`, not delivered yet */
	size_t carried_begin, carried_end, carried_capacity;
	size_t gap;                  /* so many were freed unsettled: what was received after them is void */
	bool rewound;                /* librdkafka may still undo the forwarding */
	bool backlog;                /* `work` was as full as it gets */
	struct kafka_batch *batches; /* alive; owned */

	struct kafka_publisher publisher;
	struct kafka_settle settle;
	struct kafka_drive drive;
};

/* ---- consumer.c ---- */

/* A message that came among the events: its partition was stopped, and is not forwarded again yet. It is delivered
 * next.
 */
void kafka_consumer_carry_take(struct kafka_consumer *consumer, rd_kafka_message_t *message);

/* ---- assignment.c ---- */

/* librdkafka's rebalance callback. */
void kafka_consumer_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                              void *opaque);
/* Makes everything received and not settled void, and reads again from what is settled. */
void kafka_consumer_rewind(struct kafka_consumer *consumer);
/* The same without a mark, for a topic that may be another one of the same name. */
void kafka_consumer_begin_anew(struct kafka_consumer *consumer);
/* The broker does not know inputs any more; says so once, and how much of what was read is not settled. */
void kafka_consumer_note_missing(struct kafka_consumer *consumer);
/* Sends the messages of our partitions to the work queue. */
void kafka_consumer_forward(struct kafka_consumer *consumer);
/* Gives up the queues of the partitions that were ours last. Not before all is over: each message in them refers to its
 * partition, and librdkafka waits in rd_kafka_destroy for partitions whose topic was deleted meanwhile. */
void kafka_consumer_drop_queues(struct kafka_consumer *consumer);
/* Gives up the partitions and leaves the group; as a static member it stays in the group, for who comes next. */
void kafka_consumer_leave(struct kafka_consumer *consumer);
/* Drops what was fetched and not delivered. */
void kafka_consumer_drop_fetched(struct kafka_consumer *consumer);
/* MSP_E_CONFLICT once another process has our instance name. */
enum msp_status kafka_consumer_check(struct kafka_consumer *consumer, struct msp_error *err);

/* ---- mark.c ---- */

/* The mark was stored: it is committed within commit_interval_ms. */
void kafka_mark_stored(struct kafka_consumer *consumer);
/* Nothing that is stored is committed any more: the mark must not come to another topic of the same name. */
void kafka_mark_forget(struct kafka_consumer *consumer);
/* Commits it when its time has come; waits for nothing. */
void kafka_mark_serve(struct kafka_consumer *consumer);
/* How long a sleep of timeout_ms may be. */
int64_t kafka_mark_sleep_ms(const struct kafka_consumer *consumer, int64_t timeout_ms);
/* Commits `offsets`, or with NULL all marks that are stored; waits at most timeout_ms. */
enum msp_status kafka_consumer_commit(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *offsets,
                                      int timeout_ms, struct msp_error *err);

/* ---- settle.c ---- */

void kafka_consumer_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing);
enum msp_settle_answer kafka_consumer_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err);
/* Serves callbacks: rebalances, errors, delivery reports. */
void kafka_consumer_serve(struct kafka_consumer *consumer);
/* A batch is in flight and has no answer yet. */
bool kafka_settle_is_under_way(const struct kafka_settle *settle);
/* Goes on with the settle under way for about slice_ms. */
void kafka_settle_advance(struct kafka_consumer *consumer, int slice_ms);
/* The partitions go: ends the batch in flight, well if `timeout_ms` suffices. */
void kafka_settle_give_up(struct kafka_consumer *consumer, bool lost, int timeout_ms);
/* How long a call may block that starts anew when it is called again, so that a slice shorter than the way to the
 * broker would never see it done. Learns that from each such call, which began at `since_ms`. */
int kafka_settle_patience(const struct kafka_consumer *consumer, int slice_ms);
void kafka_settle_learn_patience(struct kafka_consumer *consumer, int64_t since_ms);
/* Ends with the answer. */
void kafka_settle_end(struct kafka_consumer *consumer, enum msp_settle_answer answer);
void kafka_settle_go(struct kafka_consumer *consumer, enum kafka_settle_step step);

/* ---- drive.c ---- */

void kafka_drive_init(struct kafka_drive *drive);
void kafka_drive_done(struct kafka_drive *drive);
enum msp_status kafka_drive_start(struct kafka_consumer *consumer, struct msp_error *err) MSP_NODISCARD;
/* Safe when it does not run. The lock is free. */
void kafka_drive_stop(struct kafka_drive *drive);
/* Gives up the lock until something has changed, at most timeout_ms. */
void kafka_drive_wait(struct kafka_drive *drive, int timeout_ms);

/* ---- transaction.c: each does its step, for about slice_ms, and chooses the next ---- */

void kafka_transaction_renew(struct kafka_consumer *consumer);
void kafka_transaction_fence(struct kafka_consumer *consumer, int slice_ms);
void kafka_transaction_resolve(struct kafka_consumer *consumer, int slice_ms);
void kafka_transaction_begin(struct kafka_consumer *consumer);
void kafka_transaction_offsets(struct kafka_consumer *consumer, int slice_ms);
void kafka_transaction_commit(struct kafka_consumer *consumer);
/* Publishing in the transaction has failed: finds out why. The transaction is void afterwards. */
void kafka_transaction_explain(struct kafka_consumer *consumer);
/* Aborts the transaction, or leaves that to the next RENEW. */
void kafka_transaction_abandon(struct kafka_consumer *consumer, int timeout_ms);

#endif
