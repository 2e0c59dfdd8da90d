/* A stop signal while the broker is away. */
#include "invocation.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than a test waits for the end of a process. */
#define TIMEOUT "--timeout", "600"

/* A broker that goes away as soon as somebody has connected. Such a client has taken the signals over before. */
struct leaver {
	int fd;
	char url[64];
};

static struct leaver leaver_open(void)
{
	struct leaver leaver = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	assert_true(leaver.fd >= 0);
	assert_int_equal(bind(leaver.fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(leaver.fd, 1), 0);
	assert_int_equal(getsockname(leaver.fd, (struct sockaddr *)&address, &size), 0);
	snprintf(leaver.url, sizeof(leaver.url), "redis://127.0.0.1:%d", ntohs(address.sin_port));
	return leaver;
}

static void leaver_leave(struct leaver *leaver)
{
	assert_int_equal(poll(&(struct pollfd){.fd = leaver->fd, .events = POLLIN}, 1, DEADLINE_MS), 1);
	int client = accept4(leaver->fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(client >= 0);
	close(client);
	close(leaver->fd);
}

static void assert_stops(struct leaver *leaver, struct process *process, int signal)
{
	leaver_leave(leaver);
	process_signal(process, signal);
	process_read_all(process, process->err);
	assert_string_equal(process->text, "");
	assert_int_equal(process_end(process), 0);
}

static void a_reader_stops_while_the_broker_is_away(void **state)
{
	(void)state;
	struct leaver leaver = leaver_open();
	assert_stops(&leaver, process_start("receive", "-b", leaver.url, "-t", "t", TIMEOUT, NULL), SIGINT);
}

static void a_member_stops_while_the_broker_is_away(void **state)
{
	(void)state;
	struct leaver leaver = leaver_open();
	assert_stops(&leaver, process_start("receive", "-b", leaver.url, "-t", "t", "-g", "g", TIMEOUT, NULL), SIGTERM);
}

int main(void)
{
#define STOP_TEST(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    STOP_TEST(a_reader_stops_while_the_broker_is_away),
	    STOP_TEST(a_member_stops_while_the_broker_is_away),
	};
	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
