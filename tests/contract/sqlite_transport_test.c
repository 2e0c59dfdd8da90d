#include "transport_contract.h"
#include <msp_transport_sqlite.h>
#include <stdio.h>

static void url(const char *directory, char *text, size_t size)
{
	snprintf(text, size, "sqlite:%s/broker.db", directory);
}

int main(void)
{
	static const struct msp_property settings[] = {{"lease.ms", "1000"}, {NULL, NULL}};
	return transport_contract_run(&(struct transport_contract){&msp_transport_sqlite, 0, url, settings, 1000});
}
