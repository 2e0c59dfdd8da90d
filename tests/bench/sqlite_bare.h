/* The floor of everything through the embedded broker: a bare loop on SQLite that reads rows of one table and inserts
 * them into another, 1,000 in a transaction. */
#ifndef SQLITE_BARE_H
#define SQLITE_BARE_H

#include <stddef.h>

#define SQLITE_BARE_VALUE "{\"sepal_length\": 5.1, \"sepal_width\": 3.5, \"petal_length\": 1.4, \"petal_width\": 0.2}"

/* How long the loop takes for so many rows, in a file of its own in the current directory. */
double sqlite_bare_relay_ns(const char *synchronous, size_t messages);

#endif
