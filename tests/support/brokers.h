/* The brokers that tests run on: contract, integration and fault tests run once on each, from the same source. A new
 * one is a line in brokers.c. */
#ifndef BROKERS_H
#define BROKERS_H

#include <msp/transport.h>

/* Where brokers differ by design. */
enum transport_lack {
	TRANSPORT_LACKS_PARTITIONS = 1,    /* one sequence per topic, shared by all members of a group, positions by id */
	TRANSPORT_LACKS_TIMESTAMPS = 2,    /* the broker's own time replaces the sender's */
	TRANSPORT_LACKS_ATTEMPTS = 4,      /* deliveries are not counted, so a model that crashes does so for ever */
	TRANSPORT_LACKS_LIMITS = 8,        /* messages of any size that msp sends are taken */
	TRANSPORT_LACKS_ORDER = 16,        /* among several consumers, and after one died */
	TRANSPORT_LACKS_HEADER_ZEROS = 32, /* names of headers end before a zero byte */
};

struct test_broker {
	const struct msp_transport_ops *ops;
	unsigned lacks; /* of enum transport_lack */
	/* Writes the URL of a broker; false: there is none. `directory` is the caller's own; a broker that is shared by
	 * tests is told apart by its topics, whose names are never used twice. */
	bool (*url)(const char *directory, char *url, size_t size);
	/* Options of the transport, ended by a NULL name, with which a process that is stopped for `hang_ms` loses what
	 * it holds. */
	const struct msp_property *settings;
	int hang_ms;
	/* Makes the broker at `url` take requests and answer none, or answer again. False: it cannot. NULL: it is shared,
	 * so tests of its transport do it to one of their own. */
	bool (*hang)(const char *url, bool hangs);
};

/* Those whose transports this build has. */
extern const struct test_broker test_broker_sqlite, test_broker_kafka, test_broker_redis;

/* By name; NULL: this build has none. */
const struct test_broker *test_broker_find(const char *name);

#endif
