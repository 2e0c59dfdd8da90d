/* Memory that fails on demand, for the whole process: malloc, calloc and realloc of every library. */
#ifndef FAILING_MALLOC_H
#define FAILING_MALLOC_H

#include <stdbool.h>

/* False under a sanitizer or valgrind's replacement, which own malloc; then the others do nothing. */
bool failing_malloc_works(void);
/* The allocation number `nth` of this thread from now, counted from 0, fails, and so do all after it. */
void failing_malloc_after(long nth);
/* No more failures. True if there was one. */
bool failing_malloc_stop(void);
/* Allocations of this thread since the start minus frees. */
long failing_malloc_live(void);

#endif
