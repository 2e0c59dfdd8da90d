/* Carries out the actions of settle.h on librdkafka: owns the producer client, what is being published with it, and the
 * transaction. Knows no consumer and no thread: one thread at a time uses it (lane.c says which). */
#ifndef KAFKA_EXECUTE_H
#define KAFKA_EXECUTE_H

#include "publication.h"
#include "settle.h"

/* What it takes to settle one batch. Does not change until it is settled. */
struct kafka_job {
	struct msp_outgoing *outgoing; /* NULL: nothing to publish; borrowed until the answer */
	size_t count;
	rd_kafka_topic_partition_list_t *offsets;       /* what is consumed then; owned */
	rd_kafka_consumer_group_metadata_t *membership; /* under which the batch was received; owned */
};

void kafka_job_done(struct kafka_job *job);

/* Whose batches they are. Borrowed for the executor's life. */
struct kafka_identity {
	rd_kafka_t *rk; /* the consumer client, for offsets */
	const char *group;
	const char *instance; /* of this worker, or NULL */
};

struct kafka_executor {
	const struct kafka_settings *settings;
	struct kafka_identity member;
	bool transactional;   /* exactly once, with something to publish */
	bool publishes;       /* there are topics to publish to */
	bool commits_at_once; /* offsets are committed with each batch, not stored */
	struct kafka_publisher publisher;
	struct kafka_publication publication;
	rd_kafka_queue_t *commit; /* where the answer to a commit comes; NULL: none is on its way; owned */
	rd_kafka_resp_err_t commit_answer;
	enum kafka_action action; /* the last, */
	int64_t action_since_ms;  /* and since when it is tried */
	int round_trip_ms;        /* twice what calls took that begin anew each time; see executor_timeout_ms */
};

/* Under exactly_once it waits for the broker: what a
 * predecessor left open hides messages from readers until its transactional id is ours. */
enum msp_status kafka_executor_init(struct kafka_executor *executor, const struct kafka_settings *settings,
                                    const struct msp_consumer_config *config, const struct kafka_identity *member,
                                    struct msp_error *err) MSP_NODISCARD;
void kafka_executor_done(struct kafka_executor *executor);

/* A batch begins: prepares the publishing of job->outgoing. MSP_E_NO_MEMORY. */
enum msp_status kafka_executor_begin(struct kafka_executor *executor, const struct kafka_job *job,
                                     struct msp_error *err) MSP_NODISCARD;
/* Whether the action may wait for the broker, now. Otherwise it only looks at what is there. */
bool kafka_executor_blocks(const struct kafka_executor *executor, enum kafka_action action);
/* Tries for about slice_ms. Touches job->outgoing in PRODUCE, and when a transaction was committed. `why` is written
 * when something stands in the way. */
enum kafka_saw kafka_execute(struct kafka_executor *executor, enum kafka_action action, const struct kafka_job *job,
                             int slice_ms, struct msp_error *why);
/* The results of a transaction are published, now that it is committed. */
void kafka_executor_publish_all(struct kafka_executor *executor);
/* The batch is over, or lost: lets go of job->outgoing; what is still on its way is nobody's concern. */
void kafka_executor_end(struct kafka_executor *executor);
/* Serves the client while no batch is in flight. */
void kafka_executor_idle(struct kafka_executor *executor);

#endif
