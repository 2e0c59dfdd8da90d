/* The Kafka broker of a bench. Every failure ends the bench. */
#ifndef BENCH_KAFKA_BROKER_H
#define BENCH_KAFKA_BROKER_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

/* A broker for the length of the bench, which has entered its directory: the one that MSP_TEST_KAFKA names, or one of
 * our own, stopped at the end. */
void kafka_broker_enter(void);
/* "host:port" of it, constant. */
const char *kafka_broker_address(void);
/* A producer, for requests about topics and for sending; a message that is not delivered ends the bench. */
rd_kafka_t *kafka_broker_client(void);
/* From MSP_BENCH_MESSAGES; 3,000,000 without it. */
size_t kafka_broker_messages(void);

#endif
