/* A producer client with the topics that it writes to. [owner thread] */
#ifndef KAFKA_PUBLISHER_H
#define KAFKA_PUBLISHER_H

#include "client.h"

#define KAFKA_BATCH_BYTES 1000000 /* librdkafka's batch.size by default */

enum kafka_ticket_state {
	KAFKA_UNSENT,
	KAFKA_SENT,      /* no report yet */
	KAFKA_DELIVERED, /* durable, in a transaction that need not be committed */
	KAFKA_REFUSED,   /* its request was, perhaps because of another message in it */
	KAFKA_UNDELIVERED,
};

/* One message on its way; librdkafka hands it back with the delivery report. */
struct kafka_ticket {
	struct kafka_flight *flight;
	int32_t partition; /* the input's */
	enum msp_route route;
	enum kafka_ticket_state state;
	rd_kafka_resp_err_t code;
};

/* The messages of one array on their way. librdkafka has its own copies of them, so an abandoned flight may outlive the
 * array: it stays until its last report. */
struct kafka_flight {
	struct kafka_flight *next; /* abandoned before this one */
	struct msp_outgoing *outgoing;
	size_t count;
	bool abandoned;
	bool transactional; /* a delivered message is not published yet */
	size_t on_the_way, refused, undelivered;
	rd_kafka_resp_err_t failure; /* of the first undelivered, */
	enum msp_route failed_route; /* and where it was to go */
	struct kafka_ticket tickets[];
};

struct kafka_publisher {
	struct kafka_client client;
	const struct kafka_settings *settings;
	char *transactional_id;         /* or NULL */
	char *names[2];                 /* by route; owned */
	rd_kafka_topic_t *topics[2];    /* of `names`; NULL until opened */
	size_t max_message_bytes;       /* the smaller limit of the two topics; 0: not known */
	size_t batch_bytes;             /* no request is larger; 0: librdkafka's default */
	bool outdated;                  /* the client is older than batch_bytes */
	bool reopen[2];                 /* topics that a renewal has closed and, because it failed, not opened again */
	struct kafka_flight *abandoned; /* owned */
};

/* `transactional_id` NULL: no transactions. The publisher must not move. */
enum msp_status kafka_publisher_init(struct kafka_publisher *publisher, const struct kafka_settings *settings,
                                     const char *transactional_id, struct msp_error *err) MSP_NODISCARD;
/* Makes the client, unless it is there; waits for nothing. To be called before anything below. */
enum msp_status kafka_publisher_start(struct kafka_publisher *publisher, struct msp_error *err) MSP_NODISCARD;
/* Gives up what is on its way. Safe on a zeroed publisher. */
void kafka_publisher_done(struct kafka_publisher *publisher);

/* Names the topic of a route; it need not be there. */
enum msp_status kafka_publisher_name_topic(struct kafka_publisher *publisher, enum msp_route route, const char *name,
                                           struct msp_error *err) MSP_NODISCARD;
/* Learns the metadata and the limit of the route's topic, so that the first message does not wait for them, unless they
 * are known. Afterwards `outdated` may be set: then the client must be renewed. MSP_E_NOT_FOUND: no such topic. */
enum msp_status kafka_publisher_open_topic(struct kafka_publisher *publisher, enum msp_route route, int timeout_ms,
                                           struct msp_error *err) MSP_NODISCARD;
/* After a topic turned out to be missing: the next open asks again. */
void kafka_publisher_forget_topics(struct kafka_publisher *publisher);

/* A new client in place of one that is broken (librdkafka calls it fatal), or whose requests are too large. What was on
 * its way is unsent afterwards, though the broker may have it. */
enum msp_status kafka_publisher_renew(struct kafka_publisher *publisher, struct kafka_flight *flight,
                                      struct msp_error *err) MSP_NODISCARD;
bool kafka_publisher_is_broken(const struct kafka_publisher *publisher);

struct kafka_flight *kafka_flight_new(struct msp_outgoing *outgoing, size_t count, bool transactional);
/* Frees it, or leaves it to the publisher until its last report. */
void kafka_flight_abandon(struct kafka_publisher *publisher, struct kafka_flight *flight);

/* Hands message `index` to librdkafka. RD_KAFKA_RESP_ERR__QUEUE_FULL: not now. */
rd_kafka_resp_err_t kafka_publisher_send(struct kafka_publisher *publisher, struct kafka_flight *flight, size_t index);

#endif
