/* The generator: a thread that sends the plan to the inputs topic, as far as the progress allows. */
#ifndef FAULT_GENERATOR_H
#define FAULT_GENERATOR_H

#include "plan.h"
#include "progress.h"

struct generator {
	struct msp_transport *transport;
	const char *topic;
	const struct plan *plan;
	struct progress *progress;
	pthread_t thread;
	bool runs;
	bool has_repeated; /* what was sent in vain may have arrived all the same */
};

/* Borrows everything. False: no thread. */
bool generator_start(struct generator *generator, struct msp_transport *transport, const char *topic,
                     const struct plan *plan, struct progress *progress);
/* After progress_stop. Safe on a zeroed struct. */
void generator_join(struct generator *generator);

#endif
