#include "command.h"
#include <stdarg.h>
#include <stdio.h>

#define OUTPUT_MAX ((size_t)1 << 31)
#define HEADER_MAX 24 /* "<sign><number>\r\n" */

void redis_output_init(struct redis_output *output)
{
	output->failed = false;
	msp_buffer_init(&output->bytes, OUTPUT_MAX);
}

void redis_output_done(struct redis_output *output)
{
	output->failed = false;
	msp_buffer_done(&output->bytes);
}

static char *put_room(struct redis_output *output, size_t size)
{
	if (!output->failed && msp_buffer_reserve(&output->bytes, size) != MSP_OK)
		output->failed = true;
	return output->failed ? NULL : output->bytes.data + output->bytes.size;
}

static size_t header_write(char *to, char sign, uint64_t number)
{
	char digits[20];
	size_t count = 0, size = 0;
	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	to[size++] = sign;
	while (count > 0)
		to[size++] = digits[--count];
	to[size++] = '\r';
	to[size++] = '\n';
	return size;
}

void redis_put_array(struct redis_output *output, size_t count)
{
	char *to = put_room(output, HEADER_MAX);
	if (to)
		output->bytes.size += header_write(to, '*', count);
}

void redis_put_joined(struct redis_output *output, struct msp_bytes left, struct msp_bytes right)
{
	char *to = put_room(output, left.size + right.size + HEADER_MAX + 2);
	if (!to)
		return;
	char *begin = to;
	to += header_write(to, '$', left.size + right.size);
	if (left.size > 0)
		memcpy(to, left.data, left.size);
	to += left.size;
	if (right.size > 0)
		memcpy(to, right.data, right.size);
	to += right.size;
	*to++ = '\r';
	*to++ = '\n';
	output->bytes.size += (size_t)(to - begin);
}

void redis_put_bytes(struct redis_output *output, struct msp_bytes bytes)
{
	redis_put_joined(output, bytes, MSP_BYTES_ABSENT);
}

void redis_put_integer(struct redis_output *output, int64_t integer)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)integer);
	redis_put_string(output, text);
}

void redis_put_command(struct redis_output *output, const char *word, ...)
{
	va_list words;
	size_t count = 1;
	va_start(words, word);
	while (va_arg(words, const char *))
		count++;
	va_end(words);
	redis_put_array(output, count);
	va_start(words, word);
	for (; word; word = va_arg(words, const char *))
		redis_put_string(output, word);
	va_end(words);
}
