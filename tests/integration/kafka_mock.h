/* librdkafka's mock cluster of one broker with the three topics of a model, and a transport of ours on it. */
#ifndef KAFKA_MOCK_H
#define KAFKA_MOCK_H

#include "check.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <msp/transport.h>

#define DEADLINE_MS 60000
#define BROKER      1 /* the number of the one */
/* Longer than anything waits here. */
#define NO_ANSWER_MS (10 * DEADLINE_MS)

/* Kafka's numbers of requests. */
enum {
	PRODUCE = 0,
	OFFSET_COMMIT = 8,
	OFFSET_FETCH = 9,
	FIND_COORDINATOR = 10,
	JOIN_GROUP = 11,
	HEARTBEAT = 12,
	INIT_PRODUCER_ID = 22,
	ADD_PARTITIONS_TO_TXN = 24,
	ADD_OFFSETS_TO_TXN = 25,
	END_TXN = 26,
	TXN_OFFSET_COMMIT = 28,
};

struct kafka_mock {
	rd_kafka_t *host;
	rd_kafka_mock_cluster_t *cluster;
	void *options; /* of the transport */
	struct msp_transport *transport;
	char names[3][32]; /* inputs, outputs, errors */
};

/* Topics of so many partitions; `settings` are the transport's options, until one without a name, or NULL. */
void kafka_mock_start(struct kafka_mock *mock, int partitions, const struct msp_property *settings);
/* What was opened on the transport has been freed before. */
void kafka_mock_stop(struct kafka_mock *mock);

/* A member of the one group. */
struct msp_consumer *kafka_mock_consumer_open(struct kafka_mock *mock, enum msp_guarantee guarantee,
                                              const char *instance);
/* Sends `count` inputs to a partition and waits until they are there. */
void kafka_mock_inputs_send(struct kafka_mock *mock, int32_t partition, size_t count);
/* The next batch, whatever the broker says meanwhile, as long as trying again is what the consumer wants. */
struct msp_batch *kafka_mock_receive(struct msp_consumer *consumer, size_t max_messages);
/* The broker takes requests and answers none. */
void kafka_mock_hang(struct kafka_mock *mock);
/* It answers again what comes from now on. */
void kafka_mock_answer(struct kafka_mock *mock);

#endif
