/* Values written as text in a test. */
#ifndef VALUE_TEXT_H
#define VALUE_TEXT_H

#include <msp/value.h>

/* The value of JSON text, for tests of core, which has no codec. Strings may stand in single quotes, and know of the
 * escapes only \u00XX; b'…' is a binary value. Ends the process when it is malformed or there is no memory. */
struct msp_value value_read(const char *text, struct msp_arena *arena);

#endif
