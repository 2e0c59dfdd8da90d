/* msp run: serve models until a stop signal, or until what is there is settled. */
#include "serve/server.h"

#include "commands.h"
#include "complain.h"

#include <stdlib.h>

/* Until the configuration is read, which has its own limit. */
#define STOP_LIMIT_MS 10000

/* MODEL operands and -m mean the same. */
static bool names_join(const struct run_args *args, struct text_list *ret_names)
{
	const struct text_list *operands = &args->common.operands, *flags = &args->models;
	const char **items = calloc(operands->count + flags->count + 1, sizeof(*items));
	if (!items)
		return false;
	for (size_t i = 0; i < operands->count; i++)
		items[i] = operands->items[i];
	for (size_t i = 0; i < flags->count; i++)
		items[operands->count + i] = flags->items[i];
	*ret_names = (struct text_list){items, operands->count + flags->count};
	return true;
}

static int run_models(const struct run_args *args, const struct text_list *names, struct stop *stop)
{
	struct graph graph;
	/* A plugin may hang while it is loaded. */
	stop_limit(stop, STOP_LIMIT_MS, NULL, NULL);
	const struct graph_request request = {{.names = names, .need = MODEL_LOADED}, .transport = true};
	int status = graph_open(&graph, &args->common, &request);
	if (status == EXIT_DONE)
		status = server_run(&graph, args, stop);
	graph_close(&graph);
	return status;
}

static int run_run(void *arguments)
{
	const struct run_args *args = arguments;
	struct text_list names;
	if (!names_join(args, &names)) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	struct stop *stop = stop_new();
	int status = stop ? run_models(args, &names, stop) : EXIT_SOME_FAILED;
	stop_free(stop);
	free(names.items);
	return status;
}

static const struct flag run_flags[] = {
    {"model", 'm', FLAG_LIST, offsetof(struct run_args, models), "MODEL", 0, 0, "serve this model; may be repeated"},
    {"exit", 'e', FLAG_SWITCH, offsetof(struct run_args, stop_at_end), NULL, 0, 0,
     "end when every message that is there at the start is settled"},
    {"ready-file", 0, FLAG_TEXT, offsetof(struct run_args, ready_file), "PATH", 0, 0,
     "this file exists while every worker is ready"},
};

const struct command command_run = {
    .name = "run",
    .summary = "serve models: inputs to outputs and errors",
    .operands = "[MODEL…]",
    .text = "Serves the models: reads their inputs, predicts, and publishes each result to outputs, or the\n"
            "untouched input with its reason to errors. Without arguments: all configured models. Waits for a\n"
            "broker that is not there. A first Control-C settles what is in hand and ends; a second ends at once.\n"
            "\n"
            "Examples:\n"
            "  msp run -b sqlite:msp.db iris\n"
            "  msp run -b sqlite:msp.db iris -e\n"
            "  msp run --env prod --ready-file /run/msp/ready",
    .flags = run_flags,
    .flag_count = sizeof(run_flags) / sizeof(run_flags[0]),
    .args_size = sizeof(struct run_args),
    .run = run_run,
};
