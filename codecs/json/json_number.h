/* Numbers as JSON text. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Room for any number. */
#define JSON_NUMBER_SIZE 32

/* Writes the shortest text that reads back as the same double, the nearest of them if there are several, and never
 * one that reads as an integer: "5.1", "5.0", "-0.0", "1e300". `number` is finite; the thread's locale has a point.
 * Returns the size; no NUL. [any thread] */
size_t json_number_write(double number, char text[JSON_NUMBER_SIZE]);
size_t json_integer_write(int64_t integer, char text[JSON_NUMBER_SIZE]);

#endif
