/* Help, and what is said to a slip of the pen. */
#include "invocation.h"

static const char *const command_names[][2] = {
    {"run", NULL},      {"predict", NULL},      {"send", NULL},         {"receive", NULL},  {"topics", "create"},
    {"topics", "list"}, {"topics", "describe"}, {"topics", "delete"},   {"models", "list"}, {"models", "describe"},
    {"config", "show"}, {"config", "check"},    {"config", "describe"},
};

#define COMMAND_COUNT (sizeof(command_names) / sizeof(command_names[0]))

static void every_command_explains_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const char *first = command_names[i][0], *second = command_names[i][1];
		struct result help = second ? expect(0, first, second, "--help", NULL) : expect(0, first, "--help", NULL);
		struct result same = second ? expect(0, "help", first, second, NULL) : expect(0, "help", first, NULL);
		assert_contains(help.out, "Usage: msp ");
		assert_contains(help.out, "Examples:\n  msp ");
		assert_string_equal(help.out, same.out);
		assert_string_equal(help.err, "");
		result_free(&help);
		result_free(&same);
	}
}

static void help_lists_every_command(void **state)
{
	(void)state;
	struct result help = expect(0, "--help", NULL);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		assert_contains(help.out, command_names[i][0]);
		if (command_names[i][1])
			assert_contains(help.out, command_names[i][1]);
	}
	result_free(&help);
	struct result group = expect(0, "topics", "--help", NULL);
	assert_contains(group.out, "topics create");
	assert_lacks(group.out, "predict");
	result_free(&group);
}

static void version_is_told(void **state)
{
	(void)state;
	struct result version = expect(0, "--version", NULL);
	assert_string_equal(version.out, "msp " MSP_VERSION "\n");
	result_free(&version);
}

struct slip {
	const char *arguments[8];
	const char *answer;
};

static const struct slip slips[] = {
    {{NULL}, "a command is needed"},
    {{"predcit"}, "unknown command \"predcit\"; did you mean \"predict\"?"},
    {{"topics"}, "\"msp topics\" needs one of its commands"},
    {{"topics", "crate"}, "unknown command \"topics crate\"; did you mean \"create\"?"},
    {{"help", "rnu"}, "unknown command \"rnu\"; did you mean \"run\"?"},
    {{"run", "--brokr", "x"}, "unknown flag --brokr; did you mean --broker?"},
    {{"run", "--brokr=x"}, "unknown flag --brokr; did you mean --broker?"},
    {{"run", "--wholly-different"}, "unknown flag --wholly-different\n"},
    {{"run", "-y"}, "unknown flag -y"},
    {{"run", "--work"}, "unknown flag --work\n"},
    {{"config", "check", "-F", "one.yaml", "-F", "two.yaml"}, "--config can be given only once"},
    {{"config", "check", "--env", "prod", "--env=test"}, "--env can be given only once"},
    {{"topics", "list", "-b", "sqlite:a.db", "-b", "sqlite:b.db"}, "--broker can be given only once"},
    {{"run", "-b"}, "--broker needs an argument, URL"},
    {{"run", "-X"}, "-X needs an argument, KEY=VALUE"},
    {{"run", "--quiet=yes"}, "--quiet takes no argument"},
    {{"run", "--timeout", "soon"}, "--timeout takes seconds from 0 to 86400, not \"soon\""},
    {{"send", "-c", "0"}, "--count takes a whole number from 1 to "},
    {{"send", "-p", "1x", "-t", "t"}, "--partition takes a whole number from -1 to "},
    {{"topics", "list", "inputs"}, "\"inputs\" is not expected here"},
    {{"predict"}, "which model?"},
    {{"send"}, "send where?"},
    {{"send", "-m", "iris", "-t", "t"}, "-m and -t cannot be used together"},
    {{"-F", "msp.yaml", "config", "check"}, "\"-F\" stands before the command; flags come after it"},
    {{"send", "-t", "bad topic"}, "bad topic"},
    {{"send", "-t", "t", "-J", "-Z"}, "do not go with it"},
    {{"receive"}, "receive what?"},
    {{"receive", "-m", "iris"}, "-m needs one of inputs, outputs, errors"},
    {{"receive", "-t", "t", "inputs"}, "-t takes no further topic"},
    {{"receive", "-t", "t", "-g", "g", "-o", "end"}, "do not go with it"},
    {{"receive", "-t", "t", "-J", "-f", "%s"}, "do not go with it"},
    {{"topics", "create", "-t", "t", "-m", "iris"}, "-t and -m cannot be used together"},
};

static void slips_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
		const char *const *a = slips[i].arguments;
		struct result result = expect(2, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], NULL);
		assert_contains(result.err, slips[i].answer);
		assert_true(strncmp(result.err, "msp: ", 5) == 0);
		assert_string_equal(result.out, "");
		result_free(&result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_command_explains_itself),
	    cmocka_unit_test(help_lists_every_command),
	    cmocka_unit_test(version_is_told),
	    cmocka_unit_test(slips_are_named),
	};
	return cmocka_run_group_tests_name("usage", tests, enter_directory, leave_directory);
}
