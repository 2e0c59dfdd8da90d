/* Stopping: the first SIGINT, SIGTERM or SIGHUP asks, a second one, at least 250 ms later, ends the process
 * at once with 130. Where a limit is set, the process ends when it is over, whatever hangs. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

struct stop;

/* Takes the signals over. Must come before anything that may start threads (plugins, transports), so that they
 * inherit the mask. NULL on failure, after a complaint. */
struct stop *stop_new(void);
void stop_free(struct stop *stop);

/* From now on the first signal also calls `asked`, on a thread of the stop's own; at once when it has come already.
 * NULL ends that: after the return nothing is called any more. [owner thread] */
void stop_watch(struct stop *stop, void (*asked)(void *context), void *context);

/* From now on the process ends with 1 when it still runs `limit_ms` after a stop was asked for or stop_begin was
 * called: no destructor runs, `last_words` is called on a thread of the stop's own and must not wait for anything.
 * [owner thread] */
void stop_limit(struct stop *stop, int limit_ms, void (*last_words)(void *context), void *context);
/* The work ends by itself: the limit counts from now on, unless it does already. [owner thread] */
void stop_begin(struct stop *stop);

/* [any thread] */
bool stop_is_asked(const struct stop *stop);
/* Waits until a stop is asked for or the time has passed. Returns stop_is_asked. [any thread] */
bool stop_wait_ms(struct stop *stop, int timeout_ms);

#endif
