/* Topics and backlogs for benches. Every failure ends the bench. */
#ifndef BENCH_BROKER_H
#define BENCH_BROKER_H

#include <msp/transport.h>

/* Opens `url`, with these settings of the transport (or none). */
struct msp_transport *broker_open(const struct msp_transport_ops *ops, const char *url,
                                  const struct msp_property *settings, size_t setting_count);

void broker_topic_create(struct msp_transport *transport, const char *topic);
/* Sends `value` so many times to partition 0. */
void broker_send(struct msp_producer *producer, const char *topic, const char *value, size_t count);
/* The same with a producer of its own. */
void broker_fill(struct msp_transport *transport, const char *topic, const char *value, size_t count);
/* How many messages a topic of one partition has ever had. */
int64_t broker_newest(struct msp_transport *transport, const char *topic);

#endif
