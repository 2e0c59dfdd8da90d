#include <msp/arena.h>

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_FIRST_BLOCK ((size_t)4096)

struct msp_arena_block {
	struct msp_arena_block *older;
	alignas(16) char data[];
};

static_assert(offsetof(struct msp_arena_block, data) % 16 == 0, "the first allocation of a block is aligned");

void msp_arena_init(struct msp_arena *arena, size_t max_size)
{
	*arena = (struct msp_arena){.max_size = max_size};
}

/* Gives every block back. */
void msp_arena_done(struct msp_arena *arena)
{
	struct msp_arena_block *block = arena->blocks;
	while (block) {
		struct msp_arena_block *older = block->older;
		free(block);
		block = older;
	}
	msp_arena_init(arena, arena->max_size);
}

/* Makes a block of `size` bytes, its own head included, the newest. */
static bool arena_add_block(struct msp_arena *arena, size_t size)
{
	struct msp_arena_block *block = malloc(size);
	if (!block)
		return false;
	block->older = arena->blocks;
	arena->blocks = block;
	arena->size += size;
	arena->next = block->data;
	arena->end = (char *)block + size;
	return true;
}

void msp_arena_reset(struct msp_arena *arena, size_t keep)
{
	size_t total = arena->size;
	struct msp_arena_block *block = arena->blocks;
	if (block && !block->older && total <= keep) {
		arena->next = block->data;
		arena->limited = false;
		return;
	}
	msp_arena_done(arena);
	/* One block in place of many, so that the next round of the same size needs no other. That there may be no memory
	 * for it now is nobody's failure: the next allocation tries again. */
	size_t size = total < keep ? total : keep;
	if (size >= ARENA_FIRST_BLOCK)
		(void)arena_add_block(arena, size);
}

void *msp_arena_grow(struct msp_arena *arena, size_t size)
{
	const size_t head = offsetof(struct msp_arena_block, data);
	size_t left = arena->max_size - arena->size;
	if (size > left || left - size < head + MSP_ARENA_ALIGNMENT) {
		arena->limited = true;
		return NULL;
	}

	size_t needed = head + ((size + MSP_ARENA_ALIGNMENT - 1) & ~(MSP_ARENA_ALIGNMENT - 1));
	/* As much again as there is: the number of blocks stays logarithmic, and one block can stand for all. */
	size_t wanted = arena->size > ARENA_FIRST_BLOCK ? arena->size : ARENA_FIRST_BLOCK;
	if (wanted > left)
		wanted = left;
	if (!arena_add_block(arena, wanted > needed ? wanted : needed)) {
		arena->limited = false;
		return NULL;
	}
	arena->next += needed - head;
	return (char *)arena->blocks + head;
}

bool msp_arena_copy(struct msp_arena *arena, struct msp_bytes bytes, struct msp_bytes *ret_copy)
{
	if (!bytes.data) {
		*ret_copy = MSP_BYTES_ABSENT;
		return true;
	}
	void *data = msp_arena_alloc(arena, bytes.size);
	if (!data)
		return false;
	memcpy(data, bytes.data, bytes.size);
	*ret_copy = msp_bytes_of(data, bytes.size);
	return true;
}

char *msp_arena_printf(struct msp_arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	char *text = msp_arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
