#include "brokers.h"

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

static const struct msp_property short_lease[] = {{"lease.ms", "1000"}, {NULL, NULL}};

static bool sqlite_url(const char *directory, char *url, size_t size)
{
	snprintf(url, size, "sqlite:%s/msp.db", directory);
	return true;
}

const struct test_broker test_broker_sqlite = {&msp_transport_sqlite, 0, sqlite_url, short_lease, 1000};

#ifdef MSP_HAS_KAFKA
/* A message that is too large is too large compressed as well. */
static const struct msp_property kafka_settings[] = {
    {"session.timeout.ms", "1500"}, {"compression.type", "none"}, {NULL, NULL}};

/* It runs on: other tests share it. */
static bool kafka_url(const char *directory, char *url, size_t size)
{
	(void)directory;
	return kafka_broker_find(url, size);
}

const struct test_broker test_broker_kafka = {
    &msp_transport_kafka, TRANSPORT_LACKS_ATTEMPTS | TRANSPORT_LACKS_HEADER_ZEROS, kafka_url, kafka_settings, 1500};
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

const struct test_broker test_broker_redis = {&msp_transport_redis,
                                              TRANSPORT_LACKS_PARTITIONS | TRANSPORT_LACKS_TIMESTAMPS |
                                                  TRANSPORT_LACKS_LIMITS | TRANSPORT_LACKS_ORDER,
                                              redis_url, short_lease, 1000};
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
