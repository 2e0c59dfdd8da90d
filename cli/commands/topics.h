/* What the msp topics commands do, topic by topic. */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

#include "graph/graph.h"

struct topics_args {
	struct common_args common;
	struct text_list models;
	struct text_list topics;
	struct text_list properties; /* of --topic-config */
	int64_t partitions, replication;
	bool if_not_exists, dry_run;
};

/* Each complains and returns the exit status. */
int topics_create(const struct topics_args *args);
int topics_describe(const struct topics_args *args);
int topics_delete(const struct topics_args *args);
int topics_list(const struct topics_args *args);

#endif
