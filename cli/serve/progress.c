#include "progress.h"

#include <msp/clock.h>
#include <msp/console.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_MS 200

static const char clear_line[] = "\r\033[K";

void progress_init(struct progress *progress, bool quiet, const char *verb)
{
	*progress = (struct progress){.verb = verb, .silent = quiet || !isatty(STDERR_FILENO)};
	progress->begun_ms = progress->shown_ms = msp_monotonic_ms();
}

/* The line ends with a carriage return, so that a line of the log, which is longer, takes its place. */
void progress_show(struct progress *progress)
{
	char line[160];
	if (progress->silent)
		return;
	int64_t now = msp_monotonic_ms(), elapsed = now - progress->shown_ms;
	if (elapsed < INTERVAL_MS)
		return;
	double rate = (double)(progress->done - progress->shown_done) * 1000 / (double)elapsed;
	int size = snprintf(line, sizeof(line), "%s%llu %s, %llu failed, %.0f/s\r", clear_line,
	                    (unsigned long long)progress->done, progress->verb, (unsigned long long)progress->failed, rate);
	msp_console_offer(line, (size_t)size);
	progress->shown_ms = now;
	progress->shown_done = progress->done;
	progress->visible = true;
}

void progress_clear(struct progress *progress)
{
	if (progress->visible)
		msp_console_offer(clear_line, sizeof(clear_line) - 1);
	progress->visible = false;
}
