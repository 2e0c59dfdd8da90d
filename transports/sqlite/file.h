/* The file: what is in it, how it is opened and how processes tell each other that it changed. */
#ifndef SQLITE_FILE_H
#define SQLITE_FILE_H

#include "db.h"

/* The transport's options; sqlite.c holds their table. */
struct sqlite_options {
	int file_mode;   /* index into 0600, 0640, 0644, 0660, 0664 */
	int synchronous; /* index into off, normal, full, extra: as PRAGMA synchronous */
	int64_t lease_ms;
	int64_t max_poll_interval_ms;
};

struct sqlite_file {
	char *path; /* absolute; owned */
	struct sqlite_options options;
};

/* How long opening waits for a lock. */
#define SQLITE_FILE_TIMEOUT_MS 1000

/* Opens a connection. A file that is not there or still empty: `create` makes it one of ours, otherwise it is
 * MSP_E_NOT_FOUND, retriable. MSP_E_UNSUPPORTED: the file belongs to another program or another version of this one;
 * it is left untouched. */
enum msp_status sqlite_file_connect(const struct sqlite_file *file, bool create, int64_t deadline_ms,
                                    struct sqlite_db *ret_db, struct msp_error *err) MSP_NODISCARD;

/* Tells every process that waits for this file (watch.h) to look again; called after a commit. [any thread] */
void sqlite_file_notify(const struct sqlite_file *file);

#endif
