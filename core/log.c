#include <msp/log.h>

#include "text.h"
#include <msp/clock.h>
#include <msp/console.h>
#include <msp/escape.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

/* A pipe takes this much at once (PIPE_BUF on Linux), so that lines of several processes do not mix. */
#define LINE_SIZE ((size_t)4096)
/* Kept free for what must follow any value: its closing quote and the line end. */
#define LINE_RESERVE ((size_t)2)

static const char *const level_names[] = {
    [MSP_LOG_ERROR] = "error",
    [MSP_LOG_WARN] = "warn",
    [MSP_LOG_INFO] = "info",
    [MSP_LOG_DEBUG] = "debug",
};

static atomic_int current_level = MSP_LOG_INFO;

void msp_log_set_level(enum msp_log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

bool msp_log_enabled(enum msp_log_level level)
{
	return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

struct line {
	char text[LINE_SIZE];
	size_t size;
};

/* Adds all of it or nothing. */
static bool line_add(struct line *line, const char *text, size_t size)
{
	if (line->size + size > LINE_SIZE - LINE_RESERVE)
		return false;
	memcpy(line->text + line->size, text, size);
	line->size += size;
	return true;
}

/* Whether logfmt takes the value as it is. */
static bool is_plain(const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)value[i];
		if (c <= ' ' || c >= 0x7F || c == '=' || c == '"' || c == '\\')
			return false;
	}
	return size > 0;
}

/* Writes the character at `at` as it stands inside quotes; returns how many bytes of the value it took, 0 when the
 * line is full. */
static size_t line_add_quoted(struct line *line, const char *at, size_t left)
{
	char escape[MSP_ESCAPE_SIZE];
	size_t size = msp_escape_next(msp_bytes_of(at, left), escape);
	if (*at == '"' || *at == '\\')
		snprintf(escape, sizeof(escape), "\\%c", *at);
	bool added = escape[0] ? line_add(line, escape, strlen(escape)) : line_add(line, at, size);
	return added ? size : 0;
}

/* Adds the value, or as much of it as goes in; false when that is nothing. */
static bool line_add_value(struct line *line, const char *value)
{
	size_t size = strlen(value);
	if (is_plain(value, size) && line_add(line, value, size))
		return true;
	if (!line_add(line, "\"", 1))
		return false;
	for (size_t taken = 0, at = 0; at < size; at += taken) {
		taken = line_add_quoted(line, value + at, size - at);
		if (!taken)
			break;
	}
	line->text[line->size++] = '"';
	return true;
}

/* Adds a pair or nothing. */
static void line_add_pair(struct line *line, const char *key, const char *value)
{
	size_t before = line->size;
	if (!line_add(line, " ", 1) || !line_add(line, key, strlen(key)) || !line_add(line, "=", 1) ||
	    !line_add_value(line, value))
		line->size = before;
}

void msp_log(enum msp_log_level level, const char *message, ...)
{
	if (!msp_log_enabled(level))
		return;
	int saved_errno = errno;
	char time[MSP_TEXT_TIME_LENGTH + 1];
	msp_text_time(time, msp_wall_ms());
	struct line line;
	line.size = (size_t)snprintf(line.text, LINE_SIZE, "time=%s level=%s", time, level_names[level]);
	line_add_pair(&line, "msg", message);

	va_list pairs;
	va_start(pairs, message);
	for (const char *key; (key = va_arg(pairs, const char *));) {
		const char *value = va_arg(pairs, const char *);
		if (value)
			line_add_pair(&line, key, value);
	}
	va_end(pairs);
	line.text[line.size++] = '\n';
	msp_console_write(line.text, line.size);
	errno = saved_errno;
}

struct msp_log_number msp_log_number(long long number)
{
	struct msp_log_number result = {0};
	msp_text_integer(result.text, number);
	return result;
}
