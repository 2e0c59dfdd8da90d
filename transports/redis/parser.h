/* The parser of answers: hiredis's, with bounds. hiredis believes what an answer announces before it has come, so that
 * a dozen bytes would make it ask for 16 GiB; it looks for the end of a line from its start whenever more has come; and
 * some versions follow arrays in arrays without end and free them by recursion. */
#ifndef REDIS_PARSER_H
#define REDIS_PARSER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

/* More than any array has that we ask for: the results of a million messages, the words of the largest entry. */
#define REDIS_PARSER_ELEMENTS_MAX (1 << 21)
/* Arrays in arrays; a reply of entries has four. */
#define REDIS_PARSER_DEPTH_MAX 7
/* An error or a status, far beyond what any script says. */
#define REDIS_PARSER_LINE_MAX ((size_t)64 << 10)

/* Stays where it is from init to done. */
struct redis_parser {
	redisReader *reader; /* owned, or NULL */
	redisReplyObjectFunctions functions;
	const redisReplyObjectFunctions *unbounded; /* hiredis's own */
};

/* False: no memory. */
bool redis_parser_init(struct redis_parser *parser);
void redis_parser_done(struct redis_parser *parser);

/* The next answer that has come as a whole, or NULL; free it. False: what has come is none, and nothing more will be.
 */
bool redis_parser_next(struct redis_parser *parser, redisReply **ret_reply);
/* Why. */
const char *redis_parser_complaint(const struct redis_parser *parser);

#endif
