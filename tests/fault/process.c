#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <msp/clock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_POLL_MS 5
#define END_MS        10000

/* In the child. */
static void program_become(const struct process *process, pid_t harness, const char *const *arguments,
                           const char *const *settings)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != harness)
		_exit(127);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	int log = open(process->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(127);
	for (; settings && *settings; settings++)
		putenv((char *)(uintptr_t)*settings);
	execv(arguments[0], (char *const *)(uintptr_t)arguments);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

bool process_start(struct process *process, const char *const *arguments, const char *const *settings)
{
	unlink(process->ready_path);
	pid_t harness = getpid();
	pid_t pid = fork();
	if (pid == 0)
		program_become(process, harness, arguments, settings);
	if (pid < 0)
		return false;
	process->pid = pid;
	process->pidfd = pidfd_open(pid, 0);
	if (process->pidfd >= 0)
		return true;
	process_end(process);
	return false;
}

bool process_is_running(const struct process *process)
{
	if (process->pid == 0)
		return false;
	struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
	return poll(&ended, 1, 0) == 0;
}

void process_signal(const struct process *process, int signal)
{
	if (process->pid)
		kill(process->pid, signal);
}

static int process_reap(struct process *process)
{
	int status = 0;
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (process->pidfd >= 0)
		close(process->pidfd);
	process->pid = 0;
	return status;
}

bool process_wait(struct process *process, int timeout_ms, int *ret_status)
{
	if (process->pid == 0)
		return false;
	struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
	if (poll(&ended, 1, timeout_ms) != 1)
		return false;
	*ret_status = process_reap(process);
	return true;
}

void process_end(struct process *process)
{
	if (process->pid == 0)
		return;
	kill(process->pid, SIGKILL);
	(void)process_reap(process);
}

bool process_wait_ready(const struct process *process, int timeout_ms)
{
	int64_t deadline_ms = msp_monotonic_ms() + timeout_ms;
	struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
	while (access(process->ready_path, F_OK) != 0)
		if (msp_monotonic_ms() >= deadline_ms || poll(&ended, 1, READY_POLL_MS) != 0)
			return false;
	return true;
}

size_t process_log_count(const struct process *process, const char *text)
{
	FILE *file = fopen(process->log_path, "re");
	char *line = NULL;
	size_t size = 0, count = 0;
	while (file && getline(&line, &size, file) >= 0)
		count += strstr(line, text) != NULL;
	free(line);
	if (file)
		fclose(file);
	return count;
}

size_t process_log_sum(const struct process *process, const char *text, const char *field)
{
	FILE *file = fopen(process->log_path, "re");
	char *line = NULL;
	size_t size = 0, sum = 0;
	while (file && getline(&line, &size, file) >= 0) {
		const char *number = strstr(line, text) ? strstr(line, field) : NULL;
		sum += number ? strtoul(number + strlen(field), NULL, 10) : 0;
	}
	free(line);
	if (file)
		fclose(file);
	return sum;
}

void process_status_text(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "signal %d", WTERMSIG(status));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
}
