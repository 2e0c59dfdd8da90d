#include "client.h"
#include "error.h"

#include <assert.h>
#include <inttypes.h>
#include <msp/backoff.h>
#include <msp/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* What a small message that was fetched ahead costs librdkafka, its bytes included (400 measured). */
#define PREFETCH_MESSAGE_COST 512
/* What certificate_judged tells librdkafka, which logs it at every try. */
#define CERTIFICATE_REFUSED "certificate refused by OpenSSL"

/* ---- configuration ---- */

static const struct msp_property COMMON_DEFAULTS[] = {
    /* Nagle waits for an acknowledgement before it sends a small request; librdkafka turns it off from 2.10 on. */
    {"socket.nagle.disable", "true"},
    /* A peer that vanished without a word is noticed by the kernel. */
    {"socket.keepalive.enable", "true"},
    /* A broker that comes back is found within a second, not ten. */
    {"reconnect.backoff.max.ms", "1000"},
    /* Brokers close idle connections; that is no news. */
    {"log.connection.close", "false"},
};

static const struct msp_property CONSUMER_DEFAULTS[] = {
    {"auto.offset.reset", "earliest"},
    {"isolation.level", "read_committed"},
    /* Eager ones: all partitions are given up before new ones come, so a batch is wholly ours or wholly lost. (And the
     * cooperative one has had bugs up to 2.10.) */
    {"partition.assignment.strategy", "range,roundrobin"},
    {"enable.auto.offset.store", "false"},
    {"allow.auto.create.topics", "false"},
    /* How soon added partitions, and that the topic was deleted, are noticed. */
    {"topic.metadata.refresh.interval.ms", "10000"},
    /* How long a broker that has nothing new holds an answer back: what it has is sent at once anyhow, and every answer
     * wakes threads of a model that is idle. Longer, and partitions that come to a consumer with an empty topic wait
     * for it: librdkafka has one fetch at a broker at a time. */
    {"fetch.wait.max.ms", "2000"},
    /* After an error of one partition (a leader that moves) the next fetch. */
    {"fetch.error.backoff.ms", "100"},
};

static const struct msp_property PRODUCER_DEFAULTS[] = {
    /* No doubles and no reordering when a request is repeated; implies acks=all. */
    {"enable.idempotence", "true"},
    /* While the worker computes the next batch, this one fills whole requests; a settle that waits flushes. */
    {"linger.ms", "5"},
    /* Our partitioner chooses, also for messages without a key. */
    {"sticky.partitioning.linger.ms", "0"},
    /* How large a result may be before anyone is asked. The broker judges what arrives, compressed; beyond its
     * socket.request.max.bytes (100 MiB) it would cut the connection instead of refusing. */
    {"message.max.bytes", "67108864"},
};

static const char CONSUMER_PREFIX[] = "consumer.", PRODUCER_PREFIX[] = "producer.";

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

const char *kafka_property_base(const char *name)
{
	if (has_prefix(name, CONSUMER_PREFIX))
		return name + sizeof(CONSUMER_PREFIX) - 1;
	if (has_prefix(name, PRODUCER_PREFIX))
		return name + sizeof(PRODUCER_PREFIX) - 1;
	return name;
}

/* The prefix of the properties that are for this role alone. */
static const char *role_prefix(enum kafka_role role)
{
	return role == KAFKA_CONSUMER ? CONSUMER_PREFIX : PRODUCER_PREFIX;
}

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[256];
	rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof(text));
	assert(result == RD_KAFKA_CONF_OK);
	(void)result;
}

void kafka_conf_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	kafka_conf_set(conf, name, text);
}

/* A property that older versions of librdkafka do without. */
static void conf_set_if_known(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[8];
	rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof(text));
	assert(result != RD_KAFKA_CONF_INVALID);
	(void)result;
}

static void conf_set_all(rd_kafka_conf_t *conf, const struct msp_property *properties, size_t count)
{
	for (size_t i = 0; i < count; i++)
		kafka_conf_set(conf, properties[i].name, properties[i].value);
}

#define CONF_SET_ALL(conf, array) conf_set_all(conf, array, sizeof(array) / sizeof((array)[0]))

size_t kafka_prefetch_messages(const struct kafka_options *options)
{
	return (size_t)options->prefetch_max_bytes / PREFETCH_MESSAGE_COST;
}

static void conf_set_consumer_defaults(rd_kafka_conf_t *conf, const struct kafka_options *options)
{
	CONF_SET_ALL(conf, CONSUMER_DEFAULTS);
	kafka_conf_set_number(conf, "queued.max.messages.kbytes", options->prefetch_max_bytes / 1024);
	kafka_conf_set_number(conf, "queued.min.messages", (int64_t)kafka_prefetch_messages(options));
	/* From 2.2 on librdkafka looks this soon at a queue that was full. Before, see kafka_fetch_has_room_again. */
	conf_set_if_known(conf, "fetch.queue.backoff.ms", "2");
	kafka_conf_set_number(conf, "session.timeout.ms", options->session_timeout_ms);
	kafka_conf_set_number(conf, "heartbeat.interval.ms", options->session_timeout_ms / 3);
	/* librdkafka wants this to be no less than the session. */
	kafka_conf_set_number(conf, "max.poll.interval.ms",
	                      options->max_poll_interval_ms > options->session_timeout_ms ? options->max_poll_interval_ms
	                                                                                  : options->session_timeout_ms);
}

const char *const kafka_compressions[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};

static void conf_set_producer_defaults(rd_kafka_conf_t *conf, const struct kafka_options *options)
{
	CONF_SET_ALL(conf, PRODUCER_DEFAULTS);
	kafka_conf_set(conf, "compression.type", kafka_compressions[options->compression]);
}

/* librdkafka quotes values that it refuses; one that may be a secret must not reach a log. */
static bool is_secret(const char *name)
{
	static const char *const words[] = {"password", "secret", "key", "jaas", "oauthbearer", "token"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

/* The line's first word, when it is the name of a property. */
static size_t property_line_name(const char *line)
{
	size_t size = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789._");
	return line[size] == ' ' && memchr(line, '.', size) ? size : 0;
}

/* The property most like `name`, or "". librdkafka lists all it has, but only as a table for people. */
static void property_nearest(const char *name, char *nearest, size_t size)
{
	int best = (int)strlen(name) / 3 + 2; /* about a third of the name may be wrong */
	char *table = NULL, one[80];
	size_t table_size = 0;
	FILE *file = open_memstream(&table, &table_size);
	*nearest = '\0';
	if (!file)
		return;
	rd_kafka_conf_properties_show(file);
	fclose(file);
	for (const char *line = table; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
		snprintf(one, sizeof(one), "%.*s", (int)property_line_name(line), line);
		int distance = msp_edit_distance(name, one);
		if (*one && distance < best) {
			best = distance;
			snprintf(nearest, size, "%s", one);
		}
	}
	free(table);
}

static enum msp_status property_unknown(const struct msp_property *property, struct msp_error *err)
{
	const char *base = kafka_property_base(property->name);
	char nearest[80];
	property_nearest(base, nearest, sizeof(nearest));
	if (!*nearest)
		return msp_error_set(err, MSP_E_NOT_FOUND, "kafka.%s: librdkafka %s has no property %s", property->name,
		                     rd_kafka_version_str(), base);
	return msp_error_set(err, MSP_E_NOT_FOUND, "kafka.%s: librdkafka %s has no property %s; did you mean kafka.%.*s%s?",
	                     property->name, rd_kafka_version_str(), base, (int)(base - property->name), property->name,
	                     nearest);
}

enum msp_status kafka_conf_set_user(rd_kafka_conf_t *conf, const struct msp_property *property, struct msp_error *err)
{
	char text[160];
	const char *base = kafka_property_base(property->name);
	switch (rd_kafka_conf_set(conf, base, property->value, text, sizeof(text))) {
	case RD_KAFKA_CONF_OK:
		return MSP_OK;
	case RD_KAFKA_CONF_UNKNOWN:
		return property_unknown(property, err);
	default:
		text[strcspn(text, "\n")] = '\0';
		return msp_error_set(err, MSP_E_INVALID, "kafka.%s: %s", property->name,
		                     is_secret(base) ? "librdkafka refuses its value" : text);
	}
}

/* ---- callbacks ---- */

static enum msp_log_level log_level(int syslog_level)
{
	if (syslog_level <= 3)
		return MSP_LOG_WARN; /* librdkafka's errors are connections that fail; it goes on by itself */
	return syslog_level <= 6 ? MSP_LOG_INFO : MSP_LOG_DEBUG;
}

/* [any thread] Connection trouble is repeated at every try: it is said by whoever waits for the broker. */
static void client_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	static const char *const noise[] = {"FAIL",    "CONFWARN", "ERROR",      "REQTMOUT", "GETPID",   "TERMINATE",
	                                    "PARTCNT", "TXNERR",   "ADDOFFSETS", "FATAL",    "ADDPARTS", "COMMITFAIL"};
	enum msp_log_level ours = log_level(level);
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		if (strcmp(noise[i], facility) == 0 || strstr(text, CERTIFICATE_REFUSED))
			ours = MSP_LOG_DEBUG;
	if (msp_log_enabled(ours))
		msp_log(ours, "librdkafka", "client", rk ? rd_kafka_name(rk) : NULL, "facility", facility, "text", text, NULL);
}

/* "one/bootstrap: Connect to ipv4#… failed: Connection refused (after 0ms in state CONNECT, 3 identical …)": without
 * the parenthesis. */
static void client_error_cb(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	(void)rk;
	struct kafka_client *client = opaque;
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		client->down = true;
		return;
	}
	client->code = (rd_kafka_resp_err_t)code;
	snprintf(client->reason, sizeof(client->reason), "%.*s", (int)strcspn(reason, "("), reason);
	size_t size = strlen(client->reason);
	while (size > 0 && client->reason[size - 1] == ' ')
		client->reason[--size] = '\0';
}

/* The user's properties for one side, "" for both. */
static enum msp_status conf_set_side(rd_kafka_conf_t *conf, const struct kafka_settings *settings, const char *prefix,
                                     struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < settings->property_count && status == MSP_OK; i++) {
		const struct msp_property *property = &settings->properties[i];
		size_t prefix_size = (size_t)(kafka_property_base(property->name) - property->name);
		if (prefix_size == strlen(prefix) && has_prefix(property->name, prefix))
			status = kafka_conf_set_user(conf, property, err);
	}
	return status;
}

/* [librdkafka's thread] OpenSSL has judged the certificate; its reason is kept, because librdkafka says the same for
 * all. The signature is librdkafka's. NOLINTNEXTLINE(readability-non-const-parameter) */
static int certificate_judged(rd_kafka_t *rk, const char *broker, int32_t broker_id, int *x509_error, int depth,
                              const char *certificate, size_t size, char *text, size_t text_size, void *opaque)
{
	(void)rk, (void)broker, (void)broker_id, (void)depth, (void)certificate, (void)size;
	struct kafka_client *client = opaque;
	if (*x509_error == 0)
		return 1;
	atomic_store(&client->x509_error, *x509_error);
	snprintf(text, text_size, CERTIFICATE_REFUSED ", error %d", *x509_error);
	return 0;
}

enum msp_status kafka_conf_new(const struct kafka_settings *settings, enum kafka_role role, rd_kafka_conf_t **ret_conf,
                               struct msp_error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_default_topic_conf(conf, rd_kafka_topic_conf_new());
	kafka_conf_set(conf, "bootstrap.servers", settings->brokers);
	kafka_conf_set(conf, "client.id", settings->instance ? settings->instance : "msp");
	CONF_SET_ALL(conf, COMMON_DEFAULTS);
	/* Metrics for the broker, from 2.5 on: the end of a client waits a second for them, mostly for nothing. */
	conf_set_if_known(conf, "enable.metrics.push", "false");
	if (role == KAFKA_CONSUMER)
		conf_set_consumer_defaults(conf, &settings->options);
	else
		conf_set_producer_defaults(conf, &settings->options);
	enum msp_status status = conf_set_side(conf, settings, "", err);
	if (status == MSP_OK)
		status = conf_set_side(conf, settings, role_prefix(role), err);
	if (status != MSP_OK) {
		rd_kafka_conf_destroy(conf);
		return status;
	}
	rd_kafka_conf_set_log_cb(conf, client_log);
	rd_kafka_conf_set_error_cb(conf, client_error_cb);
	rd_kafka_conf_set_ssl_cert_verify_cb(conf, certificate_judged); /* refused by a librdkafka without TLS */
	*ret_conf = conf;
	return MSP_OK;
}

/* ---- the handle ---- */

/* Before 2.4 librdkafka's main thread rounds the time until its next timer down to milliseconds and spins through the
 * rest, at every timer of every client. A thread whose timers may be that late sleeps through it, and inherits this
 * from the one that starts it. A producer's are its linger.ms too; nothing of a consumer waits for less than 100 ms. */
static rd_kafka_t *handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *text, size_t size)
{
	unsigned long slack_ns = type == RD_KAFKA_CONSUMER ? 20000000 : 4000000;
	int before_ns = prctl(PR_GET_TIMERSLACK);
	if (rd_kafka_version() < 0x02040000 && before_ns > 0)
		prctl(PR_SET_TIMERSLACK, slack_ns);
	rd_kafka_t *rk = rd_kafka_new(type, conf, text, size);
	if (before_ns > 0)
		prctl(PR_SET_TIMERSLACK, (unsigned long)before_ns);
	return rk;
}

enum msp_status kafka_client_init(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, void *owner,
                                  struct msp_error *err)
{
	char text[200];
	memset(client, 0, sizeof(*client));
	client->owner = owner;
	rd_kafka_conf_set_opaque(conf, client);
	client->rk = handle_new(type, conf, text, sizeof(text));
	if (client->rk)
		return MSP_OK;
	rd_kafka_conf_destroy(conf);
	return msp_error_set(err, MSP_E_INVALID, "librdkafka refuses its configuration: %s", text);
}

void kafka_client_done(struct kafka_client *client)
{
	if (client->rk)
		rd_kafka_destroy_flags(client->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); /* member.c */
	client->rk = NULL;
}

void kafka_client_poll(struct kafka_client *client)
{
	rd_kafka_poll(client->rk, 0);
}

int kafka_left_ms(int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - msp_monotonic_ms();
	return left_ms > 0 ? (int)left_ms : 0;
}

/* The codes of OpenSSL's x509_vfy.h that people meet. */
static const char *certificate_trouble(int x509_error)
{
	switch (x509_error) {
	case 0:
		return NULL;
	case 9:
		return "the broker's certificate is not valid yet";
	case 10:
		return "the broker's certificate has expired";
	case 62:
	case 64:
		return "the broker's certificate is for another host";
	default:
		return "the broker's certificate is not signed by an authority of kafka.ssl.ca.location";
	}
}

/* The connection has failed for `client->reason`. */
static enum msp_status connection_error(struct kafka_client *client, struct msp_error *err, const char *text)
{
	const char *certificate = certificate_trouble(atomic_load(&client->x509_error));
	if (client->code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
		text = "the broker refuses the login";
	else if (certificate && strstr(client->reason, "certificate"))
		text = certificate;
	return kafka_error_set(err, client->code, client->reason, "%s", text);
}

enum msp_status kafka_client_error(struct kafka_client *client, rd_kafka_resp_err_t code, struct msp_error *err,
                                   const char *format, ...)
{
	char text[MSP_ERROR_TEXT_SIZE], fatal[MSP_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	rd_kafka_resp_err_t fatal_code = rd_kafka_fatal_error(client->rk, fatal, sizeof(fatal));
	if (fatal_code)
		return kafka_error_set(err, fatal_code, fatal, "%s", text);
	bool connection = code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
	                  code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
	if (connection && client->reason[0])
		return connection_error(client, err, text);
	return kafka_error_set(err, code, NULL, "%s", text);
}
