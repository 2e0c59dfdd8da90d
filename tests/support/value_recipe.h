/* Any value, cooked from bytes: fuzz targets take them from the fuzzer, tests from a generator. */
#ifndef VALUE_RECIPE_H
#define VALUE_RECIPE_H

#include <msp/value.h>

/* Arrays and objects nest this deep, and one level more. */
#define VALUE_RECIPE_DEPTH 8

/* A value of any type, also one that no codec writes: NaN, text that is not UTF-8, names that stand twice. Small bytes
 * give small values; what is missing at the end of `recipe` counts as zeros. Ends the process when there is no memory.
 */
struct msp_value value_cook(struct msp_bytes recipe, struct msp_arena *arena);

/* What a codec can make of a value. */
struct value_verdict {
	bool utf8;     /* all text is, as every codec promises of what it reads */
	bool writable; /* no NaN, all text UTF-8, no U+0000 in names, not deeper than VALUE_RECIPE_DEPTH */
	bool binary;   /* there is a binary value, which not every codec has */
	bool unique;   /* each name stands once in its object: what was written reads back */
};

struct value_verdict value_judge(const struct msp_value *value);

#endif
