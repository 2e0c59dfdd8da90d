/* The line that tells people at a terminal how far long work is. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Caller storage. Silent unless stderr is a terminal. [owner thread] */
struct progress {
	uint64_t done, failed; /* counted by the caller; failed ones are among those done */
	const char *verb;      /* "sent" */
	int64_t begun_ms, shown_ms;
	uint64_t shown_done;
	bool silent, visible;
};

void progress_init(struct progress *progress, bool quiet, const char *verb);
/* Writes the line when it is old. Cheap. */
void progress_show(struct progress *progress);
/* Takes the line away, before something else is written and at the end. */
void progress_clear(struct progress *progress);

#endif
