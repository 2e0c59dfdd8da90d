/* Stopping: the first SIGINT or SIGTERM asks, the second ends the process at once with 130. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

struct stop;

/* Takes the two signals over; before other threads are started, so that they inherit the mask. `asked` is called on a
 * thread of its own after the first signal; it may be NULL. NULL on failure, after a complaint. */
struct stop *stop_new(void (*asked)(void *context), void *context);
void stop_free(struct stop *stop);

/* [any thread] */
bool stop_is_asked(const struct stop *stop);
/* Waits until a stop is asked for or the time has passed. Returns stop_is_asked. [any thread] */
bool stop_wait_ms(struct stop *stop, int timeout_ms);

#endif
