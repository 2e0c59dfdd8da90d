/* msp topics create, list, describe, delete */
#include "topics.h"

#include "commands.h"

static int create_run(void *args)
{
	return topics_create(args);
}

static int list_run(void *args)
{
	return topics_list(args);
}

static int describe_run(void *args)
{
	return topics_describe(args);
}

static int delete_run(void *args)
{
	return topics_delete(args);
}

static void topics_args_init(void *arguments)
{
	struct topics_args *args = arguments;
	args->partitions = 1;
}

#define TARGET_FLAGS                                                                                                   \
	{"model", 'm', FLAG_LIST, offsetof(struct topics_args, models),                                                    \
	 "MODEL", 0,   0,         "the three topics of this model; may be repeated"},                                      \
	{                                                                                                                  \
		"topic", 't', FLAG_LIST, offsetof(struct topics_args, topics), "TOPIC", 0, 0, "this topic; may be repeated"    \
	}

#define DRY_RUN_FLAG                                                                                                   \
	{                                                                                                                  \
		"dry-run", 0, FLAG_SWITCH, offsetof(struct topics_args, dry_run), NULL, 0, 0, "only say what would be done"    \
	}

static const struct flag create_flags[] = {
    TARGET_FLAGS,
    {"partitions", 'p', FLAG_INTEGER, offsetof(struct topics_args, partitions), "N", 1, 100000, "partitions (1)"},
    {"replication", 'r', FLAG_INTEGER, offsetof(struct topics_args, replication), "N", 0, 100,
     "replication factor (the broker's default)"},
    {"topic-config", 0, FLAG_LIST, offsetof(struct topics_args, properties), "KEY=VALUE", 0, 0,
     "a topic setting of the broker; may be repeated"},
    {"if-not-exists", 0, FLAG_SWITCH, offsetof(struct topics_args, if_not_exists), NULL, 0, 0,
     "a topic that exists is fine"},
    DRY_RUN_FLAG,
};

static const struct flag describe_flags[] = {TARGET_FLAGS};
static const struct flag delete_flags[] = {TARGET_FLAGS, DRY_RUN_FLAG};

const struct command command_topics_create = {
    .group = "topics",
    .name = "create",
    .summary = "create the topics of models",
    .operands = "",
    .text = "Creates inputs, outputs and errors of each model, or the named topics; one result line per topic.\n"
            "Without -m and -t: all configured models. The three are alike, except that errors takes messages\n"
            "of 64 KiB more than inputs, for its headers.\n"
            "\n"
            "Examples:\n"
            "  msp topics create -b sqlite:msp.db -m iris -p 4\n"
            "  msp topics create --if-not-exists",
    .flags = create_flags,
    .flag_count = sizeof(create_flags) / sizeof(create_flags[0]),
    .args_size = sizeof(struct topics_args),
    .args_init = topics_args_init,
    .run = create_run,
};

const struct command command_topics_list = {
    .group = "topics",
    .name = "list",
    .summary = "list the topics of the broker",
    .operands = "",
    .text = "Lists every topic of the broker, one per line.\n"
            "\n"
            "Examples:\n"
            "  msp topics list -b sqlite:msp.db",
    .args_size = sizeof(struct topics_args),
    .run = list_run,
};

const struct command command_topics_describe = {
    .group = "topics",
    .name = "describe",
    .summary = "show partitions, counts, and what is left to settle",
    .operands = "",
    .text = "Shows the partitions of each topic, and how far the model's consumer group is behind its inputs.\n"
            "Without -m and -t: all configured models.\n"
            "\n"
            "Examples:\n"
            "  msp topics describe -b sqlite:msp.db -m iris",
    .flags = describe_flags,
    .flag_count = sizeof(describe_flags) / sizeof(describe_flags[0]),
    .args_size = sizeof(struct topics_args),
    .run = describe_run,
};

const struct command command_topics_delete = {
    .group = "topics",
    .name = "delete",
    .summary = "delete topics with all their messages",
    .operands = "",
    .text = "Deletes topics and what is in them; one result line per topic. Without -m and -t: those of all\n"
            "configured models. --dry-run shows which these are.\n"
            "\n"
            "Examples:\n"
            "  msp topics delete -b sqlite:msp.db -m iris --dry-run",
    .flags = delete_flags,
    .flag_count = sizeof(delete_flags) / sizeof(delete_flags[0]),
    .args_size = sizeof(struct topics_args),
    .run = delete_run,
};
