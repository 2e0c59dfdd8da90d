#include "complain.h"

#include <limits.h>
#include <msp/console.h>
#include <msp/escape.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT_SIZE (PATH_MAX + 1024) /* any path, and what is said of it; longer texts are cut */

/* Names, paths and messages of others are among the arguments: all of it is escaped. */
static MSP_PRINTF(2, 0) void line_write(const char *prefix, const char *format, va_list arguments)
{
	char text[TEXT_SIZE], line[MSP_CONSOLE_TEXT_SIZE];
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		return;
	size_t size = strlen(prefix);
	memcpy(line, prefix, size);
	size += msp_escape_text(msp_bytes_of_string(text), line + size, sizeof(line) - size - 1);
	line[size++] = '\n';
	msp_console_write(line, size);
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
