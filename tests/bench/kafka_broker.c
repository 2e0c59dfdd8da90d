#include "kafka_broker.h"

#include "bench.h"
#include "kafka_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *broker_address;
static char broker_url[128];
static rd_kafka_t *client;

/* ---- a broker of our own ---- */

static char script[PATH_MAX];

/* A process that stops the broker once the other end of this pipe is gone, however the bench ends. */
static pid_t guard;
static int guard_fd;

static void guard_start(void)
{
	int ends[2];
	char byte;
	bench_must(pipe2(ends, O_CLOEXEC) == 0, "making a pipe");
	guard = fork();
	bench_must(guard >= 0, "fork");
	guard_fd = ends[1];
	if (guard > 0) {
		close(ends[0]);
		return;
	}
	setsid(); /* away from Control-C */
	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	execl(script, script, "stop", "kafka", (char *)NULL);
	_exit(127);
}

static void broker_stop(void)
{
	int status;
	close(guard_fd);
	waitpid(guard, &status, 0);
}

static const char *broker_start(void)
{
	static char address[64];
	const char *directory = getenv("MSP_SOURCE_DIR");
	bench_must(directory != NULL, "finding MSP_SOURCE_DIR in the environment");
	snprintf(script, sizeof(script), "%s/tests/support/kafka/broker.sh", directory);
	bench_must(access(script, X_OK) == 0, script);
	guard_start();
	atexit(broker_stop);
	const char *const argv[] = {script, "start", "kafka", NULL};
	bench_run(argv, NULL, "address");
	FILE *file = fopen("address", "r");
	bench_must(file && fgets(address, sizeof(address), file), "learning the broker's address");
	fclose(file);
	address[strcspn(address, "\n")] = '\0';
	return address;
}

/* ---- the client ---- */

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	(void)producer, (void)opaque;
	kafka_client_must_code(message->err, "sending");
}

static void client_close(void)
{
	rd_kafka_destroy(client);
}

void kafka_broker_enter(void)
{
	static const struct kafka_property properties[] = {
	    {"enable.idempotence", "true"},
	    {"linger.ms", "50"},
	    {"compression.type", "lz4"},
	    {NULL, NULL},
	};
	broker_address = getenv("MSP_TEST_KAFKA");
	if (!broker_address)
		broker_address = broker_start();
	snprintf(broker_url, sizeof(broker_url), "kafka://%s", broker_address);
	rd_kafka_conf_t *conf = kafka_client_conf(broker_address, properties);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	client = kafka_client_new(RD_KAFKA_PRODUCER, conf);
	atexit(client_close);
}

const char *kafka_broker_address(void)
{
	return broker_address;
}

const char *kafka_broker_as_url(void)
{
	return broker_url;
}

rd_kafka_t *kafka_broker_client(void)
{
	return client;
}
