/* The brokers that the harness knows. A new one is a line in broker.c. */
#ifndef FAULT_BROKER_H
#define FAULT_BROKER_H

#include "server.h"

#include <brokers.h>

struct broker {
	const struct test_broker *test;
	/* A server of this program, which may be killed and cut off. NULL: it is a file. */
	server_start_fn server_start;
	/* Settings of msp ("key=value", NULL-terminated) in every cell, or NULL. */
	const char *const *settings;
	/* Of the harness's own clients. */
	const struct msp_property *properties;
	size_t property_count;
	/* Where processes die: what they left behind must not hold up the others for long. */
	const char *const *mortal_settings;
	/* Those that make it give up a silent process after the hang_ms of `test`. */
	const char *const *short_session;
	/* The library beside this program that ends msp amid publishing and about its commit; see fault_point.h. */
	const char *fault_points;
	/* Under at_least_once: publishes first and marks consumed afterwards, so that a fault in between repeats results.
	 */
	bool marks_apart;
	int mark_lag_ms; /* and so much later at most, on a machine that is busy */
	bool rebalances; /* a process that joins the group takes batches of others; logs say who has what */
};

extern const struct broker brokers[];
extern const size_t broker_count;

/* By name ("sqlite") or URL; NULL: none. */
const struct broker *broker_find(const char *name_or_url);
/* The names of all, for messages. */
void broker_names(char *text, size_t size);

#endif
