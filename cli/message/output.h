/* Data on its way to stdout, through one big buffer. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <msp/bytes.h>
#include <unistd.h>

/* Caller storage. A reader that has gone (EPIPE) is no error: what follows is dropped. Other write errors are kept and
 * reported by output_done. [owner thread] */
struct output {
	int fd;
	bool escapes; /* it is a terminal: output_text escapes */
	bool closed;  /* nobody reads any more, or writing failed: the caller may stop */
	int error;    /* errno of a failed write, or 0 */
	size_t size;
	char buffer[1 << 16];
};

void output_init(struct output *out, int fd);
void output_write(struct output *out, const void *data, size_t size);
static inline void output_bytes(struct output *out, struct msp_bytes bytes)
{
	output_write(out, bytes.data, bytes.size);
}
/* What comes from others: escaped as msp/escape.h does where it goes to a terminal, byte for byte elsewhere. */
void output_text(struct output *out, struct msp_bytes text);
void output_printf(struct output *out, const char *format, ...) MSP_PRINTF(2, 3);
/* Writes what is buffered. */
void output_flush(struct output *out);
/* Flushes; complains of a failed write and returns EXIT_SOME_FAILED then, otherwise EXIT_DONE. */
int output_done(struct output *out);

#endif
