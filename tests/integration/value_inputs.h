/* Inputs for the iris model that every codec can carry: the values of tests/data, and generated ones. */
#ifndef VALUE_INPUTS_H
#define VALUE_INPUTS_H

#include <msp/value.h>

/* Takes one value, borrowed for the call. */
typedef void value_visit_fn(const struct msp_value *value);

/* Each file of tests/data that is a value in JSON or in MessagePack and can be both. */
void inputs_that_we_keep(value_visit_fn *visit);
/* Values of every type and shape, always the same ones. */
void inputs_of_any_kind(size_t count, value_visit_fn *visit);
/* Flowers; of three, one is in order, one has something odd in it, and one is short of a field. */
void inputs_of_flowers(size_t count, value_visit_fn *visit);

#endif
