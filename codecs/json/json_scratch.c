#include "json_scratch.h"
#include <pthread.h>

/* What stays allocated between two messages; trees of usual messages are a few KiB. */
#define KEEP_BYTES ((size_t)64 * 1024)

/* The scratch that this thread's jansson allocates from; NULL outside json_scratch_load. */
static _Thread_local struct json_scratch *active;

static json_malloc_t next_malloc;
static json_free_t next_free;

static void *scratch_malloc(size_t size)
{
	struct json_scratch *scratch = active;
	if (!scratch)
		return next_malloc(size);
	void *memory = msp_arena_alloc(&scratch->arena, size);
	if (!memory)
		longjmp(scratch->exhausted, 1);
	return memory;
}

static void scratch_free(void *memory)
{
	if (!active)
		next_free(memory);
}

static void hooks_install(void)
{
	/* The seed first: jansson would read it from the kernel within the first message, racing with other workers. */
	json_object_seed(0);
	json_get_alloc_funcs(&next_malloc, &next_free);
	json_set_alloc_funcs(scratch_malloc, scratch_free);
}

void json_scratch_init(struct json_scratch *scratch)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, hooks_install);
	scratch->tree = NULL;
	msp_arena_init(&scratch->arena, 0);
}

void json_scratch_done(struct json_scratch *scratch)
{
	msp_arena_done(&scratch->arena);
}

enum msp_status json_scratch_load(struct json_scratch *scratch, struct msp_bytes bytes, size_t flags, size_t max_size,
                                  json_t **ret_tree, json_error_t *ret_error)
{
	scratch->arena.max_size = max_size > KEEP_BYTES ? max_size : KEEP_BYTES;
	if (setjmp(scratch->exhausted)) {
		active = NULL;
		return msp_arena_status(&scratch->arena);
	}
	active = scratch;
	json_t *tree = json_loadb(bytes.data, bytes.size, flags, ret_error);
	active = NULL;
	if (!tree)
		return MSP_E_INVALID;
	*ret_tree = scratch->tree = tree;
	return MSP_OK;
}

/* False when somebody has put other functions in the place of ours; trees are on their heap then. */
static bool hooks_are_installed(void)
{
	json_malloc_t malloc_hook;
	json_free_t free_hook;
	json_get_alloc_funcs(&malloc_hook, &free_hook);
	return malloc_hook == scratch_malloc;
}

void json_scratch_clear(struct json_scratch *scratch)
{
	if (!hooks_are_installed())
		json_decref(scratch->tree);
	scratch->tree = NULL;
	msp_arena_reset(&scratch->arena, KEEP_BYTES);
}
