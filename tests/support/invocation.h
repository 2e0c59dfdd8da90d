/* Running the program msp as people and scripts do: real processes, each test in a directory of its own. */
#ifndef TEST_INVOCATION_H
#define TEST_INVOCATION_H

#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The longest that any wait takes before the test fails. */
#define DEADLINE_MS 20000
/* The longest that a line of shell takes: it may start a server. */
#define SHELL_DEADLINE_MS 120000

/* What a run has left behind. Freed by result_free. */
struct result {
	int status;      /* exit status, or 128 + the signal that ended it */
	char *out, *err; /* NUL-terminated */
	size_t out_size;
};

/* For cmocka: a fresh working directory with MSP_… variables unset, and its removal. */
int enter_directory(void **state);
int leave_directory(void **state);

/* Runs msp with these arguments, ended by NULL, and with `input` as its stdin. */
struct result msp_with(const char *input, ...) __attribute__((sentinel));
#define msp(...) msp_with("", __VA_ARGS__)
struct result msp_with_bytes(struct msp_bytes input, char *const arguments[]);
void result_free(struct result *result);

/* Runs a line of sh, in which $MSP is the program. */
struct result shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with a check of the exit status; prints what the program said when it differs. */
#define expect(status, ...)             expect_status((status), msp(__VA_ARGS__), __FILE__, __LINE__)
#define expect_shell(status, ...)       expect_status((status), shell(__VA_ARGS__), __FILE__, __LINE__)
#define expect_with(status, input, ...) expect_status((status), msp_with((input), __VA_ARGS__), __FILE__, __LINE__)
struct result expect_status(int status, struct result result, const char *file, int line);

/* Fails unless `text` holds `part`. */
#define assert_contains(text, part) check_contains((text), (part), true, __FILE__, __LINE__)
#define assert_lacks(text, part)    check_contains((text), (part), false, __FILE__, __LINE__)
void check_contains(const char *text, const char *part, bool expected, const char *file, int line);

void write_file(const char *path, const char *content);
bool file_exists(const char *path);
/* Waits until it does, or does not. */
void await_file(const char *path, bool exists);

/* ---- processes that talk ---- */

struct process {
	pid_t pid;
	int in, out, err; /* our ends */
	char *text;       /* what process_await has read from out */
	size_t size;
};

/* Starts msp with pipes. */
struct process *process_start(const char *first, ...) __attribute__((sentinel));
/* The same with a stdin that does not block, as whoever shares it may have set it. */
struct process *process_start_nonblocking(const char *first, ...) __attribute__((sentinel));
/* The same with a full pipe as stderr, which takes nothing until it is read. */
struct process *process_start_unheard(const char *first, ...) __attribute__((sentinel));
/* False, with the reason on stderr: process_start_on_terminal would fail here. */
bool terminal_can_be_had(void);
/* Starts msp with a terminal as all three. */
struct process *process_start_on_terminal(const char *first, ...) __attribute__((sentinel));
void process_write(struct process *process, const char *text);
/* Reads `fd` (process->out or process->err) until `text` has come. */
void process_await(struct process *process, int fd, const char *text);
/* Reads `fd` to its end. */
void process_read_all(struct process *process, int fd);
void process_close_in(struct process *process);
void process_signal(const struct process *process, int signal);
bool process_ends_within(const struct process *process, int timeout_ms);
/* Waits for the end and frees. Returns the exit status, or 128 + the signal. */
int process_end(struct process *process);

#endif
