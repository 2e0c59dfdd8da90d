#include "check.h"

#include <msp/arena.h>

static void allocations_are_aligned_and_apart(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 1 << 20);
	unsigned char *memory[200];
	for (size_t i = 0; i < 200; i++) {
		memory[i] = msp_arena_alloc(&arena, i);
		assert_non_null(memory[i]);
		assert_int_equal((uintptr_t)memory[i] % MSP_ARENA_ALIGNMENT, 0);
		memset(memory[i], (int)i, i);
	}
	for (size_t i = 0; i < 200; i++) {
		for (size_t j = 0; j < i; j++)
			assert_int_equal(memory[i][j], i);
	}
	msp_arena_done(&arena);
}

static void nothing_is_allocated_before_it_is_asked_for(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 4096);
	assert_int_equal(arena.size, 0);
	assert_null(arena.blocks);
	msp_arena_reset(&arena, 4096);
	assert_null(arena.blocks);
	msp_arena_done(&arena);
}

static void size_zero_is_a_valid_pointer(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 4096);
	assert_non_null(msp_arena_alloc(&arena, 0));
	assert_non_null(msp_arena_alloc(&arena, 0));
	assert_non_null(msp_arena_alloc_array(&arena, 0, 16));
	assert_non_null(msp_arena_alloc_array(&arena, 16, 0));
	msp_arena_done(&arena);
}

static void blocks_stay_within_the_maximum(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 16, 100, 4000, 5000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct msp_arena arena;
		msp_arena_init(&arena, 50000);
		size_t allocated = 0;
		while (msp_arena_alloc(&arena, sizes[i]))
			allocated += sizes[i];
		assert_int_equal(msp_arena_status(&arena), MSP_E_LIMIT);
		assert_in_range(arena.size, 1, 50000);
		assert_in_range(allocated, 50000 / 16 / 2, 50000);
		/* What was allocated before is untouched, and something small may still fit. */
		msp_arena_reset(&arena, 50000);
		assert_non_null(msp_arena_alloc(&arena, sizes[i]));
		msp_arena_done(&arena);
	}
}

static void one_allocation_of_nearly_the_maximum(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 65536);
	assert_non_null(msp_arena_alloc(&arena, 65536 - 32));
	assert_null(msp_arena_alloc(&arena, 64));
	msp_arena_reset(&arena, 0);
	assert_null(msp_arena_alloc(&arena, 65536));
	assert_int_equal(msp_arena_status(&arena), MSP_E_LIMIT);
	msp_arena_done(&arena);
}

static void sizes_that_overflow_are_refused(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	assert_non_null(msp_arena_alloc(&arena, 1));
	for (size_t less = 0; less < 64; less++) {
		assert_null(msp_arena_alloc(&arena, SIZE_MAX - less));
		assert_int_equal(msp_arena_status(&arena), MSP_E_LIMIT);
	}
	assert_null(msp_arena_alloc_array(&arena, SIZE_MAX / 2, 3));
	assert_int_equal(msp_arena_status(&arena), MSP_E_LIMIT);
	assert_null(msp_arena_alloc_array(&arena, 3, SIZE_MAX / 2));
	msp_arena_done(&arena);
}

static void a_second_round_of_the_same_size_needs_no_block(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 1000; i++)
		assert_non_null(msp_arena_alloc(&arena, 100));
	msp_arena_reset(&arena, 1 << 20);
	const struct msp_arena_block *block = arena.blocks;
	size_t size = arena.size;
	assert_non_null(block);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++)
			assert_non_null(msp_arena_alloc(&arena, 100));
		assert_ptr_equal(arena.blocks, block);
		assert_int_equal(arena.size, size);
		msp_arena_reset(&arena, 1 << 20);
	}
	msp_arena_done(&arena);
}

static void reset_keeps_no_more_than_asked(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 1 << 24);
	static const size_t keeps[] = {0, 100, 8192, 1 << 20};
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		assert_non_null(msp_arena_alloc(&arena, 3 << 20));
		assert_non_null(msp_arena_alloc(&arena, 3 << 20));
		msp_arena_reset(&arena, keeps[i]);
		assert_in_range(arena.size, 0, keeps[i]);
		assert_non_null(msp_arena_alloc(&arena, 10));
		msp_arena_reset(&arena, keeps[i]);
		assert_in_range(arena.size, 0, keeps[i]);
	}
	msp_arena_done(&arena);
}

static void what_reset_keeps_is_not_in_use(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	assert_int_equal(msp_arena_used(&arena), 0);
	for (int i = 0; i < 1000; i++)
		assert_non_null(msp_arena_alloc(&arena, 100));
	assert_in_range(msp_arena_used(&arena), 100 * 1000, arena.size);
	msp_arena_reset(&arena, (size_t)1 << 20);
	assert_true(arena.size >= (size_t)100 * 1000);
	assert_non_null(msp_arena_alloc(&arena, 100));
	assert_in_range(msp_arena_used(&arena), 100, 200);
	msp_arena_done(&arena);
}

static void copies(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 4096);
	struct msp_bytes original = MSP_BYTES_LITERAL("a\0b"), copy;
	assert_true(msp_arena_copy(&arena, original, &copy));
	assert_true(msp_bytes_equal(copy, original));
	assert_ptr_not_equal(copy.data, original.data);
	assert_true(msp_arena_copy(&arena, MSP_BYTES_ABSENT, &copy));
	assert_null(copy.data);
	assert_true(msp_arena_copy(&arena, MSP_BYTES_LITERAL(""), &copy));
	assert_non_null(copy.data);
	assert_int_equal(copy.size, 0);
	static const char large[8192];
	assert_false(msp_arena_copy(&arena, msp_bytes_of(large, sizeof(large)), &copy));
	assert_int_equal(msp_arena_status(&arena), MSP_E_LIMIT);
	msp_arena_done(&arena);
}

static void prints(void **state)
{
	(void)state;
	struct msp_arena arena;
	msp_arena_init(&arena, 8192);
	assert_string_equal(msp_arena_printf(&arena, "%s-%d", "a", 7), "a-7");
	assert_string_equal(msp_arena_printf(&arena, "%s", ""), "");
	assert_null(msp_arena_printf(&arena, "%9000d", 1));
	msp_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(allocations_are_aligned_and_apart),
	    cmocka_unit_test(nothing_is_allocated_before_it_is_asked_for),
	    cmocka_unit_test(size_zero_is_a_valid_pointer),
	    cmocka_unit_test(blocks_stay_within_the_maximum),
	    cmocka_unit_test(one_allocation_of_nearly_the_maximum),
	    cmocka_unit_test(sizes_that_overflow_are_refused),
	    cmocka_unit_test(a_second_round_of_the_same_size_needs_no_block),
	    cmocka_unit_test(reset_keeps_no_more_than_asked),
	    cmocka_unit_test(what_reset_keeps_is_not_in_use),
	    cmocka_unit_test(copies),
	    cmocka_unit_test(prints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
