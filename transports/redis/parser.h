/* The parser of answers: hiredis's, with bounds. hiredis believes what an answer announces before it has come, so that
 * a dozen bytes would make it ask for 16 GiB; and from 1.0 on it follows arrays in arrays without end, and frees them
 * by recursion. */
#ifndef RDS_PARSER_H
#define RDS_PARSER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

/* More than any array has that we ask for: the verdicts on a million messages, the words of the largest entry. */
#define RDS_PARSER_ELEMENTS_MAX (1 << 21)
/* Arrays in arrays; a page of entries has four. */
#define RDS_PARSER_DEPTH_MAX 7

/* Stays where it is from init to done. */
struct rds_parser {
	redisReader *reader; /* owned, or NULL */
	redisReplyObjectFunctions functions;
	const redisReplyObjectFunctions *unbounded; /* hiredis's own */
};

/* False: no memory. */
bool rds_parser_init(struct rds_parser *parser);
void rds_parser_done(struct rds_parser *parser);

/* What is wrong, after the reader has returned an error. */
const char *rds_parser_complaint(const struct rds_parser *parser);

#endif
