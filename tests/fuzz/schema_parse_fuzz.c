/* A JSON Schema made from the bytes: a table or a reason, no more of it than there may be; the table is in order, comes
 * back when it is described, and refuses nothing that the JSON Schema accepts; with nothing left out, it accepts
 * nothing else either. */
#include "fuzz.h"
#include "schema_recipe.h"
#include "value_recipe.h"

#define VALUES 4

/* Which keywords beside `$ref` the drafts count in: all that `json_schema` may be of. */
static enum schema_verdict verdict_of(const struct msp_value *json_schema, const struct msp_value *value)
{
	const struct msp_value *draft = msp_value_member(json_schema, "$schema");
	const char modern[] = "https://json-schema.org/draft/2020-12/schema";
	const char old[] = "http://json-schema.org/draft-07/schema#";
	struct msp_value is_modern = msp_value_string(modern), is_old = msp_value_string(old);
	if (draft && msp_value_equal(draft, &is_modern))
		return schema_judge(json_schema, value, true);
	enum schema_verdict ignoring = schema_judge(json_schema, value, false);
	if ((draft && msp_value_equal(draft, &is_old)) || ignoring != SCHEMA_REFUSES)
		return ignoring;
	return schema_judge(json_schema, value, true);
}

static void value_check(const struct msp_value *json_schema, const struct msp_schema *table, bool exact,
                        struct schema_recipe *recipe)
{
	struct msp_violation violation;
	struct msp_value value = schema_value_cook(recipe);
	enum schema_verdict verdict = verdict_of(json_schema, &value);
	bool accepted = msp_schema_validate(table, &value, &violation);
	must(accepted || verdict != SCHEMA_ACCEPTS, "the table is never narrower than the schema");
	/* An integer may have become a number that is not the same. */
	must(!exact || !accepted || verdict_of(json_schema, &value) != SCHEMA_REFUSES,
	     "what the table leaves out is listed");
}

static void table_check(const struct msp_schema *table, const struct msp_schema_omissions *omissions,
                        struct msp_arena *arena)
{
	const struct msp_schema *again;
	struct msp_schema_omissions none;
	struct msp_value described, described_again;
	must(msp_schema_check(table, NULL) == MSP_OK, "the table is in order");
	must(omissions->count <= MSP_SCHEMA_OMISSIONS_MAX, "the list ends");
	for (size_t i = 0; i < omissions->count; i++)
		must(strlen(omissions->list[i].pointer) < MSP_PATH_SIZE && omissions->list[i].keyword[0] &&
		         omissions->list[i].reason[0],
		     "an omission says where and what");
	must(msp_schema_describe(table, arena, &described) == MSP_OK, "a table is described");
	must(msp_schema_parse(&described, arena, &again, &none, NULL) == MSP_OK && none.count == 0,
	     "a description leaves nothing out");
	must(msp_schema_describe(again, arena, &described_again) == MSP_OK, "so is the other");
	must(msp_schema_equal(table, again) && msp_value_equal(&described, &described_again), "a description comes back");
}

/* The first byte says whether the schema is any value at all; values get the second half of the others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct msp_arena arena;
	msp_arena_init(&arena, SIZE_MAX);
	size_t half = (size - 1) / 2;
	struct schema_recipe recipe = {data + 1, half, &arena}, values = {data + 1 + half, size - 1 - half, &arena};
	bool wild = data[0] % 8 == 7;
	struct msp_value json_schema = wild ? value_cook(msp_bytes_of(data + 1, half), &arena) : schema_cook(&recipe);
	const struct msp_schema *table = NULL;
	struct msp_schema_omissions omissions;
	struct msp_error err = {.text = ""};
	struct value_verdict verdict = value_judge(&json_schema);
	if (!verdict.unique || !verdict.utf8)
		goto out;
	enum msp_status status = msp_schema_parse(&json_schema, &arena, &table, &omissions, &err);
	must(status == MSP_OK || ((status == MSP_E_INVALID || status == MSP_E_LIMIT) && err.text[0]), "or a reason");
	if (status == MSP_OK)
		table_check(table, &omissions, &arena);
	for (int i = 0; i < VALUES && status == MSP_OK; i++)
		value_check(&json_schema, table, omissions.count == 0, &values);
out:
	msp_arena_done(&arena);
	return 0;
}
