/* Messages from a stream of lines, and from whole files. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <msp/bytes.h>

enum input_event {
	INPUT_LINE,     /* a message, without its delimiter */
	INPUT_TOO_LONG, /* a message longer than the limit was skipped */
	INPUT_PENDING,  /* nothing whole is buffered: input_fill reads on */
	INPUT_END,
};

/* Splits what a descriptor gives at a delimiter. The last message needs no delimiter. [owner thread] */
struct input {
	int fd;
	const char *delimiter; /* borrowed */
	size_t delimiter_size; /* > 0 */
	size_t max_bytes;      /* of one message */
	char *buffer;          /* owned */
	size_t start, end, capacity;
	size_t searched; /* no delimiter starts before this */
	bool skipping;   /* the message at `start` is too long */
	bool ended;
	int error; /* errno of a failed read, or 0 */
};

/* Caller storage. False when there is no memory. */
bool input_init(struct input *input, int fd, struct msp_bytes delimiter, size_t max_bytes) MSP_NODISCARD;
void input_done(struct input *input);
/* The next message of what is buffered; it is borrowed until input_fill. */
enum input_event input_next(struct input *input, struct msp_bytes *ret_message);
/* Reads once, which may block. */
void input_fill(struct input *input);

/* A whole file; "-" is stdin. Reads at most max_bytes + 1, so that the caller sees what is too large. The caller frees
 * *ret_data. Complains and returns an exit status. */
int input_read_file(const char *path, size_t max_bytes, struct msp_bytes *ret_data);

/* The bytes that a delimiter argument means: \n \t \r \\ \0 and \xNN, the rest as it is. MSP_E_INVALID when it is
 * empty or not well-formed. The caller frees ret_bytes->data. */
enum msp_status input_unescape(const char *text, struct msp_bytes *ret_bytes, struct msp_error *err) MSP_NODISCARD;

#endif
