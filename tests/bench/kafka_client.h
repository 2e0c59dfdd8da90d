/* librdkafka's clients, for benches. Every failure ends the process. */
#ifndef BENCH_KAFKA_CLIENT_H
#define BENCH_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

struct kafka_property {
	const char *name, *value;
};

/* `properties` end with a NULL name. */
rd_kafka_conf_t *kafka_client_conf(const char *brokers, const struct kafka_property *properties);
void kafka_client_set(rd_kafka_conf_t *conf, const char *name, const char *value);
/* Takes `conf`. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* A consumer of a topic's partitions 0, 1, … from these offsets on (NULL: from their ends), without a group. */
rd_kafka_t *kafka_client_reader(rd_kafka_conf_t *conf, const char *topic, int partitions, const int64_t *offsets);
/* Ends the process with its text when there is one. */
void kafka_client_must(rd_kafka_error_t *error);
void kafka_client_must_code(rd_kafka_resp_err_t code, const char *what);

#endif
