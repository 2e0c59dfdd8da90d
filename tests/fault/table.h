/* What came of the cells: a row as each ends, and at the end all brokers side by side. */
#ifndef FAULT_TABLE_H
#define FAULT_TABLE_H

#include "cells.h"

#define GUARANTEES 2

extern const char *const guarantee_names[GUARANTEES];

struct result {
	bool ran, failed;
	size_t messages, kills;
	struct counts counts;
};

/* By number of the cell and of the broker, and by guarantee. */
struct table {
	struct result (*results)[GUARANTEES]; /* cell_count * broker_count of them; owned */
};

/* False: no memory. */
bool table_init(struct table *table);
void table_done(struct table *table);

void table_print_heading(void);
/* Notes how the trial ended, and prints its row. */
void table_add(struct table *table, size_t cell, size_t broker, const struct trial *trial, double seconds);
/* Lost, doubled, reordered for each broker that has run; as Markdown for the README, else for a terminal. */
void table_print(const struct table *table, bool markdown);

#endif
