/* A process under test: started, signalled, waited for; never left behind, however the harness ends. */
#ifndef FAULT_PROCESS_H
#define FAULT_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct process {
	pid_t pid; /* 0: none */
	int pidfd;
	char log_path[PATH_MAX];   /* what it writes to stdout and stderr, added at the end */
	char ready_path[PATH_MAX]; /* its ready file */
};

/* Starts `arguments` (NULL-terminated) with the variables `settings` ("NAME=value", NULL-terminated; or NULL) added to
 * the environment. It dies when the thread that called this dies. False: could not, errno says why. */
bool process_start(struct process *process, const char *const *arguments, const char *const *settings);
bool process_is_running(const struct process *process);
void process_signal(const struct process *process, int signal);
/* Waits for the end. True with the status of waitpid(2); false: still running after timeout_ms. */
bool process_wait(struct process *process, int timeout_ms, int *ret_status);
/* Ends it at once. Safe on one that does not run. */
void process_end(struct process *process);
/* True when the ready file appears within timeout_ms and before the process ends. */
bool process_wait_ready(const struct process *process, int timeout_ms);
/* How many lines of the log have `text`. */
size_t process_log_count(const struct process *process, const char *text);
/* The sum of the numbers after `field` in those lines of the log that have `text`. */
size_t process_log_sum(const struct process *process, const char *text, const char *field);
/* "exit status 1" or "signal 9", for people. */
void process_status_text(int status, char *text, size_t size);

#endif
