/* What every transport must do. A new transport's test is a main that returns transport_contract_run(&its_contract). */
#ifndef TRANSPORT_CONTRACT_H
#define TRANSPORT_CONTRACT_H

#include <msp/transport.h>

/* Where brokers differ by design. */
enum transport_lack {
	TRANSPORT_LACKS_PARTITIONS = 1, /* one sequence per topic, shared by all members of a group, positions by id */
	TRANSPORT_LACKS_TIMESTAMPS = 2, /* the broker's own time replaces the sender's */
	TRANSPORT_LACKS_ATTEMPTS = 4,   /* deliveries are not counted */
};

struct transport_contract {
	const struct msp_transport_ops *ops;
	unsigned lacks; /* of enum transport_lack */
	/* Writes the URL of a broker. `directory` is empty and belongs to one test alone; a broker that is shared by tests
	 * is told apart by its topics, whose names are never used twice. */
	void (*url)(const char *directory, char *url, size_t size);
	/* Options of the transport, ended by a NULL name, with which a process that is stopped for `hang_ms` loses what
	 * it holds. */
	const struct msp_property *settings;
	int hang_ms;
};

/* Runs the suite; returns what main returns. */
int transport_contract_run(const struct transport_contract *contract);

#endif
