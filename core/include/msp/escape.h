/* Text of strangers for people: what moves a cursor, forges a line or reorders what is read stands escaped. */
#ifndef MSP_ESCAPE_H
#define MSP_ESCAPE_H

#include <msp/bytes.h>

/* Room for what stands for one character, with its NUL. */
#define MSP_ESCAPE_SIZE 8

/* Takes the first character of `text`, which is not empty. Returns how many bytes it has, and in ret_escape what
 * stands for it: \n \r \t, \uXXXX for other controls (C0, DEL, C1), for U+2028, U+2029 and for what changes the
 * direction of text, \xXX for a byte that is not UTF-8; "" for a character that may stand as it is. A backslash is
 * one of these. [any thread] */
size_t msp_escape_next(struct msp_bytes text, char ret_escape[MSP_ESCAPE_SIZE]);

/* The size of the longest beginning of `text` in which every character may stand as it is. [any thread] */
size_t msp_escape_plain_size(struct msp_bytes text);

/* Writes `text` escaped, as much of it as goes into `size` bytes with a NUL, no character cut. Returns the length.
 * [any thread] */
size_t msp_escape_text(struct msp_bytes text, char *ret_text, size_t size);

#endif
