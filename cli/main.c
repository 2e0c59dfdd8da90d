/* The program msp: finds the command and runs it. */
#include "commands/commands.h"
#include "complain.h"
#include "message/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct command *const commands[] = {
    &command_run,
    &command_predict,
    &command_topics_create,
    &command_topics_list,
    &command_topics_describe,
    &command_topics_delete,
    &command_send,
    &command_receive,
    &command_models_list,
    &command_models_describe,
    &command_config_show,
    &command_config_check,
    &command_config_describe,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const char introduction[] = "msp serves machine-learning models on message streams.\n"
                                   "\n"
                                   "Usage: msp COMMAND [flags] [arguments]\n";

static const char epilogue[] =
    "\n"
    "\"msp COMMAND --help\" tells more. Without a broker and without a file:\n"
    "\n"
    "  echo '{\"sepal_length\":6,\"sepal_width\":3,\"petal_length\":5,\"petal_width\":2}' | msp predict -m iris\n"
    "\n"
    "Exit status: 0 done, 1 some messages failed, 2 usage or configuration, 3 broker not reachable.\n";

static bool is_in_group(const struct command *command, const char *group)
{
	return command->group && !strcmp(command->group, group);
}

static void command_line(struct output *out, const struct command *command)
{
	char name[32];
	snprintf(name, sizeof(name), "%s%s%s", command->group ? command->group : "", command->group ? " " : "",
	         command->name);
	output_printf(out, "  %-16s  %s\n", name, command->summary);
}

/* `group` NULL: all commands. */
static int commands_list(const char *group)
{
	struct output out;
	output_init(&out, STDOUT_FILENO);
	if (group)
		output_printf(&out, "Usage: msp %s COMMAND [flags] [arguments]\n\nCommands:\n", group);
	else
		output_printf(&out, "%s\nCommands:\n", introduction);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!group || is_in_group(commands[i], group))
			command_line(&out, commands[i]);
	output_printf(&out, "%s", group ? "" : epilogue);
	return output_done(&out);
}

static bool group_exists(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (is_in_group(commands[i], name))
			return true;
	return false;
}

static const struct command *command_find(const char *group, const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		bool same_group = group ? is_in_group(commands[i], group) : !commands[i]->group;
		if (same_group && !strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static int unknown_command(const char *group, const char *name)
{
	const char *names[COMMAND_COUNT + 1] = {"help"};
	size_t count = group ? 0 : 1;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (group ? is_in_group(commands[i], group) : true)
			names[count++] = !group && commands[i]->group ? commands[i]->group : commands[i]->name;
	const char *nearest = nearest_name(name, names, count);
	complain("unknown command \"%s%s%s\"%s%s%s", group ? group : "", group ? " " : "", name,
	         nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	report("Try \"msp%s%s --help\".", group ? " " : "", group ? group : "");
	return EXIT_USAGE;
}

static int version_show(void)
{
	struct output out;
	output_init(&out, STDOUT_FILENO);
	output_printf(&out, "msp " MSP_VERSION "\n");
	return output_done(&out);
}

static int command_run_with(const struct command *command, int argc, char **argv)
{
	void *args = calloc(1, command->args_size);
	if (!args) {
		complain("out of memory");
		return EXIT_SOME_FAILED;
	}
	struct common_args *common = args;
	common->timeout_ms = TIMEOUT_UNSET;
	if (command->args_init)
		command->args_init(args);
	int status = args_parse(command, argc, argv, args);
	if (status == EXIT_DONE && common->help)
		status = args_help(command);
	else if (status == EXIT_DONE && common->version)
		status = version_show();
	else if (status == EXIT_DONE)
		status = command->run(args);
	args_done(command, args);
	free(args);
	return status;
}

/* `msp help topics create` and `msp topics create --help` are the same. */
static int help_show(int argc, char **argv)
{
	if (argc < 2)
		return commands_list(NULL);
	const char *group = group_exists(argv[1]) ? argv[1] : NULL;
	if (group && argc < 3)
		return commands_list(group);
	const char *name = argv[group ? 2 : 1];
	const struct command *command = command_find(group, name);
	return command ? args_help(command) : unknown_command(group, name);
}

static bool is_one_of(const char *text, const char *a, const char *b)
{
	return !strcmp(text, a) || !strcmp(text, b);
}

static int group_dispatch(int argc, char **argv)
{
	if (argc < 2) {
		complain("\"msp %s\" needs one of its commands", argv[0]);
		report("Try \"msp %s --help\".", argv[0]);
		return EXIT_USAGE;
	}
	if (is_one_of(argv[1], "--help", "-h"))
		return commands_list(argv[0]);
	const struct command *command = command_find(argv[0], argv[1]);
	return command ? command_run_with(command, argc - 1, argv + 1) : unknown_command(argv[0], argv[1]);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		complain("a command is needed");
		report("Try \"msp --help\".");
		return EXIT_USAGE;
	}
	if (is_one_of(argv[1], "--version", "-V"))
		return version_show();
	if (is_one_of(argv[1], "--help", "-h"))
		return commands_list(NULL);
	if (*argv[1] == '-') {
		complain("\"%s\" stands before the command; flags come after it, as in \"msp run -F msp.yaml\"", argv[1]);
		report("Try \"msp --help\".");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help"))
		return help_show(argc - 1, argv + 1);
	if (group_exists(argv[1]))
		return group_dispatch(argc - 1, argv + 1);
	const struct command *command = command_find(NULL, argv[1]);
	return command ? command_run_with(command, argc - 1, argv + 1) : unknown_command(NULL, argv[1]);
}

/* A standard descriptor that is closed would be given to the next file that is opened, and what is meant for stdout
 * would go into that file. Opened for the other direction, it fails as a closed one does. */
static bool standard_descriptors_hold(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	if (!standard_descriptors_hold())
		return EXIT_SOME_FAILED;
	signal(SIGPIPE, SIG_IGN); /* a reader that has gone is seen as EPIPE */
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is seen as EFBIG, and served like a full disk */
	return dispatch(argc, argv);
}
