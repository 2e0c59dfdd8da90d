#include "server.h"

#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 200000

pid_t server_start(const char *const argv[])
{
	pid_t server = fork();
	bench_must(server >= 0, "fork");
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, STDIN_FILENO);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return server;
}

void server_must_run(pid_t server)
{
	int status;
	bench_must(waitpid(server, &status, WNOHANG) == 0, "keeping what is measured alive");
}

void server_await_file(pid_t server, const char *path, double seconds)
{
	double give_up_ns = bench_wall_ns() + seconds * 1e9;
	while (access(path, F_OK) != 0) {
		bench_must(bench_wall_ns() < give_up_ns, "becoming ready");
		server_must_run(server);
		server_nap(LOOK_NS);
	}
}

void server_stop(pid_t server)
{
	int status;
	kill(server, SIGTERM);
	bench_must(waitpid(server, &status, 0) == server && WIFEXITED(status) && WEXITSTATUS(status) == 0, "stopping");
}

void server_kill(pid_t server)
{
	kill(server, SIGKILL);
	bench_must(waitpid(server, NULL, 0) == server, "killing");
}

double server_resident_mib(pid_t server)
{
	char path[64], line[128];
	long kib = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)server);
	FILE *file = fopen(path, "r");
	bench_must(file != NULL, path);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return (double)kib / 1024;
}

double server_cpu_ns(pid_t server)
{
	char path[64], text[1024] = "";
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)server);
	FILE *file = fopen(path, "r");
	bench_must(file && fgets(text, sizeof(text), file), path);
	fclose(file);
	/* The name in parentheses may hold anything. */
	const char *rest = strrchr(text, ')');
	bench_must(rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2,
	           path);
	return (double)(user + system) * 1e9 / (double)sysconf(_SC_CLK_TCK);
}

void server_nap(long ns)
{
	nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}
