/* --ready-file: what stands at that path is nobody's to lose. */
#include "invocation.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BROKER "-b", "sqlite:msp.db"

static int prepare(void **state)
{
	if (enter_directory(state) != 0)
		return -1;
	struct result result = expect(0, "topics", "create", BROKER, "-m", "echo", NULL);
	result_free(&result);
	return 0;
}

/* Without -e: it would serve for ever. */
static void assert_refused(const char *path, const char *why)
{
	struct result result = expect(2, "run", BROKER, "--ready-file", path, "echo", NULL);
	assert_contains(result.err, path);
	assert_contains(result.err, why);
	result_free(&result);
}

static void what_is_not_empty_stays(void **state)
{
	(void)state;
	struct stat before, after;
	write_file("msp.yaml", "log.level: info\n");
	assert_refused("msp.yaml", "there is a file that is not empty");
	assert_true(file_exists("msp.yaml"));
	assert_int_equal(stat("msp.db", &before), 0);
	assert_refused("msp.db", "there is a file that is not empty");
	assert_int_equal(stat("msp.db", &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

static void what_is_no_file_stays(void **state)
{
	(void)state;
	struct stat info;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_refused("fifo", "no regular file");
	assert_refused("folder", "no regular file");
	assert_refused("/dev/null", "no regular file");
	assert_true(file_exists("fifo"));
	assert_int_equal(stat("/dev/null", &info), 0);
	assert_true(S_ISCHR(info.st_mode));
}

static void a_link_is_not_followed(void **state)
{
	(void)state;
	write_file("empty", "");
	assert_int_equal(symlink("empty", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_refused("link", "no regular file");
	assert_refused("dangling", "no regular file");
	assert_true(file_exists("empty"));
	assert_false(file_exists("nowhere"));
}

static void a_file_of_somebody_else_stays(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_file("theirs", "");
	assert_int_equal(chown("theirs", 12345, 12345), 0);
	assert_refused("theirs", "there is a file of somebody else");
	assert_true(file_exists("theirs"));
}

/* The topics come only when the path is taken: the start has found nothing there. */
static struct process *server_that_waits(void)
{
	struct process *server = process_start("run", "-b", "sqlite:later.db", "--ready-file", "ready", "echo", NULL);
	process_await(server, server->err, "msp: waiting for ");
	return server;
}

static void assert_ends_refused(struct process *server)
{
	struct result result = expect(0, "topics", "create", "-b", "sqlite:later.db", "-m", "echo", NULL);
	result_free(&result);
	process_await(server, server->err, "--ready-file ready: File exists");
	assert_int_equal(process_end(server), 2);
}

static void what_comes_while_it_waits_stays(void **state)
{
	(void)state;
	struct process *server = server_that_waits();
	write_file("target", "");
	assert_int_equal(symlink("target", "ready"), 0);
	assert_ends_refused(server);
	assert_true(file_exists("ready"));

	assert_int_equal(unlink("ready"), 0);
	assert_int_equal(unlink("later.db"), 0);
	server = server_that_waits();
	assert_int_equal(mkfifo("ready", 0600), 0);
	assert_ends_refused(server);
	assert_true(file_exists("ready"));
}

static void what_replaces_it_stays(void **state)
{
	(void)state;
	struct process *server = process_start("run", BROKER, "--ready-file", "ready", "echo", NULL);
	await_file("ready", true);
	write_file("other", "");
	assert_int_equal(rename("other", "ready"), 0);
	process_signal(server, SIGTERM);
	assert_int_equal(process_end(server), 0);
	assert_true(file_exists("ready"));
}

static void what_a_killed_predecessor_left_is_replaced(void **state)
{
	(void)state;
	struct process *server = process_start("run", BROKER, "--ready-file", "ready", "echo", NULL);
	await_file("ready", true);
	process_signal(server, SIGKILL);
	assert_int_equal(process_end(server), 128 + SIGKILL);
	assert_true(file_exists("ready"));
	struct result result = expect(0, "run", BROKER, "--ready-file", "ready", "echo", "-e", NULL);
	result_free(&result);
	assert_false(file_exists("ready"));
}

int main(void)
{
#define READY_TEST(test) cmocka_unit_test_setup_teardown(test, prepare, leave_directory)
	const struct CMUnitTest tests[] = {
	    READY_TEST(what_is_not_empty_stays),
	    READY_TEST(what_is_no_file_stays),
	    READY_TEST(a_link_is_not_followed),
	    READY_TEST(a_file_of_somebody_else_stays),
	    READY_TEST(what_comes_while_it_waits_stays),
	    READY_TEST(what_replaces_it_stays),
	    READY_TEST(what_a_killed_predecessor_left_is_replaced),
	};
	return cmocka_run_group_tests_name("ready file", tests, NULL, NULL);
}
