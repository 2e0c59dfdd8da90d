/* The object graph of one command: settings, models, the transport. It is built once, from left to right, and does not
 * change. */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

#include "model_set.h"

#include <msp/pipeline.h>

struct graph {
	const struct common_args *args;
	struct settings_tree tree;
	struct model_set set;
	struct msp_transport *transport; /* NULL unless it is asked for */
};

/* What a command needs. */
struct graph_request {
	struct model_request models;
	bool transport; /* of the configured broker, which is not contacted yet */
};

/* Complains of every mistake and returns an exit status; graph_close is due even then. Borrows `args`. */
int graph_open(struct graph *graph, const struct common_args *args, const struct graph_request *request);
/* The same for a command that takes one model or, with NULL, none. */
int graph_open_with(struct graph *graph, const struct common_args *args, const char *name, enum model_need need,
                    bool transport);
void graph_close(struct graph *graph);

/* The model that was named, or NULL. */
const struct model *graph_model(const struct graph *graph);

/* The --timeout of a command, 10 s by default. */
int graph_timeout_ms(const struct graph *graph);
/* The broker's URL for people: references as they are written, secrets masked. The caller frees it; NULL: no memory. */
char *graph_broker_text(const struct graph *graph);

/* The settings of a model, or without one those that hold for all. */
const struct settings_level *graph_level(const struct graph *graph, const struct model *model);
/* The group that serves a model. */
const char *graph_group(const struct model *model);
/* How a model's messages are processed. Complains and returns an exit status. */
int graph_pipeline_config(const struct model *model, struct msp_pipeline_config *ret_config);

#endif
