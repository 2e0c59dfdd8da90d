/* Runs a program to its end and keeps what it said. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>

/* A program that has ended. */
struct program_result {
	int exit_status; /* or 128 + the signal that ended it */
	char *out, *err; /* stdout and stderr, NUL-terminated; owned */
	size_t out_size, err_size;
};

/* Runs argv[0] (a path) with `input` on stdin (NULL: /dev/null) and these settings ("NAME=value", NULL-terminated, or
 * NULL) added to the environment. It is killed after timeout_ms; then exit_status is 128 + SIGKILL. Fails the test when
 * it cannot be started. */
void program_run(struct program_result *result, const char *const *argv, const char *input, const char *const *settings,
                 int timeout_ms);
void program_result_done(struct program_result *result);

/* Makes a temporary directory, goes there and copies its path to `path`; leave removes it. */
void program_enter_directory(char *path, size_t size);
void program_leave_directory(const char *path);

#endif
