#include "sqlite_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_MS_TEXT "60000"
#define START_MS     20000

/* It says so on its stdout when it has the lock. */
static bool is_locked(int out)
{
	struct pollfd fd = {.fd = out, .events = POLLIN};
	char c;
	return poll(&fd, 1, START_MS) == 1 && read(out, &c, 1) == 1;
}

pid_t sqlite_lock_take(const char *path)
{
	int out[2];
	if (pipe2(out, O_CLOEXEC) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execl(SQLITE_LOCKER, SQLITE_LOCKER, path, LOCK_MS_TEXT, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	bool locked = pid > 0 && is_locked(out[0]);
	close(out[0]);
	if (pid > 0 && !locked)
		sqlite_lock_release(pid);
	return locked ? pid : -1;
}

void sqlite_lock_release(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
