/* The Kafka transport. URL: kafka://host:9092,host2:9092, or bare host:9092 */
#ifndef MSP_TRANSPORT_KAFKA_H
#define MSP_TRANSPORT_KAFKA_H

#include <msp/transport.h>

extern const struct msp_transport_ops msp_transport_kafka;

#endif
