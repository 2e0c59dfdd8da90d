#include "settings.h"

#include "builtin.h"

#include <limits.h>
#include <msp/log.h>
#include <msp/topic.h>
#include <msp/transport.h>

#define MEBIBYTE INT64_C(1048576)

static const char *const log_levels[] = {
    [MSP_LOG_ERROR] = "error", [MSP_LOG_WARN] = "warn", [MSP_LOG_INFO] = "info", [MSP_LOG_DEBUG] = "debug", NULL};

static const char *const guarantees[] = {
    [MSP_AT_LEAST_ONCE] = "at_least_once", [MSP_EXACTLY_ONCE] = "exactly_once", NULL};

#define PROGRAM(field) offsetof(struct program_settings, field)

static const struct msp_option program_array[] = {
    {.name = "broker",
     .type = MSP_OPTION_STRING,
     .offset = PROGRAM(broker),
     .default_text = "kafka://localhost:9092",
     .help = "URL of the broker; the scheme picks the transport, a relative file starts at the working directory"},
    {.name = "topic.prefix",
     .type = MSP_OPTION_STRING,
     .offset = PROGRAM(topic_prefix),
     .default_text = MSP_TOPIC_PREFIX_DEFAULT,
     .help = "first part of every topic name"},
    {.name = "topics.log.append.time",
     .type = MSP_OPTION_BOOLEAN,
     .offset = PROGRAM(topics_log_append_time),
     .default_text = "false",
     .help = "create outputs and errors with the broker's time: old inputs' results outlive retention, on Kafka"},
    {.name = "instance",
     .type = MSP_OPTION_STRING,
     .offset = PROGRAM(instance),
     .not_empty = true,
     .help = "name of this process for good; two live processes must not share one"},
    {.name = "plugin.path",
     .type = MSP_OPTION_STRING,
     .offset = PROGRAM(plugin_path),
     .help = "folders with model plugins, separated by colons; by default those that belong to the program"},
    {.name = "log.level",
     .type = MSP_OPTION_CHOICE,
     .offset = PROGRAM(log_level),
     .default_text = "info",
     .choices = log_levels,
     .help = "least important log lines to write"},
    {.name = "stop.timeout.ms",
     .type = MSP_OPTION_INTEGER,
     .offset = PROGRAM(stop_timeout_ms),
     .default_text = "10000",
     .min = 0,
     .max = 3600000,
     .help = "after a stop signal, when what is not settled is left to others, and the process ends whatever hangs"},
};

const struct msp_option_table program_options = MSP_OPTION_TABLE(program_array, struct program_settings);

#define SERVICE(field) offsetof(struct service_settings, field)

static const struct msp_option service_array[] = {
    {.name = "codec",
     .type = MSP_OPTION_STRING,
     .offset = SERVICE(codec),
     .default_text = "json",
     .help = "encoding of inputs and outputs"},
    {.name = "codec.input",
     .type = MSP_OPTION_STRING,
     .offset = SERVICE(codec_input),
     .help = "encoding of inputs alone"},
    {.name = "codec.output",
     .type = MSP_OPTION_STRING,
     .offset = SERVICE(codec_output),
     .help = "encoding of outputs alone"},
    {.name = "codec.max.depth",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(codec_max_depth),
     .default_text = "64",
     .min = 1,
     .max = 1000,
     .help = "nesting of arrays and objects above which a message is refused"},
    {.name = "processing.guarantee",
     .type = MSP_OPTION_CHOICE,
     .offset = SERVICE(guarantee),
     .default_text = "at_least_once",
     .choices = guarantees,
     .help = "what a crash may do to results: repeat some, or nothing"},
    {.name = "consumer.group",
     .type = MSP_OPTION_STRING,
     .offset = SERVICE(group),
     .not_empty = true,
     .help = "consumer group; by default the common part of the topic names"},
    {.name = "batch.max.messages",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(batch_max_messages),
     .default_text = "10000",
     .min = 1,
     .max = 1000000,
     .help = "most messages in one batch"},
    {.name = "batch.max.bytes",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(batch_max_bytes),
     .default_text = "1048576",
     .min = 1,
     .max = 1024 * MEBIBYTE,
     .help = "most bytes in one batch; a larger message makes a batch of its own"},
    {.name = "batch.max.memory.bytes",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(batch_max_memory_bytes),
     .default_text = "67108864",
     .min = MEBIBYTE,
     .max = 65536 * MEBIBYTE,
     .help = "most memory for the decoded values of one batch; a message that alone needs more is refused"},
    {.name = "batch.max.ms",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(batch_max_ms),
     .default_text = "1000",
     .min = 1,
     .max = 3600000,
     .help = "how long predict may take for one batch; batches are sized to stay below"},
    {.name = "commit.interval.ms",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(commit_interval_ms),
     .default_text = "200",
     .min = 0,
     .max = 3600000,
     .help = "how far committed offsets may lag under at_least_once"},
    {.name = "delivery.limit",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(delivery_limit),
     .default_text = "16",
     .min = 0,
     .max = INT_MAX,
     .help = "deliveries after which a message goes to errors; 0: no limit"},
    {.name = "message.max.bytes",
     .type = MSP_OPTION_INTEGER,
     .offset = SERVICE(message_max_bytes),
     .default_text = "1048576",
     .min = 1,
     .max = 1024 * MEBIBYTE,
     .help = "largest message: a larger input is refused, and topics are created with this limit"},
    {.name = "output.headers",
     .type = MSP_OPTION_BOOLEAN,
     .offset = SERVICE(output_headers),
     .default_text = "false",
     .help = "add msp-model and content-type to outputs"},
};

const struct msp_option_table service_options = MSP_OPTION_TABLE(service_array, struct service_settings);

#define MODEL(field) offsetof(struct model_settings, field)

static const struct msp_option model_array[] = {
    {.name = "plugin",
     .type = MSP_OPTION_STRING,
     .offset = MODEL(plugin),
     .help = "plugin that provides the model, by name or absolute path; by default the label"},
    {.name = "workers",
     .type = MSP_OPTION_INTEGER,
     .offset = MODEL(workers),
     .default_text = "1",
     .min = 1,
     .max = 1024,
     .help = "threads that serve the model"},
};

const struct msp_option_table model_options = MSP_OPTION_TABLE(model_array, struct model_settings);
