/* What commands share when they talk to the broker: patience, and what is left to do. */
#ifndef CLI_BROKER_H
#define CLI_BROKER_H

#include "graph/graph.h"
#include "stop.h"

#include <msp/backoff.h>

/* How long a command waits for a broker that cannot now. Caller storage. [owner thread] */
struct patience {
	const struct graph *graph;
	struct stop *stop; /* ends it early; NULL: none */
	int64_t deadline_ms;
	struct msp_backoff backoff;
	struct msp_error reason; /* the last that was more than a broker that cannot: a time-out after it says less */
};

void patience_init(struct patience *patience, const struct graph *graph, struct stop *stop);
/* After a success: the time starts anew. */
void patience_reset(struct patience *patience);
int patience_left_ms(const struct patience *patience);
/* True, after a pause, when what failed with `err` is worth another try. A topic that does not exist and a
 * right that is missing are not: somebody must do something first. Nothing is once a stop was asked for. */
bool patience_retry(struct patience *patience, const struct msp_error *err);
/* Complains of what patience did not mend and returns the exit status. What only a stop has kept from being mended is
 * no failure: EXIT_DONE, without a word. */
int patience_end(const struct patience *patience, const struct msp_error *err);

/* An object of the connected transport. Complains and returns an exit status. EXIT_DONE without an admin: `stop`, which
 * may be NULL, was asked for while the broker was away. */
int broker_admin(const struct graph *graph, struct stop *stop, struct msp_admin **ret_admin);

/* Partitions and counts of a topic, with patience. */
enum msp_status broker_describe(struct msp_admin *admin, struct patience *patience, const char *topic,
                                struct msp_topic_info **ret_info, struct msp_error *err);

/* MSP_E_INVALID when the topic is there without this partition. MSP_PARTITION_ANY asks no broker. With patience. */
enum msp_status broker_partition_check(const struct graph *graph, struct patience *patience, const char *topic,
                                       int64_t partition, struct msp_error *err);

/* What one group has still to settle of what stood in a topic at one moment. */
struct backlog {
	const char *group, *topic;    /* borrowed */
	struct msp_topic_info *until; /* owned */
	int64_t remaining;
};

/* Notes the ends of now. Complains and returns an exit status. After a stop the backlog may be empty. */
int backlog_init(struct backlog *backlog, struct msp_admin *admin, struct patience *patience, const char *group,
                 const char *topic);
void backlog_done(struct backlog *backlog);
/* Asks the broker anew for backlog->remaining. */
enum msp_status backlog_ask(struct backlog *backlog, struct msp_admin *admin, int timeout_ms, struct msp_error *err);
/* The same with patience. Complains and returns an exit status. */
int backlog_update(struct backlog *backlog, struct msp_admin *admin, struct patience *patience);

#endif
