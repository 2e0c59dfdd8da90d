/* Advice that can be typed as it stands. */
#ifndef CLI_HINT_H
#define CLI_HINT_H

#include "graph.h"

/* "msp topics create …" with the flags that chose the configuration, and `flag` ("-m" or "-t") before each of `names`;
 * without names it means all configured models. The caller frees it; NULL: no memory. */
char *hint_topics_create(const struct graph *graph, const char *flag, const char *const *names, size_t count);
/* Writes the hint for what one flag names to stderr. */
void hint_topics_report(const struct graph *graph, const char *flag, const char *name);
/* What names the model on a command line: its label, or the path that it was named by. */
const char *hint_model_name(const struct graph *graph, const struct model *model);

#endif
