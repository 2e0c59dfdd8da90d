/* What the program says to people on stderr. */
#ifndef CLI_COMPLAIN_H
#define CLI_COMPLAIN_H

#include <msp/status.h>

/* The exit statuses of every command. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_SOME_FAILED = 1, /* some messages failed, or the work could not be finished */
	EXIT_USAGE = 2,       /* usage or configuration */
	EXIT_UNREACHABLE = 3, /* the broker did not answer in time */
	EXIT_INTERRUPTED = 130,
};

/* Writes "msp: ", the text, escaped as msp/escape.h does, and a line end to stderr; msp/console.h says how. */
void complain(const char *format, ...) MSP_PRINTF(1, 2);
/* The same without "msp: ", for tallies and reports. */
void report(const char *format, ...) MSP_PRINTF(1, 2);

/* Complains of `err` and returns the exit status that fits it. */
int complain_of(const struct msp_error *err);
/* The exit status that fits, without a word. */
int exit_status_of(enum msp_status status);

#endif
