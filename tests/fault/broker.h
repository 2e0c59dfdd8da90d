/* The brokers that the harness knows. A new one is a line in broker.c. */
#ifndef FAULT_BROKER_H
#define FAULT_BROKER_H

#include "server.h"

#include <msp/transport.h>

struct broker {
	const struct msp_transport_ops *transport;
	/* URL of a broker that is a file in `folder`, or of one that runs. False: there is none but server_start's. */
	bool (*url_make)(const char *folder, char *url, size_t size);
	/* A server of this program, which may be killed and cut off. NULL: it is a file. */
	server_start_fn server_start;
	/* Settings of msp ("key=value", NULL-terminated) in every cell, or NULL. */
	const char *const *settings;
	/* Of the harness's own clients. */
	const struct msp_property *properties;
	size_t property_count;
	/* Where processes die: what they left behind must not hold up the others for long. */
	const char *const *mortal_settings;
	/* Those that make it give up a silent process soon, and how soon. */
	const char *const *short_session;
	int session_ms;
	/* The library beside this program that ends msp amid publishing and about its commit; see fault_point.h. */
	const char *fault_points;
	bool replaces_timestamps; /* by the time of publishing */
	bool rebalances;          /* a process that joins the group takes batches of others; logs say who has what */
	bool lacks_attempts;      /* counts no deliveries, so a model that crashes does so for ever */
	bool lacks_limits;        /* takes messages of any size that msp sends */
	bool lacks_order;         /* among several consumers, and after one died */
};

extern const struct broker brokers[];
extern const size_t broker_count;

/* By name ("sqlite") or URL; NULL: none. */
const struct broker *broker_find(const char *name_or_url);
/* The names of all, for messages. */
void broker_names(char *text, size_t size);

#endif
