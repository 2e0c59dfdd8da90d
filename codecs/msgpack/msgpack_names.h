/* The names of an object's members. */
#ifndef MSGPACK_NAMES_H
#define MSGPACK_NAMES_H

#include <msp/value.h>

/* Whether each of the object's names stands in it once: MSP_OK, or MSP_E_INVALID. Takes n log n comparisons, whatever
 * the names are. MSP_E_NO_MEMORY. */
enum msp_status msgpack_names_check(const struct msp_value *object) MSP_NODISCARD;

#endif
