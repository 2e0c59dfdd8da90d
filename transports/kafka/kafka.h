/* What the files of the Kafka transport share: its settings and how its objects are opened. */
#ifndef KAFKA_H
#define KAFKA_H

#include <msp/transport.h>

/* How long an open waits for the broker before it answers "unavailable"; the caller may try again. */
#define KAFKA_OPEN_TIMEOUT_MS 3000

struct kafka_options {
	int64_t prefetch_max_bytes;
	int64_t session_timeout_ms;
	int64_t transaction_timeout_ms;
	int64_t max_poll_interval_ms;
	int compression; /* of kafka_compressions */
};

struct kafka_settings {
	char *brokers;  /* "host:port,…" */
	char *instance; /* or NULL */
	struct kafka_options options;
	struct msp_property *properties; /* librdkafka's, as the user wrote them; strings owned */
	size_t property_count;
};

struct kafka_transport {
	struct msp_transport base;
	struct kafka_settings settings;
};

extern const struct msp_option_table kafka_option_table;
extern const char *const kafka_compressions[];

/* See property_check of struct msp_transport_ops: refuses what librdkafka refuses, and what would break the guarantee.
 */
enum msp_status kafka_property_check(const struct msp_property *property, struct msp_error *err);

/* Copies `config`. MSP_E_INVALID: a bad URL; also what kafka_property_check says. On failure `settings` is as after
 * done. */
enum msp_status kafka_settings_init(struct kafka_settings *settings, const struct msp_transport_config *config,
                                    struct msp_error *err) MSP_NODISCARD;
void kafka_settings_done(struct kafka_settings *settings);

/* The slots of the transport, see <msp/transport.h>. Objects borrow `settings`. */
enum msp_status kafka_consumer_open(const struct kafka_settings *settings, const struct msp_consumer_config *config,
                                    struct msp_consumer **ret_consumer, struct msp_error *err);
enum msp_status kafka_producer_open(const struct kafka_settings *settings, struct msp_producer **ret_producer,
                                    struct msp_error *err);
enum msp_status kafka_reader_open(const struct kafka_settings *settings, const struct msp_reader_config *config,
                                  struct msp_reader **ret_reader, struct msp_error *err);
enum msp_status kafka_admin_open(const struct kafka_settings *settings, struct msp_admin **ret_admin,
                                 struct msp_error *err);

#endif
