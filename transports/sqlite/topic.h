/* A topic as one connection knows it: its settings, its partitions, and the statements on their logs. */
#ifndef SQLITE_TOPIC_H
#define SQLITE_TOPIC_H

#include "db.h"
#include <msp/topic.h>

struct sqlite_partition {
	int64_t id; /* its log is the table log_<id> */
	int32_t number;
	sqlite3_stmt *append, *read; /* made when first needed; owned */
	int64_t next_offset;         /* while `touched` */
	bool touched;                /* by the transaction that is open, see publish.h */
	int64_t unpruned;            /* messages appended since retention was applied last */
};

/* Caller storage; all zero: not loaded. [owner thread] */
struct sqlite_topic {
	char name[MSP_TOPIC_MAX + 1];
	int64_t id;
	int64_t schema_version; /* of the file when this was loaded */
	int64_t max_message_bytes, retention_ms, retention_messages;
	int64_t pruned_ms; /* when retention was applied last */
	struct sqlite_partition *partitions;
	size_t partition_count;
};

/* Loads the topic, or does nothing when it is still as it was loaded. In a transaction. MSP_E_NOT_FOUND, retriable:
 * there is no such topic (now). On failure the topic is not loaded. */
enum msp_status sqlite_topic_load(struct sqlite_db *db, struct sqlite_topic *topic, const char *name,
                                  struct msp_error *err) MSP_NODISCARD;
/* Safe on a zeroed struct, and leaves one. Before the connection is closed. */
void sqlite_topic_done(struct sqlite_topic *topic);

/* MSP_E_NOT_FOUND, retriable, in words. */
enum msp_status sqlite_topic_missing(const char *name, struct msp_error *err);

#endif
