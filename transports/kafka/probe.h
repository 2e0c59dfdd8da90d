/* Probes: the first message that a reader sees from an offset on.
 *
 * Markers of transactions and aborted records take offsets too, so only a fetch tells whether anything is there. A
 * probe runs until a message came or the end of the partition, also while nobody waits for it: aborted records can be
 * many. One client runs any number of probes, one in a partition at a time. [owner thread] */
#ifndef KAFKA_PROBE_H
#define KAFKA_PROBE_H

#include "client.h"

#include <msp/backoff.h>

enum kafka_found {
	KAFKA_FOUND_NOTHING_YET,
	KAFKA_FOUND_MESSAGE,
	KAFKA_FOUND_END,     /* of what there was then */
	KAFKA_FOUND_NO_RIGHT /* to read the topic */
};

/* Zeroed before its first use. */
struct kafka_probe {
	int64_t offset; /* where it looks, then where it found something; no reader sees anything in between */
	enum kafka_found found;
	int64_t timestamp_ms;      /* of the message that was found, or MSP_TIMESTAMP_NONE */
	rd_kafka_resp_err_t error; /* that has ended it without a result */

	struct kafka_probe *next; /* that runs */
	rd_kafka_topic_t *topic;  /* while it runs; owned */
	int32_t partition;
	/* The partition's own, or NULL; owned. An answer that comes after the stop leaves messages there, and librdkafka
	 * waits in rd_kafka_destroy for messages of a topic that was deleted. */
	rd_kafka_queue_t *late;
};

struct kafka_prober {
	struct kafka_client *client;  /* borrowed */
	rd_kafka_queue_t *queue;      /* what all probes fetch */
	struct kafka_probe *running;  /* borrowed */
	struct msp_backoff wait_time; /* until the partitions' leaders are nudged */
};

/* What a client that runs probes needs. */
void kafka_prober_configure(rd_kafka_conf_t *conf);
void kafka_prober_init(struct kafka_prober *prober, struct kafka_client *client);
/* Probes are done before. */
void kafka_prober_done(struct kafka_prober *prober);

/* Looks from probe->offset on. A probe that runs goes on; one whose partition has another that runs does not start, so
 * it is started again once something was found. `probe` must not move while it runs. */
void kafka_probe_start(struct kafka_prober *prober, struct kafka_probe *probe, const char *topic, int32_t partition);
/* Forgets what was found and looks from `offset` on when it is started next. */
void kafka_probe_reset(struct kafka_prober *prober, struct kafka_probe *probe, int64_t offset);
void kafka_probe_done(struct kafka_prober *prober, struct kafka_probe *probe);

/* Waits at most timeout_ms for the result of one probe. */
void kafka_prober_wait(struct kafka_prober *prober, int timeout_ms);

#endif
