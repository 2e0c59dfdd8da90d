#include "transport_contract.h"
#include <msp_transport_redis.h>
#include <redis_server.h>
#include <stdio.h>
#include <stdlib.h>

static void url(const char *directory, char *text, size_t size)
{
	(void)directory;
	const char *server = redis_server_url();
	if (!server)
		abort();
	snprintf(text, size, "%s", server);
}

int main(void)
{
	static const struct msp_property settings[] = {{"lease.ms", "1000"}, {NULL, NULL}};
	const unsigned lacks = TRANSPORT_LACKS_PARTITIONS | TRANSPORT_LACKS_TIMESTAMPS;
	return transport_contract_run(&(struct transport_contract){&msp_transport_redis, lacks, url, settings, 1000});
}
