/* Who may read what the program writes. */
#include "invocation.h"

#include <signal.h>
#include <sys/stat.h>

static void assert_mode(const char *path, mode_t mode)
{
	struct stat info;
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, mode);
}

static void a_broker_file_is_its_owners(void **state)
{
	(void)state;
	mode_t before = umask(0);
	struct result result = expect(0, "topics", "create", "-b", "sqlite:msp.db", "-m", "echo", NULL);
	result_free(&result);
	struct process *server = process_start("run", "-b", "sqlite:msp.db", "--ready-file", "ready", "echo", NULL);
	await_file("ready", true);
	assert_mode("msp.db", 0600);
	assert_mode("msp.db-wal", 0600);
	assert_mode("msp.db-shm", 0600);
	process_signal(server, SIGTERM);
	assert_int_equal(process_end(server), 0);
	umask(before);
}

static void a_mode_is_obeyed_whatever_the_umask(void **state)
{
	(void)state;
	mode_t before = umask(077);
	struct result result =
	    expect(0, "topics", "create", "-b", "sqlite:msp.db", "-X", "sqlite.file.mode=0660", "-t", "t", NULL);
	result_free(&result);
	assert_mode("msp.db", 0660);
	umask(before);
}

static void a_file_that_is_there_keeps_its_mode(void **state)
{
	(void)state;
	write_file("msp.db", "");
	assert_int_equal(chmod("msp.db", 0644), 0);
	struct result result = expect(0, "topics", "create", "-b", "sqlite:msp.db", "-t", "t", NULL);
	result_free(&result);
	assert_mode("msp.db", 0644);
}

int main(void)
{
#define MODE_TEST(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    MODE_TEST(a_broker_file_is_its_owners),
	    MODE_TEST(a_mode_is_obeyed_whatever_the_umask),
	    MODE_TEST(a_file_that_is_there_keeps_its_mode),
	};
	return cmocka_run_group_tests_name("file mode", tests, NULL, NULL);
}
