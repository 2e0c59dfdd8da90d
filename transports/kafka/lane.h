/* Settles one batch after the other: a mailbox of one slot in front of settle.h and execute.h.
 *
 * The owner posts a job and takes its answer. Who works on it in between: under exactly_once a thread of the lane, so
 * that a transaction goes on while the worker computes the next batch; under at_least_once the owner itself, whenever
 * it asks for the answer, except for calls that may wait for the broker (a topic that is not known yet, a client that
 * must be replaced): for those the thread is started and the job is handed to it until they are done. So the owner
 * never waits for the broker.
 *
 * The lock is held by whoever touches the job, the state or the executor, and never in a call that may wait. While the
 * thread is in such a call, the owner may leave the job to it and go on. */
#ifndef KAFKA_LANE_H
#define KAFKA_LANE_H

#include "execute.h"

#include <pthread.h>

struct kafka_answer {
	enum msp_settle_answer answer;
	bool topic_gone;      /* with LOST: the inputs were deleted */
	struct msp_error why; /* with FAILED */
};

struct kafka_lane {
	struct kafka_executor executor;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a job was posted or answered, or the thread is to look up */
	pthread_t thread;
	bool has_thread, stopping;
	bool is_threads; /* the job is the thread's to work on, else the owner's */
	bool in_call;    /* the thread is in a call that may wait, without the lock */

	struct kafka_settle settle;
	struct kafka_job job; /* that is worked on; owned */
	bool left;            /* it is not the owner's any more: its answer is LOST, its array gone */
	enum kafka_saw left_as;
	struct kafka_job next; /* posted while what was left is still worked on; owned */
	bool has_next;

	bool answered; /* until the owner has taken it */
	struct kafka_answer answer;
	struct msp_error why; /* what stood in the way and was not told to the owner; status MSP_OK: nothing */
	int retry_ms;         /* the last pause of the thread after a failure in this settle; 0: none yet */
};

/* See kafka_executor_init. On failure the lane is as far as it came, for kafka_lane_done. */
enum msp_status kafka_lane_init(struct kafka_lane *lane, const struct kafka_settings *settings,
                                const struct msp_consumer_config *config, const struct kafka_identity *member,
                                struct msp_error *err) MSP_NODISCARD;
/* What is under way is lost, and nothing more is posted; the thread ends. Safe on a zeroed lane, as done is. */
void kafka_lane_stop(struct kafka_lane *lane);
void kafka_lane_done(struct kafka_lane *lane);

/* Posts a job; takes its lists. None is under way, as far as the owner is concerned. Never waits for the broker. */
void kafka_lane_post(struct kafka_lane *lane, struct kafka_job *job_take);
/* A job that cannot even be begun: this is its answer. */
void kafka_lane_refuse(struct kafka_lane *lane, enum msp_settle_answer answer);
/* Works on the job, or waits for the thread, for at most timeout_ms. True: *ret_answer is there, and the job over.
 * Otherwise *ret_why says what stands in the way, if anything does. */
bool kafka_lane_wait(struct kafka_lane *lane, int timeout_ms, struct kafka_answer *ret_answer,
                     struct msp_error *ret_why);
/* Works on the job without waiting at all; serves the client when there is none. */
void kafka_lane_serve(struct kafka_lane *lane);
/* The partitions go. Asked back, the job is finished if that is possible until `deadline_ms`; lost, nothing is tried.
 * Its answer is there afterwards, OK or LOST. */
void kafka_lane_revoke(struct kafka_lane *lane, bool lost, int64_t deadline_ms);
/* The membership is dead: the job has failed for `why`. */
void kafka_lane_fail(struct kafka_lane *lane, const struct msp_error *why);

#endif
