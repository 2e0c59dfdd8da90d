#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bench_must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "bench: %s failed\n", what);
	exit(2);
}

/* ---- clocks ---- */

static double clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

double bench_thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

double bench_process_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- samples ---- */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

double bench_median(double *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), compare);
	return samples[count / 2];
}

void bench_report(const char *what, double floor, double ours, const char *unit, int decimals, bool met,
                  const char *target)
{
	printf("bench: %s floor=%.*f%s ours=%.*f%s ratio=%.2f met=%s target=%s\n", what, decimals, floor, unit, decimals,
	       ours, unit, ours / floor, met ? "yes" : "no", target);
	fflush(stdout);
}

void bench_report_alone(const char *what, double ours, const char *unit, int decimals, bool met, const char *target)
{
	printf("bench: %s floor=- ours=%.*f%s ratio=- met=%s target=%s\n", what, decimals, ours, unit, met ? "yes" : "no",
	       target);
	fflush(stdout);
}

/* ---- processes ---- */

static void redirect(int target, const char *path, int flags)
{
	int fd = open(path ? path : "/dev/null", flags, 0600);
	if (fd < 0 || dup2(fd, target) < 0)
		_exit(127);
	close(fd);
}

static pid_t fork_redirected(const char *stdin_path, const char *stdout_path)
{
	fflush(NULL);
	pid_t pid = fork();
	bench_must(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	redirect(STDIN_FILENO, stdin_path, O_RDONLY);
	redirect(STDOUT_FILENO, stdout_path, O_WRONLY | O_CREAT | O_TRUNC);
	return 0;
}

static double timeval_ns(struct timeval time)
{
	return (double)time.tv_sec * 1e9 + (double)time.tv_usec * 1e3;
}

static struct bench_usage wait_usage(pid_t pid, double begin_ns, const char *what)
{
	int status;
	struct rusage usage;
	bench_must(wait4(pid, &status, 0, &usage) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
	return (struct bench_usage){
	    .wall_ns = bench_wall_ns() - begin_ns,
	    .cpu_ns = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
	    .max_rss_kib = usage.ru_maxrss,
	};
}

struct bench_usage bench_run(const char *const argv[], const char *stdin_path, const char *stdout_path)
{
	double begin_ns = bench_wall_ns();
	pid_t pid = fork_redirected(stdin_path, stdout_path);
	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return wait_usage(pid, begin_ns, argv[1] ? argv[1] : argv[0]);
}

struct bench_usage bench_call(void (*function)(void), const char *stdin_path, const char *stdout_path)
{
	double begin_ns = bench_wall_ns();
	pid_t pid = fork_redirected(stdin_path, stdout_path);
	if (pid == 0) {
		function();
		fflush(stdout);
		_exit(0);
	}
	return wait_usage(pid, begin_ns, "the floor");
}

const char *bench_program(void)
{
	static char path[PATH_MAX];
	const char *directory = getenv("MSP_BUILD_DIR");
	bench_must(directory != NULL, "finding MSP_BUILD_DIR in the environment");
	snprintf(path, sizeof(path), "%s/msp", directory);
	bench_must(access(path, X_OK) == 0, path);
	return path;
}

/* ---- the directory ---- */

static char directory[] = "/tmp/msp-bench-XXXXXX";

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static void remove_directory(void)
{
	nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void bench_enter_directory(void)
{
	bench_must(mkdtemp(directory) && chdir(directory) == 0, "making a temporary directory");
	atexit(remove_directory);
}
