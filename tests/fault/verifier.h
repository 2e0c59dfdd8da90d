/* The verifier: reads outputs and errors, while the trial runs and once more at its end, and compares them with the
 * plan. */
#ifndef FAULT_VERIFIER_H
#define FAULT_VERIFIER_H

#include "plan.h"
#include "progress.h"

#define VERIFIER_ROUTES 2 /* by enum msp_route */

struct counts {
	size_t lost;      /* ids that are in neither topic */
	size_t doubled;   /* results beyond the first of an id in a topic */
	size_t reordered; /* first results that came after one of a later message with the same key */
	size_t both;      /* ids in outputs and in errors */
	size_t phantom;   /* what is no result of any message, or another one than it should be */
};

/* One reading of both topics. */
struct tally {
	const struct plan *plan;
	uint8_t *seen[VERIFIER_ROUTES];            /* by id: how often, up to 255; owned */
	uint32_t next[VERIFIER_ROUTES][PLAN_KEYS]; /* one more than the latest sequence of each key */
	size_t read[VERIFIER_ROUTES];
	size_t doubled, reordered, phantom;
	char strange[256]; /* about the first phantom */
};

struct verifier;

/* One topic that is read while the trial runs. */
struct watcher {
	struct verifier *verifier;
	enum msp_route route;
	pthread_t thread;
	bool runs;
};

struct verifier {
	struct msp_transport *transport;
	const char *topics[VERIFIER_ROUTES];
	struct progress *progress;
	pthread_mutex_t mutex; /* over live, until the watchers have ended */
	struct tally live, final;
	struct watcher watchers[VERIFIER_ROUTES];
};

/* Borrows everything; starts to read. A topic may come to be later. False: no memory or thread. verifier_done all the
 * same. */
bool verifier_start(struct verifier *verifier, struct msp_transport *transport, const char *outputs, const char *errors,
                    const struct plan *plan, struct progress *progress);
/* Reads everything again, once nobody writes any more, and waits until the watchers have seen as much. The worse of
 * both readings counts. What goes wrong becomes a failure of the progress. */
void verifier_conclude(struct verifier *verifier, struct counts *ret_counts);
/* What was found so far, for a trial that cannot be concluded; nothing counts as lost. */
void verifier_glance(struct verifier *verifier, struct counts *ret_counts);
/* After progress_stop. */
void verifier_done(struct verifier *verifier);

#endif
