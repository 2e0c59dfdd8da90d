/* The broker that all Kafka tests share: $MSP_TEST_KAFKA, which the ctest fixture of tests/support/kafka provides. */
#ifndef KAFKA_BROKER_H
#define KAFKA_BROKER_H

#include <stdbool.h>
#include <stddef.h>

/* Writes kafka://<host:port>; false: there is no broker. */
bool kafka_broker_find(char *url, size_t size);

#endif
