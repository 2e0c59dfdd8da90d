/* The transport contract on one broker.
 * usage: transport_test BROKER at_least_once|exactly_once */
#include "transport_contract.h"
#include "transport_fixture.h"

int main(int argc, char **argv)
{
	const struct test_broker *broker = argc == 3 ? test_broker_find(argv[1]) : NULL;
	if (broker && fixture_use_guarantee(argv[2]))
		return transport_contract_run(broker);
	fprintf(stderr, "usage: transport_test BROKER at_least_once|exactly_once\n");
	return 2;
}
