/* Membership of the consumer group: librdkafka's consumer client, its assignment, and what the group asks of us.
 *
 * librdkafka's callbacks only record here; the consumer's loop asks kafka_member_poll for news, one at a time, and acts
 * when nothing of librdkafka's is on the stack. (With librdkafka's own events, RD_KAFKA_EVENT_REBALANCE and its kin,
 * a message would live no longer than its event.) [owner thread] */
#ifndef KAFKA_MEMBER_H
#define KAFKA_MEMBER_H

#include "client.h"

struct kafka_member_config {
	const char *topic, *group;
	const char *instance; /* of this worker, or NULL; a static member */
	int wake_fd;          /* an eventfd that is raised when there may be news */
};

struct kafka_member {
	struct kafka_client client;
	char *topic, *group, *instance; /* owned */
	int instance_fd;                /* holds the instance name; -1: none */
	rd_kafka_queue_t *events;       /* rebalances, errors of the group and of partitions, commits */
	rd_kafka_queue_t *connections;  /* what kafka_client_poll serves */

	rd_kafka_topic_partition_list_t *assignment;  /* or NULL; owned */
	rd_kafka_consumer_group_metadata_t *metadata; /* as it was when the assignment came; owned */
	bool closing;
	rd_kafka_queue_t *last_events; /* where events go while the group is told that we leave; owned */

	/* Recorded by the rebalance callback, until the loop has acted on it. */
	enum { KAFKA_ASKED_NOTHING, KAFKA_ASKED_TO_TAKE, KAFKA_ASKED_TO_GIVE } asked;
	rd_kafka_topic_partition_list_t *asked_partitions; /* owned */
	rd_kafka_message_t *held;                          /* came in the same poll behind what was recorded; owned */
};

/* librdkafka has given up on a partition whose committed offset it was not told. */
bool kafka_is_without_offset(const rd_kafka_message_t *error);

enum kafka_news {
	KAFKA_NO_NEWS,
	KAFKA_ASSIGNED, /* partitions are ours once kafka_member_take was called */
	KAFKA_REVOKED,  /* partitions are asked back: kafka_member_give lets them go */
	KAFKA_MESSAGE,  /* a message, or an error of a partition or of the group: message->err */
};

/* Makes the client and claims the instance name; waits for nothing. The member must not move. On failure the member is
 * as far as it came, for kafka_member_done. */
enum msp_status kafka_member_init(struct kafka_member *member, const struct kafka_settings *settings,
                                  const struct kafka_member_config *config, struct msp_error *err) MSP_NODISCARD;
enum msp_status kafka_member_subscribe(struct kafka_member *member, struct msp_error *err) MSP_NODISCARD;
/* Everything that was fetched must be destroyed before. */
void kafka_member_done(struct kafka_member *member);

/* The next news; waits for nothing. The caller owns *ret_message, set for KAFKA_MESSAGE. KAFKA_ASSIGNED and
 * KAFKA_REVOKED are told again until they are acted on. */
enum kafka_news kafka_member_poll(struct kafka_member *member, rd_kafka_message_t **ret_message);

/* Takes the partitions that are offered; librdkafka begins to fetch. A member that is closing takes none. */
void kafka_member_take(struct kafka_member *member);
/* Gives all partitions back; `lost` tells the log that others have them already. */
void kafka_member_give(struct kafka_member *member, bool lost);
/* Reads again from what is committed. */
void kafka_member_restart(struct kafka_member *member);
/* Whether the group has given our partitions to others without asking. */
bool kafka_member_has_lost(const struct kafka_member *member);
/* MSP_E_CONFLICT once another process has our instance name. */
enum msp_status kafka_member_check(const struct kafka_member *member, const struct kafka_settings *settings,
                                   struct msp_error *err);
/* A copy of the membership for a transaction; the caller destroys it. NULL: no memory. */
rd_kafka_consumer_group_metadata_t *kafka_member_metadata(const struct kafka_member *member);

/* Leaving the group, in steps because news come until the end. First no more messages are wanted; a static member stays
 * in the group all the same, for who comes next. */
void kafka_member_leave(struct kafka_member *member);
/* Then the group is told, and waited for until `deadline_ms` at most: true when there may be news, false when it is
 * over. librdkafka's own wait would have no end: it repeats a commit that no broker takes as long as its client lives.
 */
bool kafka_member_leave_wait(struct kafka_member *member, int64_t deadline_ms);

#endif
