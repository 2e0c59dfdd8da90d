/* Bounds of a JSON Schema, compared exactly and turned into those of a table. Private to core. */
#ifndef MSP_CORE_SCHEMA_LIMIT_H
#define MSP_CORE_SCHEMA_LIMIT_H

#include <msp/schema.h>

struct msp_schema_place;

enum msp_schema_side {
	MSP_SCHEMA_LOWER = 1,
	MSP_SCHEMA_UPPER = -1,
};

/* A lower or an upper bound as the JSON Schema says it, and where. */
struct msp_schema_limit {
	bool set;
	bool exclusive;
	struct msp_value value; /* an integer, or a finite number */
	const struct msp_schema_place *place;
	const char *keyword;
};

/* < 0, 0, > 0 as `a` is below, equal to or above `b`: integers or finite numbers, in any mixture, without rounding. */
int msp_schema_compare(const struct msp_value *a, const struct msp_value *b);

/* Makes `limit` the stricter of itself and `other`. */
void msp_schema_limit_tighten(struct msp_schema_limit *limit, const struct msp_schema_limit *other,
                              enum msp_schema_side side);

/* The inclusive bound of a field of type `type`, integer or number, that refuses nothing which `limit` accepts. False
 * when it accepts more. */
bool msp_schema_limit_bound(const struct msp_schema_limit *limit, enum msp_schema_side side, enum msp_type type,
                            struct msp_bound *ret_bound);

#endif
