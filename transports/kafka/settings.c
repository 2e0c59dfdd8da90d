#include "client.h"
#include "kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const struct msp_option OPTIONS[] = {
    {
        .name = "prefetch.max.bytes",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct kafka_options, prefetch_max_bytes),
        .default_text = "16777216",
        .min = 65536,
        .max = 2147483647,
        .help = "how many bytes of messages one worker may have fetched ahead",
    },
    {
        .name = "session.timeout.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct kafka_options, session_timeout_ms),
        .default_text = "6000",
        .min = 1000,
        .max = 3600000,
        .help = "after how much silence the broker gives a process's partitions to others",
    },
    {
        .name = "transaction.timeout.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct kafka_options, transaction_timeout_ms),
        .default_text = "10000",
        .min = 1000,
        .max = 900000,
        .help = "after how long the broker aborts the transaction of a dead process under exactly_once",
    },
    {
        .name = "max.poll.interval.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct kafka_options, max_poll_interval_ms),
        .default_text = "300000",
        .min = 1000,
        .max = 86400000,
        .help = "how long one batch may take before its worker counts as hanging and loses its partitions",
    },
    {
        .name = "compression.type",
        .type = MSP_OPTION_CHOICE,
        .offset = offsetof(struct kafka_options, compression),
        .default_text = "lz4",
        .choices = kafka_compressions,
        .help = "how what is published is compressed",
    },
};

const struct msp_option_table kafka_option_table = MSP_OPTION_TABLE(OPTIONS, struct kafka_options);

/* Properties of librdkafka that are ours, and why. `allowed`: the values that do no harm, comma-separated. */
static const struct refused {
	const char *name, *allowed, *why;
} REFUSED[] = {
    {"bootstrap.servers", NULL, "the broker's URL says it"},
    {"metadata.broker.list", NULL, "the broker's URL says it"},
    {"group.id", NULL, "the consumer group is configured per model"},
    {"group.instance.id", NULL, "instance and the worker's number make it"},
    {"group.protocol", "classic", "partitions are given up all at once here"},
    {"transactional.id", NULL, "instance and the worker's number make it"},
    {"isolation.level", "read_committed", "results of transactions that failed would be read"},
    {"auto.offset.reset", "earliest,smallest,beginning", "messages sent before the first start would be skipped"},
    {"enable.auto.commit", NULL, "messages are marked consumed when their results are durable"},
    {"auto.commit.enable", NULL, "messages are marked consumed when their results are durable"},
    {"auto.commit.interval.ms", NULL, "commit.interval.ms says it for every transport"},
    {"enable.auto.offset.store", NULL, "messages are marked consumed when their results are durable"},
    {"enable.partition.eof", NULL, "it belongs to the transport"},
    {"partition.assignment.strategy", "range,roundrobin", "partitions are given up all at once here"},
    {"enable.idempotence", "true", "results would be doubled or lost when a connection breaks"},
    {"acks", "all,-1", "results would be lost with the broker that took them"},
    {"request.required.acks", "all,-1", "results would be lost with the broker that took them"},
    {"delivery.report.only.error", "false", "inputs are marked consumed when their results are reported durable"},
    {"message.timeout.ms", NULL, "results wait for the broker as long as it takes"},
    {"delivery.timeout.ms", NULL, "results wait for the broker as long as it takes"},
    {"transaction.timeout.ms", NULL, "kafka.transaction.timeout.ms says it"},
    {"offset.store.method", "broker", "the group's offsets belong to the broker"},
    {"enabled_events", NULL, "it belongs to the transport"},
    {"partitioner", NULL, "results go to the partition of their input, others by key as Java clients choose"},
    {"sticky.partitioning.linger.ms", NULL, "results go to the partition of their input"},
};

static bool value_is_allowed(const char *allowed, const char *value)
{
	size_t size = strlen(value);
	for (const char *one = allowed; one && *one; one += strcspn(one, ","), one += *one == ',')
		if (strcspn(one, ",") == size && strncasecmp(one, value, size) == 0)
			return true;
	return allowed && strcmp(allowed, value) == 0;
}

static enum msp_status property_refuse(const struct msp_property *property, struct msp_error *err)
{
	const char *name = kafka_property_base(property->name);
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		const struct refused *refused = &REFUSED[i];
		if (strcmp(refused->name, name) == 0 && !value_is_allowed(refused->allowed, property->value))
			return msp_error_set(err, MSP_E_INVALID, "kafka.%s cannot be set%s%s: %s", property->name,
			                     refused->allowed ? " to anything but " : "", refused->allowed ? refused->allowed : "",
			                     refused->why);
	}
	return MSP_OK;
}

/* Lets librdkafka judge it. */
static enum msp_status property_try(const struct msp_property *property, struct msp_error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_default_topic_conf(conf, rd_kafka_topic_conf_new());
	enum msp_status status = kafka_conf_set_user(conf, property, err);
	rd_kafka_conf_destroy(conf);
	return status;
}

enum msp_status kafka_property_check(const struct msp_property *property, struct msp_error *err)
{
	enum msp_status status = property_refuse(property, err);
	return status == MSP_OK ? property_try(property, err) : status;
}

static enum msp_status properties_copy(struct kafka_settings *settings, const struct msp_transport_config *config,
                                       struct msp_error *err)
{
	if (config->property_count == 0)
		return MSP_OK;
	settings->properties = calloc(config->property_count, sizeof(*settings->properties));
	if (!settings->properties)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for settings");
	for (size_t i = 0; i < config->property_count; i++) {
		enum msp_status status = kafka_property_check(&config->properties[i], err);
		if (status != MSP_OK)
			return status;
		char *name = strdup(config->properties[i].name), *value = strdup(config->properties[i].value);
		settings->properties[settings->property_count++] = (struct msp_property){name, value};
		if (!name || !value)
			return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for settings");
	}
	return MSP_OK;
}

static int64_t conf_number(const rd_kafka_conf_t *conf, const char *name)
{
	char text[24];
	size_t size = sizeof(text);
	return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK ? strtoll(text, NULL, 10) : 0;
}

/* As the user wrote it. */
static const char *heartbeat_name(const struct kafka_settings *settings)
{
	static const char base[] = "heartbeat.interval.ms";
	const char *name = base;
	for (size_t i = 0; i < settings->property_count; i++)
		if (strcmp(kafka_property_base(settings->properties[i].name), base) == 0)
			name = settings->properties[i].name;
	return name;
}

/* A member should have three chances for a heartbeat within a session; librdkafka takes any number. */
static enum msp_status heartbeat_check(const struct kafka_settings *settings, struct msp_error *err)
{
	rd_kafka_conf_t *conf;
	enum msp_status status = kafka_conf_new(settings, KAFKA_CONSUMER, &conf, err);
	if (status != MSP_OK)
		return status;
	int64_t session_ms = conf_number(conf, "session.timeout.ms");
	int64_t heartbeat_ms = conf_number(conf, "heartbeat.interval.ms");
	rd_kafka_conf_destroy(conf);
	if (heartbeat_ms <= session_ms / 3)
		return MSP_OK;
	return msp_error_set(err, MSP_E_INVALID,
	                     "kafka.%s: %" PRId64 " is not from 1 to %" PRId64 ", a third of the session (%" PRId64 " ms)",
	                     heartbeat_name(settings), heartbeat_ms, session_ms / 3, session_ms);
}

/* host or host:port, up to the comma. */
static bool broker_is_valid(const char *broker, size_t size)
{
	const char *colon = memrchr(broker, ':', size);
	size_t host_size = colon ? (size_t)(colon - broker) : size;
	if (host_size == 0 || memchr(broker, '/', size) || memchr(broker, '@', size))
		return false;
	if (!colon)
		return true;
	char *end;
	unsigned long port = strtoul(colon + 1, &end, 10);
	return end == broker + size && end > colon + 1 && port > 0 && port <= 65535;
}

static bool brokers_are_valid(const char *brokers, size_t size)
{
	for (size_t begin = 0; begin <= size;) {
		const char *comma = memchr(brokers + begin, ',', size - begin);
		size_t end = comma ? (size_t)(comma - brokers) : size;
		if (!broker_is_valid(brokers + begin, end - begin))
			return false;
		begin = end + 1;
	}
	return true;
}

/* kafka://host:port,host:port or the list alone. */
static enum msp_status url_parse(const char *url, char **ret_brokers, struct msp_error *err)
{
	static const char scheme[] = "kafka://";
	const char *brokers = strncasecmp(url, scheme, sizeof(scheme) - 1) == 0 ? url + sizeof(scheme) - 1 : url;
	size_t size = strlen(brokers);
	if (size > 0 && brokers[size - 1] == '/')
		size--;
	if (!brokers_are_valid(brokers, size))
		return msp_error_set(err, MSP_E_INVALID,
		                     "a Kafka URL is kafka://host:port,host:port; users and passwords are properties "
		                     "(kafka.sasl.username, kafka.sasl.password)");
	*ret_brokers = strndup(brokers, size);
	return *ret_brokers ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for settings");
}

enum msp_status kafka_settings_init(struct kafka_settings *settings, const struct msp_transport_config *config,
                                    struct msp_error *err)
{
	*settings = (struct kafka_settings){0};
	enum msp_status status = url_parse(config->url, &settings->brokers, err);
	if (status == MSP_OK && config->options)
		settings->options = *(const struct kafka_options *)config->options;
	else if (status == MSP_OK)
		status = msp_options_init(&kafka_option_table, &settings->options, err);
	if (status == MSP_OK && config->instance) {
		settings->instance = strdup(config->instance);
		if (!settings->instance)
			status = msp_error_set(err, MSP_E_NO_MEMORY, "no memory for settings");
	}
	if (status == MSP_OK)
		status = properties_copy(settings, config, err);
	if (status == MSP_OK)
		status = heartbeat_check(settings, err);
	if (status != MSP_OK)
		kafka_settings_done(settings);
	return status;
}

void kafka_settings_done(struct kafka_settings *settings)
{
	for (size_t i = 0; i < settings->property_count; i++) {
		free((void *)(uintptr_t)settings->properties[i].name);
		free((void *)(uintptr_t)settings->properties[i].value);
	}
	free(settings->properties);
	free(settings->brokers);
	free(settings->instance);
	*settings = (struct kafka_settings){0};
}
