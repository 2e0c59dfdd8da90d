/* What holds for any table and any JSON Schema. */
#include "arena_test.h"
#include "check.h"
#include "schema_recipe.h"

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct schema_recipe recipe_random(uint64_t *seed, unsigned char *bytes, size_t size, struct msp_arena *arena)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(random_next(seed) >> 24);
	return (struct schema_recipe){bytes, size, arena};
}

static void tables_come_back(void **state)
{
	uint64_t seed = 88172645463325252;
	size_t fields = 0;
	for (int i = 0; i < 3000; i++) {
		unsigned char bytes[300];
		struct schema_recipe recipe = recipe_random(&seed, bytes, sizeof(bytes), *state);
		const struct msp_schema *table = schema_table_cook(&recipe), *again;
		struct msp_schema_omissions omissions;
		struct msp_value described, described_again;
		assert_int_equal(msp_schema_check(table, NULL), MSP_OK);
		assert_int_equal(msp_schema_describe(table, *state, &described), MSP_OK);
		assert_int_equal(msp_schema_parse(&described, *state, &again, &omissions, NULL), MSP_OK);
		assert_int_equal(omissions.count, 0);
		assert_int_equal(msp_schema_describe(again, *state, &described_again), MSP_OK);
		assert_true(msp_schema_equal(table, again) && msp_value_equal(&described, &described_again));
		fields += table->field_count;
		msp_arena_reset(*state, 1 << 20);
	}
	assert_true(fields > 3000);
}

/* The draft that schema_cook chose says whether keywords beside `$ref` count; without one, they may. */
static enum schema_verdict verdict_of(const struct msp_value *json_schema, const struct msp_value *value)
{
	const struct msp_value *draft = msp_value_member(json_schema, "$schema");
	bool modern = draft && memcmp(draft->as.string, "https", 5) == 0;
	if (modern)
		return schema_judge(json_schema, value, true);
	enum schema_verdict verdict = schema_judge(json_schema, value, false);
	return draft || verdict != SCHEMA_REFUSES ? verdict : schema_judge(json_schema, value, true);
}

/* How many values were accepted or refused by the table, and how many accepted by one that leaves nothing out. */
struct tally {
	size_t accepted, refused, exact;
};

static void value_check(const struct msp_value *json_schema, const struct msp_schema *table, bool exact,
                        struct schema_recipe *recipe, struct tally *tally)
{
	struct msp_value value = schema_value_cook(recipe);
	struct msp_violation violation = {.path = "", .text = ""};
	enum schema_verdict verdict = verdict_of(json_schema, &value);
	bool accepted = msp_schema_validate(table, &value, &violation);
	tally->accepted += accepted && value.count > 0;
	tally->refused += !accepted;
	tally->exact += accepted && value.count > 0 && exact;
	if (!accepted && verdict == SCHEMA_ACCEPTS)
		fail_msg("the table refuses what the schema accepts: %s %s", violation.path, violation.text);
	/* An integer may have become a number that is not the same. */
	if (exact && accepted && verdict_of(json_schema, &value) == SCHEMA_REFUSES)
		fail_msg("the table accepts what the schema refuses, and does not say so");
}

static void tables_are_never_narrower(void **state)
{
	uint64_t seed = 2463534242;
	struct tally tally = {0, 0, 0};
	for (int i = 0; i < 20000; i++) {
		unsigned char bytes[400], more[400];
		struct schema_recipe recipe = recipe_random(&seed, bytes, 20 + (size_t)i % 380, *state);
		struct msp_value json_schema = schema_cook(&recipe);
		const struct msp_schema *table;
		struct msp_schema_omissions omissions;
		enum msp_status status = msp_schema_parse(&json_schema, *state, &table, &omissions, NULL);
		assert_true(status == MSP_OK || status == MSP_E_INVALID);
		if (status == MSP_OK)
			assert_int_equal(msp_schema_check(table, NULL), MSP_OK);
		struct schema_recipe values = recipe_random(&seed, more, sizeof(more), *state);
		for (int j = 0; j < 8 && status == MSP_OK; j++)
			value_check(&json_schema, table, omissions.count == 0, &values, &tally);
		msp_arena_reset(*state, 1 << 20);
	}
	assert_true(tally.accepted > 10000 && tally.refused > 10000 && tally.exact > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ARENA_TEST(tables_come_back),
	    ARENA_TEST(tables_are_never_narrower),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
