/* Answers of the server. */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

#include <hiredis/hiredis.h>
#include <msp/status.h>
#include <stdint.h>

/* Fills `err` from an error that the server answered: "<what>: <what it means and what to do>". Everything that an
 * operator can mend while we wait is retriable. */
enum msp_status redis_reply_error(const char *what, const redisReply *reply, struct msp_error *err);
/* The same from the text of an error. */
enum msp_status redis_text_error(const char *what, const char *text, struct msp_error *err);

bool redis_reply_is_error(const redisReply *reply, const char *code);

/* The index-th element of an array; a nil where there is none. What a server answers may have any shape. */
const redisReply *redis_reply_at(const redisReply *reply, size_t index);

static inline bool redis_reply_is_array(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY;
}

/* A string as NUL-terminated text; "" for anything else. */
static inline const char *redis_reply_text(const redisReply *reply)
{
	return (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) && reply->str ? reply->str : "";
}

/* The value of `name` in an array of names and values, or NULL. */
const redisReply *redis_reply_field(const redisReply *reply, const char *name);
/* Likewise a number, or `absent`. */
int64_t redis_reply_number(const redisReply *reply, const char *name, int64_t absent);

#endif
