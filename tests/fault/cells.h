/* The cells of the fault matrix. */
#ifndef FAULT_CELLS_H
#define FAULT_CELLS_H

#include "trial.h"

struct cell {
	const char *name;
	const char *transport; /* the only one that this can happen to, or NULL: all */
	/* Runs the cell in a trial that is ready; false: the trial knows why. */
	bool (*run)(struct trial *trial);
	struct trial_setup setup;
	size_t small_messages, full_messages;
	bool needs_attempts; /* a broker that counts deliveries */
};

extern const struct cell cells[];
extern const size_t cell_count;

/* sqlite_cells.c */
bool run_locked(struct trial *trial);
bool run_disk_full(struct trial *trial);

#endif
