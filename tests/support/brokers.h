/* The brokers that integration tests run on: each test runs once on each, from the same source. */
#ifndef BROKERS_H
#define BROKERS_H

#include <msp/transport.h>

/* A broker that is there for the length of a test. */
struct test_broker {
	const char *name;
	const struct msp_transport_ops *ops;
	/* Makes it ready in the current directory and gives its URL (constant); NULL: it cannot be started. */
	const char *(*start)(void);
	void (*stop)(void);
	bool replaces_timestamps; /* by the time of publishing */
	bool cuts_header_names;   /* before a zero byte */
};

/* The broker of that name, or NULL. */
const struct test_broker *test_broker_find(const char *name);

#endif
