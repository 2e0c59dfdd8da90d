#include "brokers.h"

#include "sqlite_lock.h"

#include <msp_transport_sqlite.h>
#ifdef MSP_HAS_KAFKA
#include <kafka_broker.h>
#include <msp_transport_kafka.h>
#endif
#ifdef MSP_HAS_REDIS
#include <msp_transport_redis.h>
#include <redis_server.h>
#endif

#include <stdio.h>
#include <string.h>

static const struct msp_property short_lease[] = {{"lease.ms", "1000"}, {NULL, NULL}};

static bool sqlite_url(const char *directory, char *url, size_t size)
{
	snprintf(url, size, "sqlite:%s/msp.db", directory);
	return true;
}

/* What writes waits for another process. */
static bool sqlite_hang(const char *url, bool hangs)
{
	static pid_t locker;
	if (!hangs) {
		sqlite_lock_release(locker);
		return true;
	}
	locker = sqlite_lock_take(url + strlen("sqlite:"));
	return locker > 0;
}

const struct test_broker test_broker_sqlite = {
    .ops = &msp_transport_sqlite, .url = sqlite_url, .settings = short_lease, .hang_ms = 1000, .hang = sqlite_hang};

#ifdef MSP_HAS_KAFKA
/* A message that is too large is too large compressed as well. */
static const struct msp_property kafka_settings[] = {
    {"session.timeout.ms", "1500"}, {"compression.type", "none"}, {NULL, NULL}};

static bool kafka_url(const char *directory, char *url, size_t size)
{
	(void)directory;
	return kafka_broker_find(url, size);
}

/* Tests share it: what happens when it hangs is tested on a mock cluster. */
const struct test_broker test_broker_kafka = {
    .ops = &msp_transport_kafka,
    .lacks = TRANSPORT_LACKS_ATTEMPTS | TRANSPORT_LACKS_HEADER_ZEROS,
    .url = kafka_url,
    .settings = kafka_settings,
    .hang_ms = 1500,
};
#endif

#ifdef MSP_HAS_REDIS
/* It ends with the program. */
static bool redis_url(const char *directory, char *url, size_t size)
{
	(void)directory;
	const char *server = redis_server_url();
	snprintf(url, size, "%s", server ? server : "");
	return server != NULL;
}

static bool redis_hang(const char *url, bool hangs)
{
	(void)url;
	return redis_server_hang(hangs);
}

const struct test_broker test_broker_redis = {
    .ops = &msp_transport_redis,
    .lacks = TRANSPORT_LACKS_PARTITIONS | TRANSPORT_LACKS_TIMESTAMPS | TRANSPORT_LACKS_LIMITS | TRANSPORT_LACKS_ORDER,
    .url = redis_url,
    .settings = short_lease,
    .hang_ms = 1000,
    .hang = redis_hang,
};
#endif

static const struct test_broker *const brokers[] = {
    &test_broker_sqlite,
#ifdef MSP_HAS_KAFKA
    &test_broker_kafka,
#endif
#ifdef MSP_HAS_REDIS
    &test_broker_redis,
#endif
};

const struct test_broker *test_broker_find(const char *name)
{
	for (size_t i = 0; i < sizeof(brokers) / sizeof(brokers[0]); i++)
		if (strcmp(brokers[i]->ops->name, name) == 0)
			return brokers[i];
	return NULL;
}
