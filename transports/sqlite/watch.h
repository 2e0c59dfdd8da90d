/* Waiting until the file changes, without burning a core. */
#ifndef LITE_WATCH_H
#define LITE_WATCH_H

#include "file.h"

/* Caller storage. [owner thread] */
struct lite_watch {
	int inotify; /* -1: not to be had here; waits are short then */
	int wake;    /* eventfd */
};

enum msp_status lite_watch_init(struct lite_watch *watch, const struct lite_file *file,
                                struct msp_error *err) MSP_NODISCARD;
/* Goes on with the file that is at the path now. */
void lite_watch_follow(struct lite_watch *watch, const struct lite_file *file);
void lite_watch_done(struct lite_watch *watch);

/* Forgets changes that have been notified so far. Called before the file is read for the last time before a wait, so
 * that a change after that reading ends the wait. */
void lite_watch_arm(struct lite_watch *watch);
/* Waits at most timeout_ms for a change since lite_watch_arm; may return early for nothing. */
void lite_watch_wait(struct lite_watch *watch, int64_t timeout_ms);
/* Ends the wait of now or the next one. [any thread] */
void lite_watch_wake(struct lite_watch *watch);
/* True once after lite_watch_wake. */
bool lite_watch_was_woken(struct lite_watch *watch);

#endif
