/* Writing commands as the server reads them: an array of words, of which the first is the command. */
#ifndef REDIS_COMMAND_H
#define REDIS_COMMAND_H

#include <msp/bytes.h>
#include <stdint.h>

/* What is to be sent. Functions that find no memory only set `failed`, so that callers look once. */
struct redis_output {
	struct msp_buffer bytes;
	bool failed;
};

void redis_output_init(struct redis_output *output);
void redis_output_done(struct redis_output *output);

/* Begins a command of `count` words. */
void redis_put_array(struct redis_output *output, size_t count);
void redis_put_bytes(struct redis_output *output, struct msp_bytes bytes);
/* One word of two parts. */
void redis_put_joined(struct redis_output *output, struct msp_bytes left, struct msp_bytes right);
static inline void redis_put_string(struct redis_output *output, const char *string)
{
	redis_put_bytes(output, msp_bytes_of_string(string));
}
void redis_put_integer(struct redis_output *output, int64_t integer);
/* A whole command of strings, ended by NULL. */
void redis_put_command(struct redis_output *output, const char *word, ...) __attribute__((sentinel));

#endif
