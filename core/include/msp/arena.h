/* An arena: memory that lives as long as a batch and is freed at once. */
#ifndef MSP_ARENA_H
#define MSP_ARENA_H

#include <msp/bytes.h>
#include <stdint.h>

struct msp_arena_block;

/* Caller storage. [owner thread] */
struct msp_arena {
	char *next, *end;               /* what is left of the newest block */
	struct msp_arena_block *blocks; /* newest first; owned */
	size_t size;                    /* bytes in all blocks */
	size_t max_size;
	bool limited; /* the last failure was max_size, not memory */
};

#define MSP_ARENA_ALIGNMENT ((size_t)16)

/* Allocates nothing yet. Blocks together never pass `max_size` bytes. */
void msp_arena_init(struct msp_arena *arena, size_t max_size);
void msp_arena_done(struct msp_arena *arena);
/* Makes everything that was allocated void. Keeps up to `keep` bytes of blocks for the next round and frees the rest,
 * so that one huge message does not stay in memory. */
void msp_arena_reset(struct msp_arena *arena, size_t keep);

/* The slow way: a new block. Use msp_arena_alloc. */
void *msp_arena_grow(struct msp_arena *arena, size_t size);

/* `size` bytes aligned to MSP_ARENA_ALIGNMENT, not zeroed; NULL when there is no memory or max_size is reached
 * (msp_arena_status tells which). Size 0 gives a valid pointer. Owned by the arena. */
static inline void *msp_arena_alloc(struct msp_arena *arena, size_t size)
{
	size_t rounded = (size + MSP_ARENA_ALIGNMENT - 1) & ~(MSP_ARENA_ALIGNMENT - 1);
	if (rounded < size || (size_t)(arena->end - arena->next) < rounded || !arena->next)
		return msp_arena_grow(arena, size);
	void *memory = arena->next;
	arena->next += rounded;
	return memory;
}

/* Bytes that are in use: what reset keeps for later does not count. */
static inline size_t msp_arena_used(const struct msp_arena *arena)
{
	return arena->size - (size_t)(arena->end - arena->next);
}

/* As msp_arena_alloc for `count` objects of `size` bytes; NULL on overflow. */
static inline void *msp_arena_alloc_array(struct msp_arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return msp_arena_grow(arena, SIZE_MAX);
	return msp_arena_alloc(arena, count * size);
}

/* A copy; absent stays absent. False when there is no memory. */
bool msp_arena_copy(struct msp_arena *arena, struct msp_bytes bytes, struct msp_bytes *ret_copy);
/* A NUL-terminated string, or NULL. */
char *msp_arena_printf(struct msp_arena *arena, const char *format, ...) MSP_PRINTF(2, 3);

/* MSP_E_LIMIT or MSP_E_NO_MEMORY after an allocation returned NULL. */
static inline enum msp_status msp_arena_status(const struct msp_arena *arena)
{
	return arena->limited ? MSP_E_LIMIT : MSP_E_NO_MEMORY;
}

#endif
