#include "torture.h"

#include "check.h"

#include <errno.h>
#include <stdlib.h>

/* The allocator below ours: the sanitizer's, so that it goes on checking, or libc's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BELOW(function) __interceptor_##function
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define BELOW(function) __interceptor_##function
#endif
#endif
#ifndef BELOW
#define BELOW(function) __libc_##function
#define LIBC_BELOW
#endif

void *BELOW(malloc)(size_t size);
void *BELOW(calloc)(size_t count, size_t size);
void *BELOW(realloc)(void *memory, size_t size);
void BELOW(free)(void *memory);

/* A scenario with more allocations than this does not end. */
#define ALLOCATIONS_MAX ((size_t)100000)

static _Thread_local struct {
	bool counting;
	bool fail_on;      /* all from fail_at on, not it alone */
	size_t fail_at;    /* 1 is the first; 0: none */
	size_t asked;      /* allocations since the start of the run */
	size_t failed;     /* of these, how many were refused */
	long long balance; /* blocks allocated less blocks freed */
} run;

/* ThreadSanitizer allocates before it can be told about the functions that run. */
#define UNTRACED  __attribute__((no_sanitize("thread")))
#define INTERPOSE UNTRACED __attribute__((visibility("default")))

/* Counts an allocation; true when it is one that must fail. */
UNTRACED static bool must_fail(void)
{
	if (!run.counting)
		return false;
	run.asked++;
	if (run.fail_at == 0 || run.asked < run.fail_at || (run.asked > run.fail_at && !run.fail_on))
		return false;
	run.failed++;
	errno = ENOMEM;
	return true;
}

UNTRACED static void *counted(void *memory)
{
	if (memory && run.counting)
		run.balance++;
	return memory;
}

/* The C library names the parameters otherwise; an allocator passes on whatever size it is asked for. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,clang-analyzer-optin.portability.UnixAPI) */

INTERPOSE void *malloc(size_t size)
{
	return must_fail() ? NULL : counted(BELOW(malloc)(size));
}

INTERPOSE void *calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : counted(BELOW(calloc)(count, size));
}

INTERPOSE void free(void *memory)
{
	if (memory && run.counting)
		run.balance--;
	BELOW(free)(memory);
}

UNTRACED static void *resize(void *memory, size_t size)
{
	if (!memory)
		return malloc(size);
	if (size == 0) {
		free(memory);
		return NULL;
	}
	return must_fail() ? NULL : BELOW(realloc)(memory, size);
}

INTERPOSE void *realloc(void *memory, size_t size)
{
	return resize(memory, size);
}

INTERPOSE void *reallocarray(void *memory, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return resize(memory, count * size);
}

#ifdef LIBC_BELOW
void *__libc_memalign(size_t alignment, size_t size);

UNTRACED static void *aligned_below(size_t alignment, size_t size)
{
	return __libc_memalign(alignment, size);
}
#else
void *__interceptor_aligned_alloc(size_t alignment, size_t size);

UNTRACED static void *aligned_below(size_t alignment, size_t size)
{
	return __interceptor_aligned_alloc(alignment, size);
}
#endif

INTERPOSE void *aligned_alloc(size_t alignment, size_t size)
{
	return must_fail() ? NULL : counted(aligned_below(alignment, size));
}

INTERPOSE int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	void *memory = aligned_alloc(alignment, size);
	if (!memory)
		return ENOMEM;
	*ret_memory = memory;
	return 0;
}

/* Those of a sanitizer would not come through our malloc. */
INTERPOSE char *strndup(const char *string, size_t most)
{
	size_t size = strnlen(string, most);
	char *copy = malloc(size + 1);
	if (!copy)
		return NULL;
	memcpy(copy, string, size);
	copy[size] = '\0';
	return copy;
}

INTERPOSE char *strdup(const char *string)
{
	return strndup(string, SIZE_MAX - 1);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name,clang-analyzer-optin.portability.UnixAPI) */

static enum msp_status run_once(torture_scenario_fn *scenario, void *context, size_t fail_at, bool fail_on)
{
	memset(&run, 0, sizeof(run));
	run.fail_at = fail_at;
	run.fail_on = fail_on;
	run.counting = true;
	enum msp_status status = scenario(context);
	run.counting = false;

	const char *which = fail_on ? "and all after it " : "";
	if (run.balance != 0)
		fail_msg("allocation %zu %sfailing: %lld blocks more allocated than freed", fail_at, which, run.balance);
	if (status != MSP_OK && (run.failed == 0 || status != MSP_E_NO_MEMORY))
		fail_msg("allocation %zu %sfailing: status %s", fail_at, which, msp_status_name(status));
	return status;
}

/* Fails allocation after allocation; returns how many runs answered that there was no memory. */
static size_t torture(torture_scenario_fn *scenario, void *context, bool fail_on)
{
	size_t noticed = 0;
	for (size_t fail_at = 1; fail_at <= ALLOCATIONS_MAX; fail_at++) {
		noticed += run_once(scenario, context, fail_at, fail_on) == MSP_E_NO_MEMORY;
		if (run.failed == 0)
			return noticed;
	}
	fail_msg("the scenario makes more than %zu allocations", ALLOCATIONS_MAX);
	return noticed;
}

bool torture_works(void)
{
	memset(&run, 0, sizeof(run));
	run.counting = true;
	void *volatile probe = malloc(1);
	free(probe);
	run.counting = false;
	return run.asked > 0;
}

size_t torture_run(torture_scenario_fn *scenario, void *context)
{
	if (!torture_works())
		skip();
	/* What stays for good, such as the caches of a library, is allocated in a run that is not counted. */
	enum msp_status status = scenario(context);
	if (status != MSP_OK)
		fail_msg("the scenario itself answers %s", msp_status_name(status));
	(void)run_once(scenario, context, 0, false);
	size_t allocations = run.asked;
	size_t noticed = torture(scenario, context, false);
	noticed += torture(scenario, context, true);
	if (allocations > 0 && noticed == 0)
		fail_msg("none of %zu failing allocations was noticed", allocations);
	return allocations;
}
