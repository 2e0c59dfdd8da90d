/* The Kafka broker of a bench. Every failure ends the bench. */
#ifndef BENCH_KAFKA_BROKER_H
#define BENCH_KAFKA_BROKER_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

/* A broker for the length of the bench, which has entered its directory: the one that MSP_TEST_KAFKA names, or one of
 * our own, stopped at the end. */
void kafka_broker_enter(void);
/* "host:port" of it, constant; and the same as msp wants it. */
const char *kafka_broker_address(void);
const char *kafka_broker_as_url(void);
/* A producer, for requests about topics and for sending; a message that is not delivered ends the bench. */
rd_kafka_t *kafka_broker_client(void);
/* The size of a backlog, or what MSP_BENCH_MESSAGES says. */
#define KAFKA_BROKER_MESSAGES ((size_t)3000000)

#endif
