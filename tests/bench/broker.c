#include "broker.h"

#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define SEND_BATCH ((size_t)10000)

struct msp_transport *broker_open(const struct msp_transport_ops *ops, const char *url,
                                  const struct msp_property *settings, size_t setting_count)
{
	const struct msp_option_table *table = ops->options;
	struct msp_transport *transport;
	void *options = calloc(1, table->struct_size);
	bench_must(options && msp_options_init(table, options, NULL) == MSP_OK, "making options");
	for (size_t i = 0; i < setting_count; i++)
		bench_must(msp_option_set(msp_option_find(table, settings[i].name), options, settings[i].value, NULL) == MSP_OK,
		           settings[i].name);
	struct msp_transport_config config = {.url = url, .options = options};
	bench_must(ops->open(&config, &transport, NULL) == MSP_OK, "opening the broker");
	msp_options_done(table, options);
	free(options);
	return transport;
}

void broker_topic_create(struct msp_transport *transport, const char *topic)
{
	struct msp_topic_spec spec = {.name = topic, .partitions = 1};
	struct msp_admin *admin;
	bench_must(msp_transport_admin_open(transport, &admin, NULL) == MSP_OK, "opening the broker");
	bench_must(msp_admin_topic_create(admin, &spec, 10000, NULL) == MSP_OK, "creating a topic");
	msp_admin_free(admin);
}

void broker_send(struct msp_producer *producer, const char *topic, const char *value, size_t count)
{
	static struct msp_outgoing outgoing[SEND_BATCH];
	for (size_t sent = 0; sent < count; sent += SEND_BATCH) {
		size_t batch = count - sent < SEND_BATCH ? count - sent : SEND_BATCH;
		for (size_t i = 0; i < batch; i++)
			outgoing[i] = (struct msp_outgoing){
			    .message = {.value = msp_bytes_of_string(value), .timestamp_ms = MSP_TIMESTAMP_NONE}};
		bench_must(msp_producer_send(producer, topic, outgoing, batch, 60000, NULL) == MSP_OK, "sending");
	}
}

void broker_fill(struct msp_transport *transport, const char *topic, const char *value, size_t count)
{
	struct msp_producer *producer;
	bench_must(msp_transport_producer_open(transport, &producer, NULL) == MSP_OK, "opening a producer");
	broker_send(producer, topic, value, count);
	msp_producer_free(producer);
}

int64_t broker_newest(struct msp_transport *transport, const char *topic)
{
	struct msp_topic_info *info;
	struct msp_admin *admin;
	bench_must(msp_transport_admin_open(transport, &admin, NULL) == MSP_OK, "opening the broker");
	bench_must(msp_admin_topic_describe(admin, topic, &info, 10000, NULL) == MSP_OK, "describing a topic");
	int64_t newest = info->partitions[0].newest;
	free(info);
	msp_admin_free(admin);
	return newest;
}
