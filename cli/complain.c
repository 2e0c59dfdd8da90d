#include "complain.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE (PATH_MAX + 1024) /* any path, and what is said of it */

/* Longer texts are cut. Nothing sensible can be done about a stderr that does not take the line. */
static MSP_PRINTF(2, 0) void line_write(const char *prefix, const char *format, va_list arguments)
{
	char line[LINE_SIZE];
	size_t prefix_size = strlen(prefix);
	memcpy(line, prefix, prefix_size);
	int size = vsnprintf(line + prefix_size, sizeof(line) - prefix_size - 1, format, arguments);
	if (size < 0)
		return;
	size_t end = prefix_size + (size_t)size;
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	line[end++] = '\n';
	if (write(STDERR_FILENO, line, end) < 0)
		return;
}

void complain(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	line_write("msp: ", format, arguments);
	va_end(arguments);
}

void report(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	line_write("", format, arguments);
	va_end(arguments);
}

int exit_status_of(enum msp_status status)
{
	switch (status) {
	case MSP_OK:
		return EXIT_DONE;
	case MSP_E_INVALID:
	case MSP_E_CONFLICT:
	case MSP_E_UNSUPPORTED:
		return EXIT_USAGE;
	case MSP_E_UNAVAILABLE:
		return EXIT_UNREACHABLE;
	default:
		return EXIT_SOME_FAILED;
	}
}

int complain_of(const struct msp_error *err)
{
	complain("%s", err->text);
	return exit_status_of(err->status);
}
