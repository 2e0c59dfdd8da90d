#include "parser.h"
#include <string.h>

#if HIREDIS_MAJOR < 1
typedef int element_count;
#else
typedef size_t element_count;
#endif

/* NULL ends the parsing as if there were no memory. */
static void *array_create(const redisReadTask *task, element_count count)
{
	const struct redis_parser *parser = task->privdata;
	int depth = 1;
	for (const redisReadTask *parent = task->parent; parent; parent = parent->parent)
		depth++;
	if (depth > REDIS_PARSER_DEPTH_MAX || count > REDIS_PARSER_ELEMENTS_MAX)
		return NULL;
	return parser->unbounded->createArray(task, count);
}

bool redis_parser_init(struct redis_parser *parser)
{
	*parser = (struct redis_parser){.reader = redisReaderCreate()};
	if (!parser->reader)
		return false;
	parser->unbounded = parser->reader->fn;
	parser->functions = *parser->reader->fn;
	parser->functions.createArray = array_create;
	parser->reader->fn = &parser->functions;
	parser->reader->privdata = parser;
	parser->reader->maxbuf = 0;
	return true;
}

void redis_parser_done(struct redis_parser *parser)
{
	if (parser->reader)
		redisReaderFree(parser->reader);
	parser->reader = NULL;
}

/* What the reader waits for begins with a line: all of it, or its size. */
static bool line_is_endless(const redisReader *reader)
{
	size_t size = reader->len - reader->pos;
	return size >= REDIS_PARSER_LINE_MAX && !memchr(reader->buf + reader->pos, '\r', REDIS_PARSER_LINE_MAX);
}

bool redis_parser_next(struct redis_parser *parser, redisReply **ret_reply)
{
	void *reply = NULL;
	if (redisReaderGetReply(parser->reader, &reply) != REDIS_OK)
		return false;
	*ret_reply = reply;
	return reply || !line_is_endless(parser->reader);
}

const char *redis_parser_complaint(const struct redis_parser *parser)
{
	return parser->reader->err == REDIS_ERR_OOM ? "an answer is too large, or there is no memory for it"
	                                            : "what the server says is not Redis's protocol";
}
