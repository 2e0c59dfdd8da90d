#include "transport_fixture.h"

int transport_contract_run(const struct test_broker *broker)
{
	if (!fixture_use(broker))
		return 77;
	if (child_main())
		return 0;
	int failed = 0;
	failed += _cmocka_run_group_tests("consumer", transport_consumer_tests, transport_consumer_test_count, NULL, NULL);
	failed += _cmocka_run_group_tests("time", transport_time_tests, transport_time_test_count, NULL, NULL);
	failed += _cmocka_run_group_tests("topic", transport_topic_tests, transport_topic_test_count, NULL, NULL);
	failed += _cmocka_run_group_tests("group", transport_group_tests, transport_group_test_count, NULL, NULL);
	failed += _cmocka_run_group_tests("browse", transport_browse_tests, transport_browse_test_count, NULL, NULL);
	return failed;
}
