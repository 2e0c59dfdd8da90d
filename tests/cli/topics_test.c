/* msp topics and msp models, on the embedded broker. */
#include "invocation.h"

#include <sys/stat.h>
#include <unistd.h>

#define BROKER "-b", "sqlite:msp.db"
#define PREFIX "model_stream_processor.echo.1.0."

static void the_topics_of_a_model_come_and_go(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "echo", "-p", "3", "--dry-run", NULL);
	assert_contains(result.out, "would create " PREFIX "inputs (partitions 3, messages up to 1048576 bytes)\n");
	assert_contains(result.out, "would create " PREFIX "errors (partitions 3, messages up to 1114112 bytes)\n");
	assert_false(file_exists("msp.db"));
	result_free(&result);

	result = expect(0, "topics", "create", BROKER, "-m", "echo", "-p", "3", NULL);
	assert_string_equal(result.out, "created " PREFIX "inputs (partitions 3)\n"
	                                "created " PREFIX "outputs (partitions 3)\n"
	                                "created " PREFIX "errors (partitions 3)\n");
	result_free(&result);

	result = expect(0, "topics", "list", BROKER, NULL);
	assert_string_equal(result.out, PREFIX "errors\n" PREFIX "inputs\n" PREFIX "outputs\n");
	result_free(&result);

	result = expect(0, "topics", "delete", BROKER, "-m", "echo", NULL);
	assert_contains(result.out, "deleted " PREFIX "outputs\n");
	result_free(&result);
	result = expect(0, "topics", "list", BROKER, NULL);
	assert_string_equal(result.out, "");
	result_free(&result);
}

static void what_exists_is_said_to_exist(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-t", "plain", NULL);
	result_free(&result);
	result = expect(1, "topics", "create", BROKER, "-t", "plain", "-t", "other", NULL);
	assert_contains(result.err, "plain exists");
	assert_string_equal(result.out, "created other (partitions 1)\n");
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-t", "plain", "--if-not-exists", NULL);
	assert_string_equal(result.out, "exists plain\n");
	result_free(&result);
	result = expect(1, "topics", "create", BROKER, "-t", "plain", "-t", "more", "--dry-run", NULL);
	assert_contains(result.out, "exists plain\nwould create more ");
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-t", "plain", "--dry-run", "--if-not-exists", NULL);
	assert_string_equal(result.out, "exists plain\n");
	result_free(&result);
	result = expect(1, "topics", "delete", BROKER, "-t", "more", "--dry-run", NULL);
	assert_string_equal(result.out, "");
	assert_contains(result.err, "no topic more");
	result_free(&result);
	result = expect(0, "topics", "create", BROKER, "-t", "plain", "--if-not-exists", "-r", "3", NULL);
	assert_contains(result.err, "--replication has no effect");
	result_free(&result);
	result = expect(0, "topics", "delete", BROKER, "-t", "plain", "--dry-run", NULL);
	assert_string_equal(result.out, "would delete plain\n");
	result_free(&result);
	result = expect(1, "topics", "delete", BROKER, "-t", "plain", "-t", "absent", "-t", "other", NULL);
	assert_string_equal(result.out, "deleted plain\ndeleted other\n");
	assert_contains(result.err, "absent");
	result_free(&result);
}

static void partitions_and_lag_are_described(void **state)
{
	(void)state;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "echo", "-p", "2", "--if-not-exists", NULL);
	result_free(&result);
	result = expect_with(0, "{}\n{}\n{}\n", "send", BROKER, "-m", "echo", "-p", "1", NULL);
	result_free(&result);
	result = expect(0, "topics", "describe", BROKER, "-m", "echo", NULL);
	assert_contains(result.out, PREFIX "inputs\n  partition 0: 0 messages, offsets from 0, next 0\n"
	                                   "  partition 1: 3 messages, offsets from 0, next 3\n");
	assert_contains(result.out, "  group model_stream_processor.echo.1.0: 3 messages to settle\n");
	assert_contains(result.out, PREFIX "outputs\n");
	result_free(&result);
	result = expect(1, "topics", "describe", BROKER, "-t", "absent", NULL);
	assert_contains(result.err, "absent");
	result_free(&result);
}

static void topics_of_all_configured_models_are_meant(void **state)
{
	(void)state;
	struct result result = expect(2, "topics", "create", BROKER, NULL);
	assert_contains(result.err, "no model is configured");
	result_free(&result);
	write_file("msp.yaml", "broker: sqlite:other.db\ntopic.prefix: here\nmodels: {echo: }\n");
	result = expect(0, "topics", "create", NULL);
	assert_contains(result.out, "created here.echo.1.0.inputs (partitions 1)\n");
	result_free(&result);
	remove("msp.yaml");
}

static void a_broker_that_cannot_be_is_told(void **state)
{
	(void)state;
	/* The directory of the file is a file. */
	write_file("file", "");
	struct result result = msp("topics", "create", "-b", "sqlite:file/x.db", "-t", "t", "--timeout", "0.2", NULL);
	assert_true(result.status == 1 || result.status == 3);
	assert_contains(result.err, "msp: ");
	result_free(&result);
	/* Nothing that waiting would mend: the test's deadline is shorter than --timeout. */
	result = expect(1, "topics", "create", "-b", "sqlite:none/x.db", "-t", "t", "--timeout", "3600", NULL);
	assert_contains(result.err, "its folder does not exist");
	result_free(&result);
	if (geteuid() != 0) { /* to whom everything is allowed */
		assert_int_equal(mkdir("closed", 0555), 0);
		result = expect(1, "topics", "create", "-b", "sqlite:closed/x.db", "-t", "t", "--timeout", "3600", NULL);
		assert_contains(result.err, "cannot create: Permission denied");
		result_free(&result);
	}
	result = expect(2, "topics", "create", "-b", "sqlite:.", "-t", "t", "--timeout", "3600", NULL);
	assert_contains(result.err, "a folder, not a file");
	result_free(&result);
}

static void models_say_what_they_are(void **state)
{
	(void)state;
	struct result result = expect(0, "models", "list", "echo", NULL);
	assert_true(strncmp(result.out, "echo\techo/1.0\t/", 15) == 0);
	assert_contains(result.out, "/echo.so\t" PREFIX "{inputs,outputs,errors}\n");
	result_free(&result);
	result = expect(0, "models", "describe", "echo", NULL);
	assert_contains(result.out, "\"model\": \"echo/1.0\"");
	assert_contains(result.out, "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"");
	assert_contains(result.out, "\"inputs\": \"" PREFIX "inputs\"");
	result_free(&result);
	/* It is JSON: the echo model takes it. */
	struct result described = expect(0, "models", "describe", "echo", NULL);
	write_file("described.json", described.out);
	result = expect(0, "predict", "-m", "echo", "described.json", NULL);
	result_free(&result);
	result_free(&described);
	result = expect(2, "models", "describe", NULL);
	assert_contains(result.err, "no model is configured");
	result_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_topics_of_a_model_come_and_go, enter_directory, leave_directory),
	    cmocka_unit_test_setup_teardown(what_exists_is_said_to_exist, enter_directory, leave_directory),
	    cmocka_unit_test_setup_teardown(partitions_and_lag_are_described, enter_directory, leave_directory),
	    cmocka_unit_test_setup_teardown(topics_of_all_configured_models_are_meant, enter_directory, leave_directory),
	    cmocka_unit_test_setup_teardown(a_broker_that_cannot_be_is_told, enter_directory, leave_directory),
	    cmocka_unit_test_setup_teardown(models_say_what_they_are, enter_directory, leave_directory),
	};
	return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
