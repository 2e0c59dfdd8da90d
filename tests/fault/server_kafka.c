/* A Kafka broker with two listeners: one for whoever comes directly, and one whose clients it sends to the proxy. */
#include "server.h"

#include "folder.h"
#include "process.h"

#include <msp/clock.h>
#include <msp_transport_kafka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS  180000 /* the first start may fetch the jars */
#define ANSWER_MS 1000
#define RETRY_MS  100

struct server_kafka {
	struct server base;
	struct process process;
	char folder[PATH_MAX / 2];
	char proxy[64]; /* KAFKA_TEST_PROXY=host:port */
};

static const struct server_ops SERVER_OPS;

static struct server_kafka *server_cast(struct server *server)
{
	return (struct server_kafka *)server; /* only ever called through its ops */
}

/* The host:port that the broker's script has left in a file. */
static bool address_read(const struct server_kafka *server, const char *name, char *address, size_t size)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", server->folder, name);
	FILE *file = fopen(path, "re");
	bool read = file && fgets(address, (int)size, file) && strchr(address, '\n');
	if (file)
		fclose(file);
	if (read)
		*strchr(address, '\n') = 0;
	return read;
}

static void topic_ignore(void *context, const char *topic)
{
	(void)context, (void)topic;
}

static bool server_answers(const struct server_kafka *server)
{
	struct msp_transport_config config = {.url = server->base.url};
	struct msp_transport *transport = NULL;
	struct msp_admin *admin = NULL;
	bool answers = msp_transport_kafka.open(&config, &transport, NULL) == MSP_OK &&
	               msp_transport_admin_open(transport, &admin, NULL) == MSP_OK &&
	               msp_admin_topic_list(admin, topic_ignore, NULL, ANSWER_MS, NULL) == MSP_OK;
	if (admin)
		msp_admin_free(admin);
	if (transport)
		msp_transport_free(transport);
	return answers;
}

/* The script writes the addresses before it becomes the broker. */
static bool server_wait(struct server_kafka *server)
{
	char address[64];
	int64_t deadline_ms = msp_monotonic_ms() + START_MS;
	while (process_is_running(&server->process) && msp_monotonic_ms() < deadline_ms) {
		if (address_read(server, "address", address, sizeof(address))) {
			snprintf(server->base.url, sizeof(server->base.url), "kafka://%s", address);
			if (server_answers(server))
				return true;
		}
		poll(NULL, 0, RETRY_MS);
	}
	fprintf(stderr, "the Kafka broker does not start; see %s\n", server->folder);
	process_end(&server->process);
	return false;
}

static bool server_restart(struct server *base)
{
	struct server_kafka *server = server_cast(base);
	const char *const arguments[] = {KAFKA_BROKER_SCRIPT, "run", server->folder, NULL};
	if (process_is_running(&server->process))
		return true;
	return process_start(&server->process, arguments, (const char *const[]){server->proxy, NULL}) &&
	       server_wait(server);
}

static void server_kill(struct server *base)
{
	process_end(&server_cast(base)->process);
}

static void server_free(struct server *base)
{
	process_end(&server_cast(base)->process);
	folder_remove(server_cast(base)->folder);
	free(base);
}

/* Folder and names; nothing runs yet. */
static bool server_prepare(struct server_kafka *server, int proxy_port)
{
	server->base.ops = &SERVER_OPS;
	snprintf(server->base.proxied_url, sizeof(server->base.proxied_url), "kafka://127.0.0.1:%d", proxy_port);
	snprintf(server->proxy, sizeof(server->proxy), "KAFKA_TEST_PROXY=127.0.0.1:%d", proxy_port);
	if (!folder_make("kafka", server->folder, sizeof(server->folder)))
		return false;
	snprintf(server->process.log_path, sizeof(server->process.log_path), "%s/run.log", server->folder);
	snprintf(server->process.ready_path, sizeof(server->process.ready_path), "%s/ready", server->folder);
	return true;
}

struct server *server_start_kafka(int proxy_port)
{
	char address[64];
	struct server_kafka *server = calloc(1, sizeof(*server));
	if (server && server_prepare(server, proxy_port) && server_restart(&server->base) &&
	    address_read(server, "proxied", address, sizeof(address))) {
		server->base.proxied_port = atoi(strchr(address, ':') + 1);
		return &server->base;
	}
	free(server);
	return NULL;
}

static const struct server_ops SERVER_OPS = {
    .kill = server_kill,
    .restart = server_restart,
    .free = server_free,
};
