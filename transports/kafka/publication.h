/* Publishing one array of messages until each has its verdict.
 *
 * A broker refuses a request as a whole because of one message in it, so a refusal is a suspicion: the refused are sent
 * again in ranges, split at messages that pass the topic's limit, else in halves, until the culprit stands alone.
 * [owner thread] */
#ifndef KAFKA_PUBLICATION_H
#define KAFKA_PUBLICATION_H

#include "publisher.h"

struct kafka_range {
	size_t begin, end;
};

enum kafka_progress {
	KAFKA_GOING,   /* step again */
	KAFKA_DONE,    /* each message is delivered or rejected */
	KAFKA_REFUSAL, /* something was refused; step goes on to prove what */
	KAFKA_FAILURE, /* it could not be delivered now; step tries again */
};

struct kafka_publication {
	struct kafka_publisher *publisher;
	struct kafka_flight *flight; /* owned; NULL: none under way */
	struct kafka_range range;    /* on its way */
	bool started;                /* the range's messages are prepared */
	size_t open, open_bytes;     /* how many of the range are sent */
	size_t next;                 /* the first that librdkafka does not have yet */
	bool proving;
	struct kafka_range rest[128]; /* the next to prove is last */
	size_t rest_count;
	size_t rejected;
	size_t passed_bytes; /* of the largest range that passed while proving; a single message is one */
};

/* MSP_E_NO_MEMORY, otherwise under way. Only messages in state PENDING are published. */
enum msp_status kafka_publication_begin(struct kafka_publication *publication, struct kafka_publisher *publisher,
                                        struct msp_outgoing *outgoing, size_t count, bool transactional,
                                        struct msp_error *err) MSP_NODISCARD;
/* Goes on for about slice_ms. `err` is written for KAFKA_FAILURE. After KAFKA_REFUSAL and KAFKA_FAILURE of a
 * transactional publication the client must be renewed first: its transaction is void. */
enum kafka_progress kafka_publication_step(struct kafka_publication *publication, int slice_ms, struct msp_error *err);
/* Everything that is not rejected once more, in one go. */
void kafka_publication_restart(struct kafka_publication *publication);
/* True when innocent messages were refused together: each passed by itself or with fewer others. In a transaction what
 * passed first went with the transaction that held it, so everything has to be published once more, after
 * kafka_publication_shrink in smaller requests. */
bool kafka_publication_is_oversized(const struct kafka_publication *publication);
void kafka_publication_shrink(struct kafka_publication *publication);
/* Brings the array up to date with what was reported: reports come whenever the client is served, also when nobody may
 * look at the array, so they do not touch it themselves. Not needed after KAFKA_DONE. */
void kafka_publication_collect(struct kafka_publication *publication);
/* Ends it; what is still on its way is nobody's concern any more. */
void kafka_publication_end(struct kafka_publication *publication);

#endif
