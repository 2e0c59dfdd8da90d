/* A cmocka test whose state is an arena of its own. */
#ifndef ARENA_TEST_H
#define ARENA_TEST_H

#include "check.h"

#include <msp/arena.h>

#define ARENA_TEST(test) cmocka_unit_test_setup_teardown(test, arena_set_up, arena_tear_down)

static inline int arena_set_up(void **state)
{
	static struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	*state = &arena;
	return 0;
}

static inline int arena_tear_down(void **state)
{
	msp_arena_done(*state);
	return 0;
}

#endif
