#include "broker.h"

#include <stdio.h>

#ifdef MSP_HAS_KAFKA
#define COMMIT_INTERVAL_MS 200 /* commit.interval.ms, as it is shipped */
#define KAFKA_COMMIT_MS    200 /* to the broker and back */

/* A message that is too large is too large compressed as well. */
static const char *const kafka_settings[] = {"kafka.compression.type=none", NULL};

/* A dead process is found by its silence only, and what it began to publish hides what follows. */
static const char *const kafka_mortal_settings[] = {"kafka.session.timeout.ms=1500",
                                                    "kafka.transaction.timeout.ms=2000", NULL};

/* The generator is to use added partitions soon. */
static const struct msp_property kafka_properties[] = {{"topic.metadata.refresh.interval.ms", "1000"}};
#endif

#ifdef MSP_HAS_REDIS
static const char *const redis_short_session[] = {"redis.lease.ms=1000", NULL};
#endif

static const char *const sqlite_short_session[] = {"sqlite.lease.ms=1000", NULL};

const struct broker brokers[] = {
    {
        .test = &test_broker_sqlite,
        .short_session = sqlite_short_session,
        .fault_points = "libfault_points_sqlite.so",
    },
#ifdef MSP_HAS_KAFKA
    {
        .test = &test_broker_kafka,
        .server_start = server_start_kafka,
        .settings = kafka_settings,
        .properties = kafka_properties,
        .property_count = sizeof(kafka_properties) / sizeof(kafka_properties[0]),
        .mortal_settings = kafka_mortal_settings,
        .fault_points = "libfault_points_kafka.so",
        .marks_apart = true,
        .mark_lag_ms = COMMIT_INTERVAL_MS + KAFKA_COMMIT_MS,
        .rebalances = true,
    },
#endif
#ifdef MSP_HAS_REDIS
    {
        .test = &test_broker_redis,
        .server_start = server_start_redis,
        .short_session = redis_short_session,
        .fault_points = "libfault_points_redis.so",
        .marks_apart = true,
    },
#endif
};

const size_t broker_count = sizeof(brokers) / sizeof(brokers[0]);

static bool broker_is(const struct broker *broker, const char *name_or_url)
{
	size_t size = strcspn(name_or_url, ":");
	if (!name_or_url[size])
		return strcmp(broker->test->ops->name, name_or_url) == 0;
	for (const char *const *scheme = broker->test->ops->schemes; *scheme; scheme++)
		if (strlen(*scheme) == size && strncmp(*scheme, name_or_url, size) == 0)
			return true;
	return false;
}

const struct broker *broker_find(const char *name_or_url)
{
	for (size_t i = 0; i < broker_count; i++)
		if (broker_is(&brokers[i], name_or_url))
			return &brokers[i];
	return NULL;
}

void broker_names(char *text, size_t size)
{
	size_t end = 0;
	*text = 0;
	for (size_t i = 0; i < broker_count && end < size; i++)
		end += (size_t)snprintf(text + end, size - end, "%s%s", i ? ", " : "", brokers[i].test->ops->name);
}
