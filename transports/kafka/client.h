/* A librdkafka handle, how it is configured, and what it said went wrong. */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include "kafka.h"

#include <librdkafka/rdkafka.h>
#include <msp/clock.h>
#include <stdatomic.h>

enum kafka_role {
	KAFKA_CONSUMER, /* consumers and readers */
	KAFKA_PRODUCER, /* whatever publishes, and the admin */
};

/* The property's name without "consumer." or "producer.". */
const char *kafka_property_base(const char *name);

/* Sets what the user wrote; the refusal names the nearest property, and never a value that may be a secret. */
enum msp_status kafka_conf_set_user(rd_kafka_conf_t *conf, const struct msp_property *property,
                                    struct msp_error *err) MSP_NODISCARD;
/* Our defaults for the role, then the user's properties; with a default topic configuration. The caller owns *ret_conf.
 */
enum msp_status kafka_conf_new(const struct kafka_settings *settings, enum kafka_role role, rd_kafka_conf_t **ret_conf,
                               struct msp_error *err) MSP_NODISCARD;
/* Sets a property that the transport needs; asserts that librdkafka takes it. */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
void kafka_conf_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value);

/* How many messages are fetched ahead at most, so that many small ones stay within the limit too. */
size_t kafka_prefetch_messages(const struct kafka_options *options);

/* [owner thread] librdkafka's callbacks run when the owner polls the handle. */
struct kafka_client {
	rd_kafka_t *rk;   /* owned */
	void *owner;      /* for the callbacks of whoever has this client */
	atomic_bool down; /* no broker can be reached, as far as librdkafka knows */
	rd_kafka_resp_err_t code;
	char reason[160];      /* the last thing that went wrong with a connection */
	atomic_int x509_error; /* OpenSSL's reason why it refused a certificate; 0: none */
};

/* Makes the handle; waits for nothing. Takes `conf` whatever comes of it. `client` must not move afterwards. */
enum msp_status kafka_client_init(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, void *owner,
                                  struct msp_error *err) MSP_NODISCARD;
/* Everything that came from the handle (messages, queues, partition lists that librdkafka filled) must be destroyed
 * before, or this waits for ever. */
void kafka_client_done(struct kafka_client *client);

/* Milliseconds until msp_monotonic_ms() is `deadline_ms`. Never negative: to librdkafka that would be without end. */
int kafka_left_ms(int64_t deadline_ms);

/* Serves what librdkafka has to say about connections: fills `down`, `code` and `reason`. No message, no rebalance and
 * no error of a partition comes this way, since a consumer's queue is never joined to this one. Waits for nothing. */
void kafka_client_poll(struct kafka_client *client);

/* After a call failed with `code`: fills `err`, with the reason why the broker is out of reach where that is known. */
enum msp_status kafka_client_error(struct kafka_client *client, rd_kafka_resp_err_t code, struct msp_error *err,
                                   const char *format, ...) MSP_PRINTF(4, 5);

#endif
