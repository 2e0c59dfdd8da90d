#include "program.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Input and outputs are files: no pipe can fill up and hold either side. */
static int scratch_file(const char *content)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	size_t size = content ? strlen(content) : 0;
	assert_true(size == 0 || write(fd, content, size) == (ssize_t)size);
	assert_true(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static char *file_content(int fd, size_t *ret_size)
{
	off_t size = lseek(fd, 0, SEEK_END);
	assert_true(size >= 0);
	char *content = malloc((size_t)size + 1);
	assert_non_null(content);
	assert_true(pread(fd, content, (size_t)size, 0) == size);
	content[size] = '\0';
	*ret_size = (size_t)size;
	close(fd);
	return content;
}

static _Noreturn void child_main(const char *const *argv, const char *const *settings, const int fds[3])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	for (; settings && *settings; settings++)
		putenv((char *)(uintptr_t)*settings);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int wait_at_most(pid_t pid, int timeout_ms)
{
	long long deadline_ms = now_ms() + timeout_ms;
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() >= deadline_ms)
			kill(pid, SIGKILL);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void program_run(struct program_result *result, const char *const *argv, const char *input, const char *const *settings,
                 int timeout_ms)
{
	int fds[3] = {scratch_file(input), scratch_file(NULL), scratch_file(NULL)};
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_main(argv, settings, fds);
	result->exit_status = wait_at_most(pid, timeout_ms);
	close(fds[0]);
	result->out = file_content(fds[1], &result->out_size);
	result->err = file_content(fds[2], &result->err_size);
}

void program_result_done(struct program_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct program_result){0};
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

void program_enter_directory(char *path, size_t size)
{
	snprintf(path, size, "/tmp/msp-test-XXXXXX");
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
}

void program_leave_directory(const char *path)
{
	assert_int_equal(chdir("/"), 0);
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
