#include "redis_server.h"

#include <errno.h>
#include <fcntl.h>
#include <msp/clock.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIMEOUT_MS 10000
#define STARTS           5 /* another program may take the port first */
#define WORDS_MAX        32

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int port_find(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
	             getsockname(fd, (struct sockaddr *)&address, &size) == 0;
	if (fd >= 0)
		close(fd);
	return bound ? ntohs(address.sin_port) : 0;
}

/* True when the server answers a PING with "+PONG"; one that loads its data does not yet. */
static bool server_answers(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[8] = "";
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
	    poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1000) == 1 && read(fd, answer, 5) != 5)
		answer[0] = '\0';
	if (fd >= 0)
		close(fd);
	return strcmp(answer, "+PONG") == 0;
}

static void server_exec(const struct redis_server *server, pid_t parent)
{
	char port[16];
	snprintf(port, sizeof(port), "%d", server->port);
	const char *words[WORDS_MAX] = {"redis-server",    "--port", port, "--bind",    "127.0.0.1", "--dir",
	                                server->directory, "--save", "",   "--logfile", "server.log"};
	size_t count = 11;
	for (size_t i = 0; server->flags && server->flags[i] && count + 1 < WORDS_MAX; i++)
		words[count++] = server->flags[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	execvp(words[0], (char *const *)(uintptr_t)words);
	_exit(127);
}

bool redis_server_restart(struct redis_server *server)
{
	int64_t deadline_ms = msp_monotonic_ms() + START_TIMEOUT_MS;
	pid_t parent = getpid();
	server->pid = fork();
	if (server->pid == 0)
		server_exec(server, parent);
	while (server->pid > 0 && msp_monotonic_ms() < deadline_ms) {
		if (server_answers(server->port))
			return true;
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
			break;
		poll(NULL, 0, 5);
	}
	server->pid = 0;
	fprintf(stderr, "redis-server does not start; is it installed? See %s/server.log\n", server->directory);
	return false;
}

bool redis_server_start(struct redis_server *server, const char *const *flags)
{
	*server = (struct redis_server){.directory = "/tmp/msp-redis-XXXXXX", .flags = flags};
	const char *running = getenv("MSP_TEST_REDIS");
	if (running && !flags) {
		snprintf(server->url, sizeof(server->url), "%s", running);
		return true;
	}
	if (!mkdtemp(server->directory))
		return false;
	for (int i = 0; i < STARTS; i++) {
		server->port = port_find();
		snprintf(server->url, sizeof(server->url), "redis://127.0.0.1:%d", server->port);
		if (redis_server_restart(server))
			return true;
	}
	return false;
}

bool redis_server_is_ours(const struct redis_server *server)
{
	return server->port != 0;
}

void redis_server_signal(const struct redis_server *server, int signal_number)
{
	if (server->pid > 0)
		kill(server->pid, signal_number);
}

void redis_server_kill(struct redis_server *server, int signal_number)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, signal_number);
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	server->pid = 0;
}

void redis_server_stop(struct redis_server *server)
{
	if (!redis_server_is_ours(server))
		return;
	redis_server_kill(server, SIGKILL);
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", server->directory);
	if (system(command) != 0)
		fprintf(stderr, "cannot remove %s\n", server->directory);
}

static struct redis_server shared;
static pid_t shared_owner;

static void shared_stop(void)
{
	if (getpid() == shared_owner)
		redis_server_stop(&shared);
}

const char *redis_server_url(void)
{
	if (shared.url[0])
		return shared.url;
	if (!redis_server_start(&shared, NULL))
		return NULL;
	shared_owner = getpid();
	atexit(shared_stop);
	return shared.url;
}

bool redis_server_hang(bool hangs)
{
	redis_server_signal(&shared, hangs ? SIGSTOP : SIGCONT);
	return redis_server_is_ours(&shared);
}
