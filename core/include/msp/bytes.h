/* Byte strings: a borrowed view, and a growable buffer with a maximum. */
#ifndef MSP_BYTES_H
#define MSP_BYTES_H

#include <msp/status.h>
#include <stddef.h>
#include <string.h>

/* A borrowed view of bytes. `data == NULL` means absent (a Kafka null value, a tombstone); `data != NULL, size == 0`
 * means present and empty. Never NUL-terminated unless a comment says so. */
struct msp_bytes {
	const void *data;
	size_t size;
};

#define MSP_BYTES_ABSENT ((struct msp_bytes){NULL, 0})
/* A view of a string literal without its NUL. */
#define MSP_BYTES_LITERAL(literal) ((struct msp_bytes){"" literal, sizeof(literal) - 1})

static inline struct msp_bytes msp_bytes_of(const void *data, size_t size)
{
	return (struct msp_bytes){data, size};
}

static inline struct msp_bytes msp_bytes_of_string(const char *string)
{
	return (struct msp_bytes){string, string ? strlen(string) : 0};
}

/* Equal content; absent equals only absent. */
static inline bool msp_bytes_equal(struct msp_bytes a, struct msp_bytes b)
{
	if (!a.data || !b.data)
		return !a.data && !b.data;
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* True when `bytes` is well-formed UTF-8 as RFC 3629 defines it: no overlong form, no surrogate, at most U+10FFFF. */
bool msp_bytes_are_utf8(struct msp_bytes bytes);

/* A growable buffer. It owns `data`. An append that would pass `max_size` fails with MSP_E_LIMIT, one that finds no
 * memory with MSP_E_NO_MEMORY; either leaves the content as it was. [owner thread] */
struct msp_buffer {
	char *data;
	size_t size;
	size_t capacity;
	size_t max_size;
};

/* Caller storage; allocates nothing yet. */
void msp_buffer_init(struct msp_buffer *buffer, size_t max_size);
/* Frees the memory; the buffer may be used again as after init. */
void msp_buffer_done(struct msp_buffer *buffer);
/* Forgets the content and keeps the memory. */
static inline void msp_buffer_clear(struct msp_buffer *buffer)
{
	buffer->size = 0;
}
/* Makes room for `extra` more bytes; afterwards buffer->data + buffer->size may be written for that many. */
enum msp_status msp_buffer_grow(struct msp_buffer *buffer, size_t extra) MSP_NODISCARD;

static inline MSP_NODISCARD enum msp_status msp_buffer_reserve(struct msp_buffer *buffer, size_t extra)
{
	return buffer->capacity - buffer->size >= extra ? MSP_OK : msp_buffer_grow(buffer, extra);
}

enum msp_status msp_buffer_append(struct msp_buffer *buffer, const void *data, size_t size) MSP_NODISCARD;
enum msp_status msp_buffer_append_string(struct msp_buffer *buffer, const char *string) MSP_NODISCARD;
enum msp_status msp_buffer_printf(struct msp_buffer *buffer, const char *format, ...) MSP_PRINTF(2, 3) MSP_NODISCARD;

static inline MSP_NODISCARD enum msp_status msp_buffer_append_char(struct msp_buffer *buffer, char c)
{
	enum msp_status status = msp_buffer_reserve(buffer, 1);
	if (status == MSP_OK)
		buffer->data[buffer->size++] = c;
	return status;
}

static inline struct msp_bytes msp_buffer_bytes(const struct msp_buffer *buffer)
{
	return (struct msp_bytes){buffer->data ? buffer->data : "", buffer->size};
}

#endif
