/* The plugins that stand in the plugin path. */
#ifndef CLI_PLUGINS_H
#define CLI_PLUGINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The file that a plugin is, without links: of an absolute path, or of a name in `search_path` (folders with colons
 * between). False: there is none. */
bool plugins_find(const char *search_path, const char *name, char path[PATH_MAX]);
/* Finds the plugin in `search_path` whose name `name` is a slip of the pen of, and writes it to `nearest`. False: there
 * is none. */
bool plugins_nearest(const char *search_path, const char *name, char *nearest, size_t size);

#endif
