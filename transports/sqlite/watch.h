/* Waiting until the file changes, without burning a core. */
#ifndef SQLITE_WATCH_H
#define SQLITE_WATCH_H

#include "file.h"

/* Caller storage. [owner thread] */
struct sqlite_watch {
	int inotify; /* -1: not to be had here; waits are short then */
	int wake;    /* eventfd */
};

enum msp_status sqlite_watch_init(struct sqlite_watch *watch, const struct sqlite_file *file,
                                  struct msp_error *err) MSP_NODISCARD;
/* Goes on with the file that is at the path now. */
void sqlite_watch_follow(struct sqlite_watch *watch, const struct sqlite_file *file);
void sqlite_watch_done(struct sqlite_watch *watch);

/* Forgets changes that have been notified so far. Called before the file is read for the last time before a wait, so
 * that a change after that reading ends the wait. */
void sqlite_watch_arm(struct sqlite_watch *watch);
/* Waits at most timeout_ms for a change since sqlite_watch_arm; may return early for nothing. */
void sqlite_watch_wait(struct sqlite_watch *watch, int64_t timeout_ms);
/* Ends the wait of now or the next one. [any thread] */
void sqlite_watch_wake(struct sqlite_watch *watch);
/* True once after sqlite_watch_wake. */
bool sqlite_watch_was_woken(struct sqlite_watch *watch);

#endif
