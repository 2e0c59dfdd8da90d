/* Folders in $TMPDIR that are ours alone. */
#ifndef FAULT_FOLDER_H
#define FAULT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Makes msp-NAME-XXXXXX; `path` is "" when it cannot be made, and errno says why. */
bool folder_make(const char *name, char *path, size_t size);
/* With everything in it. Safe on "". */
void folder_remove(const char *path);

#endif
