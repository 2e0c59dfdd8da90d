/* Values that a schema accepts, for tests that know nothing of a model but its schema. */
#ifndef SCHEMA_EXAMPLE_H
#define SCHEMA_EXAMPLE_H

#include <msp/schema.h>

/* An object that satisfies `schema`, with all fields, in its types. Different `seed`s give different values where the
 * schema leaves room. False when there is no memory. */
bool schema_example(const struct msp_schema *schema, unsigned seed, struct msp_arena *arena,
                    struct msp_value *ret_value) MSP_NODISCARD;

#endif
