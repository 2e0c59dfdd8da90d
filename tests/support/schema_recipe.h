/* JSON Schemas, tables and values made from bytes, and a checker that takes JSON Schema by the letter. */
#ifndef SCHEMA_RECIPE_H
#define SCHEMA_RECIPE_H

#include <msp/schema.h>

/* The bytes that are left; zeros when none are. */
struct schema_recipe {
	const unsigned char *data;
	size_t left;
	struct msp_arena *arena; /* of all that is made */
};

/* Any JSON Schema, mostly one that has to do with objects, with `$defs` and references to them, now and then malformed.
 * These end the process when there is no memory. */
struct msp_value schema_cook(struct schema_recipe *recipe);
/* An object that has a chance to be accepted by such a schema. */
struct msp_value schema_value_cook(struct schema_recipe *recipe);
/* A table as msp_schema_parse makes them: it is described and parsed as itself. */
const struct msp_schema *schema_table_cook(struct schema_recipe *recipe);

enum schema_verdict {
	SCHEMA_REFUSES,
	SCHEMA_ACCEPTS,
	SCHEMA_ENDLESS, /* references go round without end */
};

/* Whether `value` is accepted by `json_schema` as the drafts say it, with integers of 64 bits, and binary values where
 * a string has contentEncoding base64. Keywords that are malformed, and those that need a regular expression or what
 * other keywords saw, accept everything. `siblings`: keywords beside `$ref` count. */
enum schema_verdict schema_judge(const struct msp_value *json_schema, const struct msp_value *value, bool siblings);

#endif
