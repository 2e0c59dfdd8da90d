/* The life of msp run: wait for topics, serve, tell, stop. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include "graph/graph.h"
#include "stop.h"

struct run_args {
	struct common_args common;
	struct text_list models;
	bool stop_at_end;
	const char *ready_file;
};

/* Serves the graph's models until a stop signal, or with -e until what was there is settled. The transport is open.
 * Complains and returns the exit status. */
int server_run(const struct graph *graph, const struct run_args *args, struct stop *stop);

#endif
