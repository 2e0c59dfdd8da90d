/* What the Redis targets share: a link that is up on one end of a pair of sockets, and input cut into chunks at '~'; a
 * chunk is what the server says next, once it was asked. */
#ifndef FUZZ_REDIS_LINK_H
#define FUZZ_REDIS_LINK_H

#include "fuzz.h"
#include "link.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_MAX ((size_t)1 << 16)

/* Returns the server's end. `type` as for socketpair. */
static inline int link_plug(struct redis_link *link, int type)
{
	int ends[2];
	must(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) == 0 && redis_parser_init(&link->parser), "a link is up");
	link->fd = ends[0];
	link->state = REDIS_LINK_UP;
	return ends[1];
}

/* Cuts the next chunk off; false: there is none. */
static inline bool chunk_next(struct msp_bytes *input, struct msp_bytes *ret_chunk)
{
	if (input->size == 0)
		return false;
	const char *begin = input->data, *end = memchr(begin, '~', input->size);
	size_t size = end ? (size_t)(end - begin) : input->size;
	*ret_chunk = msp_bytes_of(begin, size < CHUNK_MAX ? size : CHUNK_MAX);
	*input = msp_bytes_of(begin + size + (end != NULL), input->size - size - (end != NULL));
	return true;
}

#endif
