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

#include <string.h>

static const char *sqlite_start(void)
{
	return "sqlite:broker.db";
}

static void sqlite_stop(void)
{
}

#ifdef MSP_HAS_KAFKA
static const char *kafka_start(void)
{
	static char url[256];
	kafka_broker_url(".", url, sizeof(url));
	return url;
}

/* It runs on: other tests share it. */
static void kafka_stop(void)
{
}
#endif

#ifdef MSP_HAS_REDIS
/* It ends with the program. */
static void redis_stop(void)
{
}
#endif

static const struct test_broker brokers[] = {
    {"sqlite", &msp_transport_sqlite, sqlite_start, sqlite_stop, false, false},
#ifdef MSP_HAS_KAFKA
    {"kafka", &msp_transport_kafka, kafka_start, kafka_stop, false, true},
#endif
#ifdef MSP_HAS_REDIS
    {"redis", &msp_transport_redis, redis_server_url, redis_stop, true, false},
#endif
};

const struct test_broker *test_broker_find(const char *name)
{
	for (size_t i = 0; i < sizeof(brokers) / sizeof(brokers[0]); i++)
		if (strcmp(brokers[i].name, name) == 0)
			return &brokers[i];
	return NULL;
}
