#include "input.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 18)

bool input_init(struct input *input, int fd, struct msp_bytes delimiter, size_t max_bytes)
{
	*input =
	    (struct input){.fd = fd, .delimiter = delimiter.data, .delimiter_size = delimiter.size, .max_bytes = max_bytes};
	input->capacity = READ_SIZE;
	input->buffer = malloc(input->capacity);
	return input->buffer != NULL;
}

void input_done(struct input *input)
{
	free(input->buffer);
	input->buffer = NULL;
}

/* The next delimiter, or NULL; remembers how far there is none. */
static char *delimiter_find(struct input *input)
{
	char *from = input->buffer + input->searched;
	size_t size = input->end - input->searched;
	char *found = input->delimiter_size == 1 ? memchr(from, *input->delimiter, size)
	                                         : memmem(from, size, input->delimiter, input->delimiter_size);
	if (!found && input->end - input->start >= input->delimiter_size)
		input->searched = input->end - (input->delimiter_size - 1);
	return found;
}

/* Takes the `size` bytes at the start, and `delimiter_size` more, as a message. */
static enum input_event message_take(struct input *input, size_t size, size_t delimiter_size,
                                     struct msp_bytes *ret_message)
{
	*ret_message = msp_bytes_of(input->buffer + input->start, size);
	input->start += size + delimiter_size;
	input->searched = input->start;
	bool too_long = input->skipping || size > input->max_bytes;
	input->skipping = false;
	return too_long ? INPUT_TOO_LONG : INPUT_LINE;
}

enum input_event input_next(struct input *input, struct msp_bytes *ret_message)
{
	char *delimiter = delimiter_find(input);
	size_t left = input->end - input->start;
	if (delimiter)
		return message_take(input, (size_t)(delimiter - input->buffer) - input->start, input->delimiter_size,
		                    ret_message);
	if (input->ended)
		return left || input->skipping ? message_take(input, left, 0, ret_message) : INPUT_END;
	if (left > input->max_bytes + input->delimiter_size) {
		/* Drop what cannot become a message, but not the beginning of its delimiter. */
		input->skipping = true;
		input->start = input->searched;
	}
	return INPUT_PENDING;
}

/* Moves what is left to the front, and makes room for a block. */
static bool room_make(struct input *input)
{
	size_t left = input->end - input->start;
	if (input->start) {
		memmove(input->buffer, input->buffer + input->start, left);
		input->searched -= input->start;
		input->start = 0;
		input->end = left;
	}
	if (input->capacity - left >= READ_SIZE / 2)
		return true;
	char *buffer = realloc(input->buffer, 2 * input->capacity);
	if (!buffer)
		return false;
	input->buffer = buffer;
	input->capacity *= 2;
	return true;
}

/* As read, but waits for what comes also where `fd` does not block. */
static ssize_t descriptor_read(int fd, void *data, size_t size)
{
	for (;;) {
		ssize_t got = read(fd, data, size);
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
		if (errno == EAGAIN)
			poll(&ready, 1, -1);
	}
}

void input_fill(struct input *input)
{
	ssize_t size = -1;
	errno = ENOMEM;
	if (room_make(input))
		size = descriptor_read(input->fd, input->buffer + input->end, input->capacity - input->end);
	if (size < 0)
		input->error = errno;
	input->ended = size <= 0;
	input->end += size > 0 ? (size_t)size : 0;
}

/* Reads to the end, or one byte more than max_bytes. Returns 0 or an errno. */
static int descriptor_read_all(int fd, size_t max_bytes, struct msp_buffer *buffer)
{
	for (;;) {
		size_t room = max_bytes + 1 - buffer->size;
		if (!room)
			return 0;
		if (room > READ_SIZE)
			room = READ_SIZE;
		if (msp_buffer_reserve(buffer, room) != MSP_OK)
			return ENOMEM;
		ssize_t size = descriptor_read(fd, buffer->data + buffer->size, room);
		if (size <= 0)
			return size ? errno : 0;
		buffer->size += (size_t)size;
	}
}

int input_read_file(const char *path, size_t max_bytes, struct msp_bytes *ret_data)
{
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, max_bytes + READ_SIZE);
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? errno : descriptor_read_all(fd, max_bytes, &buffer);
	if (fd >= 0 && !is_stdin)
		close(fd);
	if (!error && msp_buffer_reserve(&buffer, 1) != MSP_OK)
		error = ENOMEM;
	if (!error) {
		*ret_data = msp_bytes_of(buffer.data, buffer.size);
		return EXIT_DONE;
	}
	msp_buffer_done(&buffer);
	complain("%s: %s", path, strerror(error));
	return EXIT_USAGE;
}

/* ---- delimiters ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the escape behind a backslash means; moves on behind it. -1: no such escape. */
static int escape_read(const char **text)
{
	static const char letters[] = "n\nt\tr\r\\\\0\0";
	for (size_t i = 0; i + 1 < sizeof(letters) && **text; i += 2)
		if (letters[i] == **text) {
			++*text;
			return (unsigned char)letters[i + 1];
		}
	if (**text != 'x' || hex_digit((*text)[1]) < 0 || hex_digit((*text)[2]) < 0)
		return -1;
	int byte = hex_digit((*text)[1]) * 16 + hex_digit((*text)[2]);
	*text += 3;
	return byte;
}

enum msp_status input_unescape(const char *text, struct msp_bytes *ret_bytes, struct msp_error *err)
{
	char *bytes = malloc(strlen(text) + 1);
	size_t size = 0;
	if (!bytes)
		return msp_error_set(err, MSP_E_NO_MEMORY, "out of memory");
	for (const char *c = text; *c;) {
		int byte = (unsigned char)*c++;
		if (byte == '\\')
			byte = escape_read(&c);
		if (byte < 0) {
			free(bytes);
			return msp_error_set(err, MSP_E_INVALID,
			                     "\"%s\" has an unknown escape; there are \\n \\t \\r \\0 \\\\ \\xNN", text);
		}
		bytes[size++] = (char)byte;
	}
	if (!size) {
		free(bytes);
		return msp_error_set(err, MSP_E_INVALID, "a delimiter cannot be empty");
	}
	*ret_bytes = msp_bytes_of(bytes, size);
	return MSP_OK;
}
