/* Who a process is, so that another process on this machine can tell whether it still lives. */
#ifndef MSP_PROCESS_H
#define MSP_PROCESS_H

#include <stdbool.h>

/* "<boot id>/<pid namespace>/<pid>/<start time>": no other process ever has the same. */
struct msp_process {
	char text[128];
};

enum msp_life {
	MSP_LIFE_ALIVE,
	MSP_LIFE_DEAD,       /* certainly */
	MSP_LIFE_OTHER_BOOT, /* it is on another machine, or was on this one before its last start */
	MSP_LIFE_UNKNOWN,    /* it is in another pid namespace or hidden from us: only its lease can tell */
};

void msp_process_self(struct msp_process *process);
/* `text` of any process. [any thread] */
enum msp_life msp_process_life(const char *text);

#endif
