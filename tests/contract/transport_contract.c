#include "transport_fixture.h"

#include <stdio.h>

int transport_contract_run(const struct test_broker *broker)
{
	char url[256];
	transport_contract = broker;
	if (child_main())
		return 0;
	if (!broker->url("", url, sizeof(url))) {
		fprintf(stderr, "there is no %s\n", broker->ops->name);
		return 77;
	}
	int failed = 0;
	failed += _cmocka_run_group_tests("consumer", transport_consumer_tests, transport_consumer_test_count, NULL, NULL);
	failed += _cmocka_run_group_tests("group", transport_group_tests, transport_group_test_count, NULL, NULL);
	failed += _cmocka_run_group_tests("browse", transport_browse_tests, transport_browse_test_count, NULL, NULL);
	return failed;
}
