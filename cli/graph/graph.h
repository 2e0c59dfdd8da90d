/* The object graph: from flags and configuration to models, transport and services. */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

#include "args.h"
#include "config/config.h"
#include "config/settings.h"

#include <msp/processor.h>

/* The options of one transport or codec of this build. */
struct part_options {
	const char *name;
	const struct msp_option_table *table; /* or NULL */
	void *options;                        /* owned; NULL without a table */
	struct msp_property *properties;      /* owned; what the table does not have */
	size_t property_count;
};

/* Binds service settings at "" or under "models.<label>.": `codec` of a scope stands for both sides. */
void service_bind(struct config *config, const char *prefix, struct service_settings *service);

/* A configured model, or one named by -m. */
struct graph_model {
	char *label;
	struct model_settings settings;
	struct service_settings service;
	struct msp_plugin plugin;         /* empty once the registry has it */
	struct msp_registry_entry *entry; /* owned by the registry; NULL when the model could not be added */
};

struct graph {
	const struct common_args *args;
	struct config config;
	struct program_settings program;
	struct service_settings service; /* of the top level */
	struct part_options *transports, *codecs;
	size_t transport_count, codec_count;
	char *plugin_path;
	struct msp_registry *registry;
	struct graph_model **models;
	size_t model_count;
	struct msp_transport *transport;
};

enum graph_scope {
	GRAPH_PROGRAM, /* without models: what is under models is not looked at */
	GRAPH_MODELS,  /* loads every configured model */
};

/* Reads and checks the configuration. Complains and returns an exit status; graph_close is due even then. Borrows
 * `args`. */
int graph_open(struct graph *graph, const struct common_args *args, enum graph_scope scope);
/* As graph_open with GRAPH_MODELS, also for the models that `names` mean: a label, a qualified name, or a plugin. */
int graph_open_named(struct graph *graph, const struct common_args *args, const struct text_list *names);
void graph_close(struct graph *graph);

/* The two halves of graph_open that concern models; mistakes go to the configuration. */
void graph_models_load(struct graph *graph, const struct text_list *names);
void graph_models_free(struct graph *graph);

/* The model that `name` means: its label, its qualified name, or its plugin; NULL when there is none. */
struct graph_model *graph_model_find(const struct graph *graph, const char *name);
/* The models that `names` mean, each once, or all when there are none. The caller owns *ret_models. Complains and
 * returns an exit status. */
int graph_select(const struct graph *graph, const struct text_list *names, struct graph_model ***ret_models,
                 size_t *ret_count);

/* Opens the transport of the configured broker. Complains and returns an exit status. */
int graph_connect(struct graph *graph);
/* What the broker's transport puts around what a model's topics share, or NULL. */
const char *graph_topic_wrap(const struct graph *graph);
/* The --timeout of a command, 10 s by default. */
int graph_timeout_ms(const struct graph *graph);

/* How a model's messages are processed. Complains and returns an exit status. */
int graph_pipeline_config(const struct graph *graph, const struct graph_model *model,
                          struct msp_pipeline_config *ret_config);
const void *graph_codec_options(const struct graph *graph, const struct msp_codec_ops *ops);
/* The group that serves a model. */
const char *graph_group(const struct graph_model *model);
/* The broker's URL for people: references as they are written, secrets masked. The caller frees it; NULL: no memory. */
char *graph_broker_text(const struct graph *graph);

#endif
