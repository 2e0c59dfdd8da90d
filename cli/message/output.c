#include "output.h"

#include "complain.h"

#include <errno.h>
#include <msp/escape.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void output_init(struct output *out, int fd)
{
	out->fd = fd;
	out->escapes = isatty(fd);
	out->closed = false;
	out->error = 0;
	out->size = 0;
}

/* A pipe that someone made non-blocking is waited for. */
static bool write_retry(int fd)
{
	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	return poll(&ready, 1, -1) >= 0 || errno == EINTR;
}

static void write_all(struct output *out, const char *data, size_t size)
{
	while (size && !out->closed) {
		ssize_t written = write(out->fd, data, size);
		if (written >= 0) {
			data += written;
			size -= (size_t)written;
		} else if (!write_retry(out->fd)) {
			out->closed = true;
			out->error = errno == EPIPE ? 0 : errno;
		}
	}
}

void output_flush(struct output *out)
{
	write_all(out, out->buffer, out->size);
	out->size = 0;
}

void output_write(struct output *out, const void *data, size_t size)
{
	if (sizeof(out->buffer) - out->size < size)
		output_flush(out);
	if (size >= sizeof(out->buffer)) {
		write_all(out, data, size);
		return;
	}
	if (size)
		memcpy(out->buffer + out->size, data, size);
	out->size += size;
}

void output_text(struct output *out, struct msp_bytes text)
{
	size_t plain = out->escapes ? msp_escape_plain_size(text) : text.size;
	while (plain < text.size) {
		char escape[MSP_ESCAPE_SIZE];
		output_write(out, text.data, plain);
		struct msp_bytes rest = msp_bytes_of((const char *)text.data + plain, text.size - plain);
		size_t taken = msp_escape_next(rest, escape);
		output_write(out, escape, strlen(escape));
		text = msp_bytes_of((const char *)rest.data + taken, rest.size - taken);
		plain = msp_escape_plain_size(text);
	}
	output_bytes(out, text);
}

void output_printf(struct output *out, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	va_start(arguments, format);
	int size = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (size < 0) {
		out->closed = true;
		out->error = ENOMEM;
		return;
	}
	output_write(out, text, (size_t)size);
	free(text);
}

int output_done(struct output *out)
{
	output_flush(out);
	if (!out->error)
		return EXIT_DONE;
	complain("cannot write to stdout: %s", strerror(out->error));
	return EXIT_SOME_FAILED;
}
