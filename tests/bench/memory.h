/* The memory of a program while it works off a backlog. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include "stream.h"

/* Most of the memory in the first quarter of the backlog, and in all of it: what grows with the messages would show. */
struct memory {
	double early_mib, most_mib;
};

/* Starts the command, which serves the stream until SIGTERM, and looks until `outputs` says that as many messages are
 * answered. */
struct memory memory_measure(const char *const command[], const struct stream *stream,
                             size_t (*outputs)(const struct stream *stream), size_t messages);
/* Two lines: at most `target_mib`, and flat. */
void memory_report(const char *what, const struct memory *memory, size_t messages, int target_mib);

#endif
