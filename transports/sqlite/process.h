/* Who a process is, so that another process on this machine can tell whether it still lives. */
#ifndef LITE_PROCESS_H
#define LITE_PROCESS_H

#include <stdbool.h>

/* "<boot id>/<pid namespace>/<pid>/<start time>": no other process ever has the same. */
struct lite_process {
	char text[128];
};

enum lite_life {
	LITE_ALIVE,
	LITE_DEAD,
	LITE_UNKNOWN, /* it is in another pid namespace: only its lease can tell */
};

void lite_process_self(struct lite_process *process);
/* [any thread] */
enum lite_life lite_process_life(const char *text);

#endif
