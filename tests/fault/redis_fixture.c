#include "redis_fixture.h"
#include <msp/clock.h>
#include <msp_transport_redis.h>

#define WORDS_MAX 64

struct redis_server redis_fixture_server;
char redis_line[512];

static bool url(const char *directory, char *text, size_t size)
{
	(void)directory;
	snprintf(text, size, "%s", redis_fixture_server.url);
	return true;
}

int redis_fixture_run(const char *name, const struct CMUnitTest *tests, size_t count, const char *const *flags)
{
	static const struct msp_property settings[] = {
	    {"lease.ms", "1000"}, {"retry.ms", "20"}, {"timeout.ms", "1000"}, {0}};
	static const struct test_broker contract = {
	    .ops = &msp_transport_redis,
	    .lacks = TRANSPORT_LACKS_PARTITIONS | TRANSPORT_LACKS_TIMESTAMPS,
	    .url = url,
	    .settings = settings,
	    .hang_ms = 1000,
	};
	transport_contract = &contract;
	if (child_main())
		return 0;
	if (!redis_server_start(&redis_fixture_server, flags))
		return 1;
	int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	redis_server_stop(&redis_fixture_server);
	return failed;
}

redisReply *redis_run_line(char *line)
{
	redisContext *context = redisConnect("127.0.0.1", redis_fixture_server.port);
	assert_non_null(context);
	assert_int_equal(context->err, 0);
	const char *words[WORDS_MAX];
	int count = 0;
	for (char *rest, *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_in_range(count, 0, WORDS_MAX - 1);
		words[count++] = word;
	}
	redisReply *reply = redisCommandArgv(context, count, words, NULL);
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", words[0], reply->str);
	redisFree(context);
	return reply;
}

long long redis_number_of(char *line)
{
	redisReply *reply = redis_run_line(line);
	long long number = reply->integer;
	freeReplyObject(reply);
	return number;
}

long long redis_info_number(const char *name)
{
	redisReply *reply = redis_run("INFO everything");
	const char *found = strstr(reply->str, name);
	long long number = found ? strtoll(found + strlen(name), NULL, 10) : 0;
	freeReplyObject(reply);
	return number;
}

struct msp_consumer *consumer_open_with(struct fixture *fixture, enum msp_guarantee guarantee, const char *instance)
{
	struct msp_consumer *consumer = NULL;
	struct msp_consumer_config config = {
	    .inputs = fixture->inputs,
	    .outputs = fixture->outputs,
	    .errors = fixture->errors,
	    .group = fixture->group,
	    .instance = instance,
	    .guarantee = guarantee,
	    .commit_interval_ms = 100,
	};
	if (transport_contract->ops->consumer_open(fixture->transports[0], &config, &consumer, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	return consumer;
}

struct msp_error settle_again(struct msp_consumer *consumer)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	struct msp_error err = {.status = MSP_OK};
	while (err.status == MSP_OK) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		assert_int_equal(msp_consumer_settle_wait(consumer, 20, &err), MSP_SETTLE_AGAIN);
	}
	return err;
}

struct msp_error receive_failure(struct msp_consumer *consumer)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	struct msp_receive_limits limits = {10, 1 << 20, 100};
	struct msp_batch *batch = NULL;
	struct msp_error err = {.status = MSP_OK};
	while (msp_consumer_receive(consumer, &limits, &batch, &err) == MSP_OK) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		batch_free(consumer, batch);
	}
	return err;
}
