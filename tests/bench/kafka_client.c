#include "kafka_client.h"

#include "bench.h"

#include <stdio.h>

void kafka_client_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[256];
	bench_must(rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK, name);
}

rd_kafka_conf_t *kafka_client_conf(const char *brokers, const struct kafka_property *properties)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	kafka_client_set(conf, "bootstrap.servers", brokers);
	/* As everything here runs on one machine, a small request that waits for a larger one only costs time. */
	kafka_client_set(conf, "socket.nagle.disable", "true");
	/* Errors; that a fresh broker still loads its coordinators is none. */
	kafka_client_set(conf, "log_level", "3");
	for (; properties->name; properties++)
		kafka_client_set(conf, properties->name, properties->value);
	return conf;
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char text[256];
	rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
	bench_must(client != NULL, text);
	return client;
}

rd_kafka_t *kafka_client_reader(rd_kafka_conf_t *conf, const char *topic, int partitions, const int64_t *offsets)
{
	/* librdkafka wants the name of a group even where none is joined. */
	kafka_client_set(conf, "group.id", topic);
	kafka_client_set(conf, "enable.auto.commit", "false");
	rd_kafka_t *reader = kafka_client_new(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(reader);
	rd_kafka_topic_partition_list_t *assignment = rd_kafka_topic_partition_list_new(partitions);
	for (int i = 0; i < partitions; i++)
		rd_kafka_topic_partition_list_add(assignment, topic, i)->offset = offsets ? offsets[i] : RD_KAFKA_OFFSET_END;
	kafka_client_must_code(rd_kafka_assign(reader, assignment), topic);
	rd_kafka_topic_partition_list_destroy(assignment);
	return reader;
}

void kafka_client_must(rd_kafka_error_t *error)
{
	bench_must(error == NULL, error ? rd_kafka_error_string(error) : "");
}

void kafka_client_must_code(rd_kafka_resp_err_t code, const char *what)
{
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		fprintf(stderr, "bench: %s\n", rd_kafka_err2str(code));
	bench_must(code == RD_KAFKA_RESP_ERR_NO_ERROR, what);
}
