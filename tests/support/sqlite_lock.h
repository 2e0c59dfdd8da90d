/* Another process that holds the write lock of an SQLite file. */
#ifndef SQLITE_LOCK_H
#define SQLITE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* Starts it and waits until it has the lock; it ends by itself after a minute. Its pid, or -1. */
pid_t sqlite_lock_take(const char *path);
/* Ends it, and waits for that. */
void sqlite_lock_release(pid_t pid);

#endif
