/* The transport contract on one broker.
 * usage: transport_test BROKER */
#include "transport_contract.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	const struct test_broker *broker = argc == 2 ? test_broker_find(argv[1]) : NULL;
	if (broker)
		return transport_contract_run(broker);
	fprintf(stderr, "usage: transport_test BROKER\n");
	return 2;
}
