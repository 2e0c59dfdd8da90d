/* msp send: lines of stdin, or files, into a topic. */
#include "sender.h"

#include "commands.h"
#include "complain.h"

static int args_check(const struct send_args *args)
{
	struct msp_error err;
	if (args->model && args->topic) {
		complain("-m and -t cannot be used together");
		return EXIT_USAGE;
	}
	if (!args->model && !args->topic) {
		complain("send where? Name a model with -m or a topic with -t");
		return EXIT_USAGE;
	}
	if (args->topic && msp_topic_check(args->topic, &err) != MSP_OK) {
		complain("%s: %s", args->topic, err.text);
		return EXIT_USAGE;
	}
	bool shapes_message = args->key || args->key_delimiter || args->headers.count || args->empty_is_null;
	if (args->envelopes && shapes_message) {
		complain("with -J the envelopes say key, headers and null; -k, -K, -H and -Z do not go with it");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int send_run(void *arguments)
{
	const struct send_args *args = arguments;
	struct graph graph;
	int status = args_check(args);
	if (status != EXIT_DONE)
		return status;
	status = graph_open_with(&graph, &args->common, args->model, MODEL_INFO, true);
	if (status == EXIT_DONE)
		status = send_with(&graph, args);
	graph_close(&graph);
	return status;
}

/* ---- flags ---- */

static void send_args_init(void *arguments)
{
	struct send_args *args = arguments;
	args->partition = MSP_PARTITION_ANY;
}

#define FIELD(field) offsetof(struct send_args, field)

static const struct flag send_flags[] = {
    {"model", 'm', FLAG_ONE, FIELD(model), "MODEL", 0, 0, "to the inputs of this model"},
    {"topic", 't', FLAG_ONE, FIELD(topic), "TOPIC", 0, 0, "to this topic"},
    {"key", 'k', FLAG_TEXT, FIELD(key), "KEY", 0, 0, "the key of every message"},
    {"key-delimiter", 'K', FLAG_TEXT, FIELD(key_delimiter), "TEXT", 0, 0,
     "each message is key, TEXT, value; without TEXT it has no key of its own"},
    {"delimiter", 'D', FLAG_TEXT, FIELD(delimiter), "TEXT", 0, 0, "what stands between messages (\\n)"},
    {"header", 'H', FLAG_LIST, FIELD(headers), "NAME=VALUE", 0, 0,
     "a header of every message; may be repeated; without = its value is null"},
    {"partition", 'p', FLAG_INTEGER, FIELD(partition), "N", -1, INT32_MAX, "to this partition (by key)"},
    {"null", 'Z', FLAG_SWITCH, FIELD(empty_is_null), NULL, 0, 0, "an empty value or key is sent as null"},
    {"lines", 'l', FLAG_SWITCH, FIELD(lines), NULL, 0, 0, "files hold one message per line"},
    {"count", 'c', FLAG_INTEGER, FIELD(count), "N", 1, INT64_MAX, "stop after N messages"},
    {"envelope", 'J', FLAG_SWITCH, FIELD(envelopes), NULL, 0, 0,
     "each message is a JSON envelope, as receive -J writes them"},
    {"from", 0, FLAG_TEXT, FIELD(from), "CODEC", 0, 0,
     "convert each value from this encoding (json) to the topic's, which -m knows"},
    {"to", 0, FLAG_TEXT, FIELD(to), "CODEC", 0, 0, "convert each value to this encoding"},
};

const struct command command_send = {
    .name = "send",
    .summary = "send lines of stdin, or files, to a topic",
    .operands = "[FILE…]",
    .text = "Sends one message per line of stdin, or one per FILE, and waits until the broker has acknowledged\n"
            "them. At a terminal each Enter sends. A message that was not acknowledged is named on stderr; then\n"
            "the exit status is 1.\n"
            "\n"
            "Examples:\n"
            "  msp send -b sqlite:msp.db -m iris <flowers.jsonl\n"
            "  echo 'row-1:{\"petal_width\":2}' | msp send -b sqlite:msp.db -m iris -K :\n"
            "  echo '{\"petal_width\":2}' | msp send -t a.topic --from json --to msgpack\n"
            "  msp receive -t from -e -J | msp send -t to -J",
    .flags = send_flags,
    .flag_count = sizeof(send_flags) / sizeof(send_flags[0]),
    .args_size = sizeof(struct send_args),
    .args_init = send_args_init,
    .run = send_run,
};
