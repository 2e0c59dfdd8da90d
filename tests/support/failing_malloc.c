#include "failing_malloc.h"
#include <errno.h>
#include <limits.h>
#include <stddef.h>

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) ||                 \
    HAS_FEATURE(thread_sanitizer)

bool failing_malloc_works(void)
{
	return false;
}

void failing_malloc_after(long nth)
{
	(void)nth;
}

bool failing_malloc_stop(void)
{
	return false;
}

long failing_malloc_live(void)
{
	return 0;
}

#else

/* glibc's own functions, under the names that it keeps for programs that replace malloc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

/* What this program defines, for itself and for every library in it. */
#define FOR_ALL __attribute__((visibility("default")))
FOR_ALL void *malloc(size_t size);
FOR_ALL void *calloc(size_t count, size_t size);
FOR_ALL void *realloc(void *memory, size_t size);
FOR_ALL void free(void *memory);

static _Thread_local long left = LONG_MAX;
static _Thread_local long live;
static _Thread_local bool failed;
static _Thread_local bool works;

/* Counts one allocation; true: it fails. */
static bool fails(void)
{
	works = true;
	if (left == LONG_MAX)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	failed = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	live += memory != NULL;
	return memory;
}

void *malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
	if (fails())
		return NULL;
	void *moved = __libc_realloc(memory, size);
	if (!memory)
		counted(moved);
	return moved;
}

void free(void *memory)
{
	live -= memory != NULL;
	__libc_free(memory);
}

bool failing_malloc_works(void)
{
	void *volatile probe = malloc(1);
	free(probe);
	return works;
}

void failing_malloc_after(long nth)
{
	failed = false;
	left = nth;
}

bool failing_malloc_stop(void)
{
	left = LONG_MAX;
	return failed;
}

long failing_malloc_live(void)
{
	return live;
}

#endif
