/* The verifier: reads outputs and errors, while the trial runs and once more at its end, and compares them with the
 * plan. */
#ifndef FAULT_VERIFIER_H
#define FAULT_VERIFIER_H

#include "plan.h"
#include "progress.h"

#include <msp/topic.h>

#define VERIFIER_ROUTES   2 /* by enum msp_route */
#define VERIFIER_WATCHERS 16

struct counts {
	size_t lost;      /* ids that are in neither topic */
	size_t doubled;   /* results of an id in a topic beyond as many as it stands in inputs */
	size_t reordered; /* first results that came after one of a later message with the same key */
	size_t both;      /* ids in outputs and in errors */
	size_t phantom;   /* what is no result of any message, or another one than it should be */
	/* What is pardoned is counted here, and not above. */
	size_t gone, repeated;
};

/* What the trial itself has taken away, which cannot be held against the program. */
struct pardon {
	size_t lost_before;     /* ids below this may be in neither topic */
	size_t repeated_before; /* ids below this may be there so many times more: */
	size_t repeats;
	bool results_deleted; /* only what was read while the trial ran is there to tell */
	bool disorder;
};

/* One reading of both topics. */
struct tally {
	const struct plan *plan;
	uint8_t *seen[VERIFIER_ROUTES];            /* by id: how often, up to 255; owned */
	uint32_t next[VERIFIER_ROUTES][PLAN_KEYS]; /* one more than the latest sequence of each key */
	size_t read[VERIFIER_ROUTES];
	size_t reordered, phantom;
	char strange[256]; /* about the first phantom */
};

struct verifier;

/* What is read while the trial runs: one topic, or a partition that came to it later. */
struct watcher {
	struct verifier *verifier;
	enum msp_route route;
	int32_t partition; /* or MSP_PARTITION_ANY: those of the beginning */
	pthread_t thread;
};

struct verifier {
	struct msp_transport *transport;
	const char *topics[VERIFIER_ROUTES], *inputs;
	struct progress *progress;
	pthread_mutex_t mutex; /* over live, until the watchers have ended */
	struct tally live, final;
	uint8_t *sent; /* by id: how often it stands in inputs, up to 255; NULL: once each; owned */
	struct watcher watchers[VERIFIER_WATCHERS];
	size_t watcher_count;
	struct pardon pardon; /* the trial writes it */
};

/* Borrows everything; starts to read. A topic may come to be later. False: no memory or thread. verifier_done all the
 * same. */
bool verifier_start(struct verifier *verifier, struct msp_transport *transport, const struct msp_topics *topics,
                    const struct plan *plan, struct progress *progress);
/* Reads partitions that a topic has got since. False: no thread, or no place for more. */
bool verifier_watch(struct verifier *verifier, enum msp_route route, int32_t partition);
/* How many ids from `from` on were seen. */
size_t verifier_settled_since(struct verifier *verifier, size_t from);
/* The generator could not tell whether all of its messages arrived, and sent some again: counts them. Before
 * verifier_conclude, and after the last was sent. */
void verifier_count_inputs(struct verifier *verifier);
/* Reads everything again, once nobody writes any more, and waits until the watchers have seen as much. The worse of
 * both readings counts. What goes wrong becomes a failure of the progress. */
void verifier_conclude(struct verifier *verifier, struct counts *ret_counts);
/* What was found so far, for a trial that cannot be concluded; nothing counts as lost. */
void verifier_glance(struct verifier *verifier, struct counts *ret_counts);
/* After progress_stop. */
void verifier_done(struct verifier *verifier);

#endif
