/* msp receive: messages of a topic to stdout. */
#include "receiver.h"

#include "commands.h"
#include "complain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- where to start ---- */

static bool number_read(const char *text, int64_t *ret_number)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	*ret_number = number;
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

/* "1526919030474-55", a position where offsets do not exist. */
static bool is_id(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits && text[digits] == '-' && text[digits + 1] &&
	       !text[digits + 1 + strspn(text + digits + 1, "0123456789")];
}

static bool start_read(const char *text, struct msp_reader_config *config)
{
	int64_t number = 0;
	if (!strcmp(text, "beginning"))
		config->start = MSP_START_BEGINNING;
	else if (!strcmp(text, "end"))
		config->start = MSP_START_END;
	else if (!strncmp(text, "e@", 2) && number_read(text + 2, &number))
		config->end_timestamp_ms = number;
	else if (!strncmp(text, "s@", 2) && number_read(text + 2, &number))
		config->start = MSP_START_TIMESTAMP;
	else if (*text == '-' && number_read(text + 1, &number))
		config->start = MSP_START_TAIL;
	else if (number_read(text, &number) || is_id(text))
		config->start = MSP_START_POSITION;
	else
		return false;
	if (strncmp(text, "e@", 2) == 0)
		return true;
	config->number = number;
	config->id = is_id(text) ? text : NULL;
	return true;
}

static int reader_config_init(const struct receive_args *args, const char *topic, struct msp_reader_config *config)
{
	*config = (struct msp_reader_config){
	    .topic = topic,
	    .partition = (int32_t)args->partition,
	    .start = MSP_START_BEGINNING,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	    .stop_at_end = args->stop_at_end,
	};
	for (size_t i = 0; i < args->starts.count; i++)
		if (!start_read(args->starts.items[i], config)) {
			complain("-o takes beginning, end, N, -N, s@MS or e@MS, not \"%s\"", args->starts.items[i]);
			return EXIT_USAGE;
		}
	return EXIT_DONE;
}

/* ---- what to receive ---- */

static int topic_kind_read(const struct receive_args *args, enum msp_topic_kind *ret_kind)
{
	const char *word = args->common.operands.items[0];
	const char *names[MSP_TOPIC_KINDS];
	for (unsigned kind = 0; kind < MSP_TOPIC_KINDS; kind++) {
		names[kind] = msp_topic_kind_name((enum msp_topic_kind)kind);
		if (!strcmp(word, names[kind])) {
			*ret_kind = (enum msp_topic_kind)kind;
			return EXIT_DONE;
		}
	}
	const char *nearest = nearest_name(word, names, MSP_TOPIC_KINDS);
	complain("-m needs inputs, outputs or errors, not \"%s\"%s%s%s", word, nearest ? "; did you mean " : "",
	         nearest ? nearest : "", nearest ? "?" : "");
	return EXIT_USAGE;
}

static int args_check(const struct receive_args *args)
{
	struct msp_error err;
	size_t operands = args->common.operands.count;
	if (args->model && args->topic) {
		complain("-m and -t cannot be used together");
		return EXIT_USAGE;
	}
	if (!args->model && !args->topic) {
		complain("receive what? Name \"-m MODEL inputs|outputs|errors\" or \"-t TOPIC\"");
		return EXIT_USAGE;
	}
	if (operands != (args->model ? 1 : 0)) {
		complain(args->model ? "-m needs one of inputs, outputs, errors" : "-t takes no further topic");
		return EXIT_USAGE;
	}
	if (args->topic && msp_topic_check(args->topic, &err) != MSP_OK) {
		complain("%s: %s", args->topic, err.text);
		return EXIT_USAGE;
	}
	if (args->group && (args->starts.count || args->partition != MSP_PARTITION_ANY)) {
		complain("with -g the group says where to start and which partitions to read; -o and -p do not go with it");
		return EXIT_USAGE;
	}
	if (args->envelopes && (args->format || args->delimiter || args->key_delimiter)) {
		complain("-J has its own form; -f, -D and -K do not go with it");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

/* ---- how to write ---- */

static int format_prepare(const struct receive_args *args, struct envelope *envelope, struct format *format)
{
	struct msp_error err;
	enum msp_status status = MSP_OK;
	if (args->envelopes) {
		status = envelope_init(envelope, &err);
		format_init_envelope(format, envelope);
	} else if (args->format) {
		status = format_init(format, args->format, &err);
	} else {
		status = format_init_delimited(format, args->delimiter ? args->delimiter : "\\n", args->key_delimiter, &err);
	}
	if (args->null_text)
		format->null_text = "NULL";
	return status == MSP_OK ? EXIT_DONE : complain_of(&err);
}

/* ---- the command ---- */

static int receive_formed(const struct graph *graph, const struct receive_args *args, const char *topic,
                          const struct receive_form *form, struct stop *stop)
{
	struct msp_reader_config config;
	int status = reader_config_init(args, topic, &config);
	if (status != EXIT_DONE)
		return status;
	return args->group ? receive_as_group(graph, args, topic, form, stop)
	                   : receive_as_reader(graph, args, &config, form, stop);
}

static int receive_with(const struct graph *graph, const struct receive_args *args, struct stop *stop)
{
	const struct model *model = graph_model(graph);
	enum msp_topic_kind kind = MSP_TOPIC_INPUTS;
	struct envelope envelope = {0};
	struct format format = {0};
	struct conversion conversion = {0};
	int status = model ? topic_kind_read(args, &kind) : EXIT_DONE;
	if (status == EXIT_DONE)
		status = format_prepare(args, &envelope, &format);
	const struct conversion_config converted = {
	    .graph = graph, .model = model, .kind = kind, .from = args->from, .to = args->to, .max_bytes = SIZE_MAX};
	if (status == EXIT_DONE)
		status = conversion_init(&conversion, &converted);
	const struct receive_form form = {.format = &format, .conversion = &conversion};
	const char *topic = model ? model->entry->topics.name[kind] : args->topic;
	if (status == EXIT_DONE)
		status = receive_formed(graph, args, topic, &form, stop);
	conversion_done(&conversion);
	format_done(&format);
	envelope_done(&envelope);
	return status;
}

static int receive_until(const struct receive_args *args, struct stop *stop)
{
	struct graph graph;
	int status = graph_open_with(&graph, &args->common, args->model, MODEL_INFO, true);
	if (status == EXIT_DONE)
		status = receive_with(&graph, args, stop);
	graph_close(&graph);
	return status;
}

static int receive_run(void *arguments)
{
	const struct receive_args *args = arguments;
	int status = args_check(args);
	if (status != EXIT_DONE)
		return status;
	struct stop *stop = stop_new();
	status = stop ? receive_until(args, stop) : EXIT_SOME_FAILED;
	stop_free(stop);
	return status;
}

static void receive_args_init(void *arguments)
{
	struct receive_args *args = arguments;
	args->partition = MSP_PARTITION_ANY;
}

#define FIELD(field) offsetof(struct receive_args, field)

static const struct flag receive_flags[] = {
    {"model", 'm', FLAG_ONE, FIELD(model), "MODEL", 0, 0, "from a topic of this model: inputs, outputs or errors"},
    {"topic", 't', FLAG_ONE, FIELD(topic), "TOPIC", 0, 0, "from this topic"},
    {"offset", 'o', FLAG_LIST, FIELD(starts), "WHERE", 0, 0,
     "start: beginning, end, N, -N (last N), s@MS (from a time); e@MS ends at a time"},
    {"partition", 'p', FLAG_INTEGER, FIELD(partition), "N", -1, INT32_MAX, "only this partition"},
    {"exit", 'e', FLAG_SWITCH, FIELD(stop_at_end), NULL, 0, 0, "end after the last message there is"},
    {"count", 'c', FLAG_INTEGER, FIELD(count), "N", 1, INT64_MAX, "end after N messages"},
    {"group", 'g', FLAG_TEXT, FIELD(group), "GROUP", 0, 0, "consume as a member of this group, and settle"},
    {"format", 'f', FLAG_TEXT, FIELD(format), "FORMAT", 0, 0,
     "%s value, %k key, %h headers, %t topic, %p partition, %o offset, %T time, %S %K %R sizes"},
    {"envelope", 'J', FLAG_SWITCH, FIELD(envelopes), NULL, 0, 0, "write JSON envelopes, as send -J reads them"},
    {"to", 0, FLAG_TEXT, FIELD(to), "CODEC", 0, 0,
     "convert each value to this encoding (json) from the topic's, which -m knows"},
    {"from", 0, FLAG_TEXT, FIELD(from), "CODEC", 0, 0, "convert each value from this encoding"},
    {"delimiter", 'D', FLAG_TEXT, FIELD(delimiter), "TEXT", 0, 0, "what ends each message (\\n); '': nothing"},
    {"key-delimiter", 'K', FLAG_TEXT, FIELD(key_delimiter), "TEXT", 0, 0, "write key and TEXT before each message"},
    {"null", 'Z', FLAG_SWITCH, FIELD(null_text), NULL, 0, 0, "write NULL where a value or key is null"},
    {"raw", 0, FLAG_SWITCH, FIELD(raw), NULL, 0, 0, "write control characters as they are at a terminal too"},
    {"unbuffered", 'u', FLAG_SWITCH, FIELD(unbuffered), NULL, 0, 0, "write each message at once"},
};

const struct command command_receive = {
    .name = "receive",
    .summary = "write the messages of a topic to stdout",
    .operands = "[inputs|outputs|errors]",
    .text = "Writes messages to stdout, from the beginning and without end unless told otherwise. Reading changes\n"
            "nothing at the broker, except with -g. Control-C ends it. At a terminal control characters of keys,\n"
            "values and headers stand escaped, as in \\u001b; pipes and files get every byte as it is.\n"
            "\n"
            "Examples:\n"
            "  msp receive -b sqlite:msp.db -m iris outputs -e\n"
            "  msp receive -m iris errors -f '%k %h\\n' -o -10 -e\n"
            "  msp receive -m iris outputs -e --to json\n"
            "  msp receive -t some.topic -J -e | jq .payload",
    .flags = receive_flags,
    .flag_count = sizeof(receive_flags) / sizeof(receive_flags[0]),
    .args_size = sizeof(struct receive_args),
    .args_init = receive_args_init,
    .run = receive_run,
};
