/* The cells of the fault matrix. */
#ifndef FAULT_CELLS_H
#define FAULT_CELLS_H

#include "trial.h"

#define PAIR 2 /* processes that serve in most cells */

struct cell {
	const char *name;
	const char *title;     /* what happens, for the README */
	const char *transport; /* the only one that this can happen to, or NULL: all */
	/* Runs the cell in a trial that is ready; false: the trial knows why. */
	bool (*run)(struct trial *trial);
	struct trial_setup setup;
	size_t small_messages, full_messages;
	bool needs_attempts; /* a broker that counts deliveries */
	bool needs_limits;   /* a broker whose topics limit the size of messages */
};

extern const struct cell cells[];
extern const size_t cell_count;

/* How many faults strike: fewer in the small form. */
size_t rounds(const struct trial *trial, size_t small, size_t full);
/* A place in the flow of messages at which the next fault strikes: somewhere in stretch `round` of `count`. */
size_t place_in_flow(struct trial *trial, size_t round, size_t count);
/* Lets messages flow all the time, never so many ahead that the next fault would come too late. */
void flow(struct trial *trial, size_t count);
/* Has messages up to `until` sent, and waits until half of those from `from` on are settled: the rest is under way. */
bool load(struct trial *trial, size_t from, size_t until);

/* kafka_cells.c */
bool run_partitions_added(struct trial *trial);
bool run_topic_recreated(struct trial *trial);

/* redis_cells.c */
bool run_rights_end(struct trial *trial);
bool run_memory_full(struct trial *trial);
bool run_flushall(struct trial *trial);
bool run_group_deleted(struct trial *trial);

/* broker_cells.c */
bool run_broker_restart(struct trial *trial);
bool run_broker_down(struct trial *trial);
bool run_cut(struct trial *trial);
bool run_delay(struct trial *trial);

/* sqlite_cells.c */
bool run_locked(struct trial *trial);
bool run_disk_full(struct trial *trial);

#endif
