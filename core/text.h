/* Text forms that several files of core write. Private to core. */
#ifndef MSP_CORE_TEXT_H
#define MSP_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest n <= size for which text[0, n) does not end inside a UTF-8 sequence: where to cut. */
size_t msp_text_cut(const char *text, size_t size);

/* Appends "/" and `token`, escaped, to the JSON pointer (RFC 6901) of `*size` bytes in `pointer`, which has room for
 * `capacity` with the NUL that is written. False, and nothing appended, when the token does not go in or has a U+0000.
 */
bool msp_text_pointer(char *pointer, size_t capacity, size_t *size, const char *token, size_t token_size);

/* An int64 in decimal. Returns the length; a NUL follows. */
#define MSP_TEXT_INTEGER_SIZE 21
size_t msp_text_integer(char text[MSP_TEXT_INTEGER_SIZE], int64_t integer);

/* A finite number with the fewest digits that read back equal. Returns the length; a NUL follows. */
#define MSP_TEXT_NUMBER_SIZE 32
size_t msp_text_number(char text[MSP_TEXT_NUMBER_SIZE], double number);

/* Milliseconds since 1970 as RFC 3339 in UTC, "2026-01-31T12:00:00.123Z"; times before March of the year 0 or after
 * the year 9999 become the nearest that can be written. A NUL follows. */
#define MSP_TEXT_TIME_LENGTH 24
void msp_text_time(char text[MSP_TEXT_TIME_LENGTH + 1], int64_t time_ms);

#endif
