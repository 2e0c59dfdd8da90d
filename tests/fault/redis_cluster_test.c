/* A cluster: refused with a clear word where a model's streams would not share a slot, served where they do. */
#include "redis_fixture.h"
#include <msp/clock.h>

/* The server is a cluster of its own with all slots. */
static int set_up(void **state)
{
	freeReplyObject(redis_run("CLUSTER ADDSLOTSRANGE 0 16383"));
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	for (bool ready = false; !ready;) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		redisReply *info = redis_run("CLUSTER INFO");
		ready = strstr(info->str, "cluster_state:ok") != NULL;
		freeReplyObject(info);
	}
	return fixture_init(state);
}

static void topics_create(struct fixture *fixture, const char *common)
{
	snprintf(fixture->inputs, sizeof(fixture->inputs), "%s.inputs", common);
	snprintf(fixture->outputs, sizeof(fixture->outputs), "%s.outputs", common);
	snprintf(fixture->errors, sizeof(fixture->errors), "%s.errors", common);
	topic_create(fixture, fixture->inputs, 1, 0);
	topic_create(fixture, fixture->outputs, 1, 0);
	topic_create(fixture, fixture->errors, 1, 0);
}

static void streams_must_share_a_slot(void **state)
{
	struct fixture *fixture = *state;
	topics_create(fixture, "apart");
	struct msp_consumer *consumer = NULL;
	assert_int_equal(consumer_try_open(fixture, 0, NULL, 0, &consumer), MSP_E_UNSUPPORTED);
	assert_false(fixture->err.retriable);
	assert_non_null(strstr(fixture->err.text, "redis.hash.tag"));
	topics_create(fixture, "{together}");
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 5);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(streams_must_share_a_slot, set_up, fixture_done),
	};
	static const char *const flags[] = {"--cluster-enabled", "yes", NULL};
	return redis_fixture_run("redis_cluster", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
