#include "invocation.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGUMENTS 40

/* ---- directories and files ---- */

static char home[4096];

int enter_directory(void **state)
{
	char template[] = "/tmp/msp-cli-test-XXXXXX";
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	unsetenv("MSP_ENV");
	return getcwd(home, sizeof(home)) && mkdtemp(template) && !chdir(template) ? 0 : -1;
}

static int entry_remove(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info, (void)kind, (void)walk;
	return remove(path);
}

void write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void await_file(const char *path, bool exists)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	while (file_exists(path) != exists) {
		if (now_ms() > deadline)
			fail_msg("%s does %sexist in time", path, exists ? "not " : "still ");
		poll(NULL, 0, 1);
	}
}

/* ---- spawning ---- */

/* What a failed test leaves running. */
static pid_t running[16];

static void running_change(pid_t from, pid_t to)
{
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
		if (running[i] == from) {
			running[i] = to;
			return;
		}
	fail_msg("too many processes at a time");
}

static void collect(char **arguments, const char *first, va_list more)
{
	size_t count = 0;
	arguments[count++] = (char *)(uintptr_t) "msp";
	for (const char *argument = first; argument; argument = va_arg(more, const char *)) {
		assert_true(count < MAX_ARGUMENTS);
		arguments[count++] = (char *)(uintptr_t)argument;
	}
	arguments[count] = NULL;
}

static pid_t spawn(const char *program, char *const arguments[], int in, int out, int err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	pid_t pid;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	assert_int_equal(posix_spawn(&pid, program, &actions, &attributes, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	running_change(0, pid);
	return pid;
}

static bool ends_within(pid_t pid, int timeout_ms)
{
	struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	assert_true(end.fd >= 0);
	bool ended = poll(&end, 1, timeout_ms) == 1;
	close(end.fd);
	return ended;
}

static int await_end(pid_t pid, int timeout_ms)
{
	int status;
	bool ended = ends_within(pid, timeout_ms);
	if (!ended)
		kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	running_change(pid, 0);
	if (!ended)
		fail_msg("a process did not end in time");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int leave_directory(void **state)
{
	char directory[4096];
	(void)state;
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
		if (running[i]) {
			kill(running[i], SIGKILL);
			waitpid(running[i], NULL, 0);
			running[i] = 0;
		}
	if (!getcwd(directory, sizeof(directory)) || chdir(home))
		return -1;
	return nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- runs ---- */

static int memory_file(void)
{
	int fd = memfd_create("msp", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static char *memory_text(int fd, size_t *ret_size)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = malloc((size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)size, 0), size);
	text[size] = 0;
	if (ret_size)
		*ret_size = (size_t)size;
	close(fd);
	return text;
}

static struct result run(const char *program, char *const arguments[], struct msp_bytes input, int timeout_ms)
{
	int in = memory_file(), out = memory_file(), err = memory_file();
	struct result result;
	assert_int_equal(write(in, input.data, input.size), (ssize_t)input.size);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	result.status = await_end(spawn(program, arguments, in, out, err), timeout_ms);
	close(in);
	result.out = memory_text(out, &result.out_size);
	result.err = memory_text(err, NULL);
	return result;
}

struct result msp_with_bytes(struct msp_bytes input, char *const arguments[])
{
	return run(MSP_PROGRAM, arguments, input, DEADLINE_MS);
}

struct result shell(const char *format, ...)
{
	static const char shell_path[] = "/bin/sh";
	char line[8192];
	va_list arguments;
	va_start(arguments, format);
	assert_in_range(vsnprintf(line, sizeof(line), format, arguments), 0, sizeof(line) - 1);
	va_end(arguments);
	setenv("MSP", MSP_PROGRAM, 1);
	char *const words[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", line, NULL};
	return run(shell_path, words, MSP_BYTES_ABSENT, SHELL_DEADLINE_MS);
}

struct result msp_with(const char *input, ...)
{
	char *arguments[MAX_ARGUMENTS + 1];
	va_list more;
	va_start(more, input);
	const char *first = va_arg(more, const char *);
	collect(arguments, first, more);
	va_end(more);
	return msp_with_bytes(msp_bytes_of_string(input), arguments);
}

void result_free(struct result *result)
{
	free(result->out);
	free(result->err);
}

struct result expect_status(int status, struct result result, const char *file, int line)
{
	if (result.status != status) {
		print_error("exit status %d, not %d\nstdout: %s\nstderr: %s\n", result.status, status, result.out, result.err);
		_fail(file, line);
	}
	return result;
}

void check_contains(const char *text, const char *part, bool expected, const char *file, int line)
{
	if ((strstr(text, part) != NULL) == expected)
		return;
	print_error("\"%s\" %s \"%s\"\n", text, expected ? "lacks" : "contains", part);
	_fail(file, line);
}

/* ---- processes that talk ---- */

static struct process *process_new(pid_t pid, int in, int out, int err)
{
	struct process *process = calloc(1, sizeof(*process));
	assert_non_null(process);
	*process = (struct process){.pid = pid, .in = in, .out = out, .err = err};
	process->text = calloc(1, 1);
	assert_non_null(process->text);
	return process;
}

static void pipe_fill(int fd)
{
	static const char filling[4096];
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, filling, sizeof(filling)) > 0)
		continue;
	fcntl(fd, F_SETFL, 0);
}

static struct process *process_start_with(int in_flags, bool heard, char *const arguments[])
{
	int in[2], out[2], err[2];
	assert_int_equal(pipe2(in, O_CLOEXEC | in_flags) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	if (!heard)
		pipe_fill(err[1]);
	pid_t pid = spawn(MSP_PROGRAM, arguments, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	return process_new(pid, in[1], out[0], err[0]);
}

struct process *process_start(const char *first, ...)
{
	char *arguments[MAX_ARGUMENTS + 1];
	va_list more;
	va_start(more, first);
	collect(arguments, first, more);
	va_end(more);
	return process_start_with(0, true, arguments);
}

struct process *process_start_nonblocking(const char *first, ...)
{
	char *arguments[MAX_ARGUMENTS + 1];
	va_list more;
	va_start(more, first);
	collect(arguments, first, more);
	va_end(more);
	return process_start_with(O_NONBLOCK, true, arguments);
}

struct process *process_start_unheard(const char *first, ...)
{
	char *arguments[MAX_ARGUMENTS + 1];
	va_list more;
	va_start(more, first);
	collect(arguments, first, more);
	va_end(more);
	return process_start_with(0, false, arguments);
}

bool terminal_can_be_had(void)
{
	int ours, terminal;
	if (openpty(&ours, &terminal, NULL, NULL, NULL) != 0) {
		perror("no terminal can be had here");
		return false;
	}
	close(ours);
	close(terminal);
	return true;
}

struct process *process_start_on_terminal(const char *first, ...)
{
	char *arguments[MAX_ARGUMENTS + 1];
	int ours, terminal;
	va_list more;
	va_start(more, first);
	collect(arguments, first, more);
	va_end(more);
	assert_int_equal(openpty(&ours, &terminal, NULL, NULL, NULL), 0);
	fcntl(ours, F_SETFD, FD_CLOEXEC);
	fcntl(terminal, F_SETFD, FD_CLOEXEC);
	pid_t pid = spawn(MSP_PROGRAM, arguments, terminal, terminal, terminal);
	close(terminal);
	return process_new(pid, ours, ours, ours);
}

void process_write(struct process *process, const char *text)
{
	assert_int_equal(write(process->in, text, strlen(text)), (ssize_t)strlen(text));
}

static void text_grow(struct process *process, const char *data, size_t size)
{
	process->text = realloc(process->text, process->size + size + 1);
	assert_non_null(process->text);
	memcpy(process->text + process->size, data, size);
	process->size += size;
	process->text[process->size] = 0;
}

/* Reads what comes next. False at the end, or when nothing comes in time. */
static bool text_read(struct process *process, int fd, int64_t deadline)
{
	char data[4096];
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t size = poll(&ready, 1, (int)(deadline - now_ms())) == 1 ? read(fd, data, sizeof(data)) : 0;
	if (size > 0)
		text_grow(process, data, (size_t)size);
	return size > 0;
}

void process_await(struct process *process, int fd, const char *text)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	while (!strstr(process->text, text))
		if (!text_read(process, fd, deadline))
			fail_msg("\"%s\" did not come, only \"%s\"", text, process->text);
}

void process_read_all(struct process *process, int fd)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	while (text_read(process, fd, deadline))
		continue;
	if (now_ms() >= deadline)
		fail_msg("the output did not end in time");
}

void process_close_in(struct process *process)
{
	close(process->in);
	process->in = -1;
}

void process_signal(const struct process *process, int signal)
{
	assert_int_equal(kill(process->pid, signal), 0);
}

bool process_ends_within(const struct process *process, int timeout_ms)
{
	return ends_within(process->pid, timeout_ms);
}

int process_end(struct process *process)
{
	int status = await_end(process->pid, DEADLINE_MS);
	bool is_terminal = process->in == process->out;
	if (process->in >= 0)
		close(process->in);
	if (!is_terminal) {
		close(process->out);
		close(process->err);
	}
	free(process->text);
	free(process);
	return status;
}
