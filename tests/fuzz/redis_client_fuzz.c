/* Any bytes as what a server answers to those who ask once and wait: what it is, the consumer group, a lease, how much
 * is left to do. Each ends with an answer or a reason, and numbers are what the server can have counted.
 *
 * The first byte is the question, the rest are chunks, one for each time that the client asks the server. */
#include "check.h"
#include "group.h"
#include "lag.h"
#include "lease.h"
#include "redis_link.h"
#include <msp/clock.h>
#include <msp/log.h>
#include <msp/message.h>

#define CHUNKS_MAX 64
#define TIMEOUT_MS 10000
#define QUESTIONS  5

static const struct redis_group GROUP = {.topic = "m.inputs", .name = "m", .may_repeat = true};

static enum msp_status ask_server(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	const char *const topics[] = {"m.inputs", "m.outputs", NULL};
	return redis_check_server(client, topics, deadline_ms, err);
}

static enum msp_status ask_group(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	const char *const topics[] = {"m.outputs", NULL};
	redisReply *reply;
	redis_group_put(&GROUP, &client->link.out);
	redis_link_expect(&client->link, 0, 0);
	enum msp_status status = redis_client_result(client, GROUP.topic, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	status = redis_group_result(&GROUP, reply, err);
	freeReplyObject(reply);
	return status == MSP_OK ? redis_group_probe(&GROUP, topics, client, deadline_ms, err) : status;
}

static enum msp_status ask_lease(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	struct redis_lease_config config = {.inputs = GROUP.topic, .group = GROUP.name};
	struct redis_lease lease = {.key = NULL};
	(void)deadline_ms;
	enum msp_status status = redis_lease_take(&lease, &config, client, 1000, err);
	must(lease.is_held == (status == MSP_OK), "a lease is held or not");
	redis_lease_done(&lease);
	return status;
}

static enum msp_status ask_lag_until(struct redis_client *client, const char *newest, int64_t deadline_ms,
                                     struct msp_error *err)
{
	struct redis_lag_question question = {client, GROUP.topic, GROUP.name, newest, deadline_ms};
	struct redis_lag lag = {.oldest_timestamp_ms = MSP_TIMESTAMP_NONE};
	enum msp_status status = redis_lag_ask(&question, &lag, err);
	must(lag.messages >= 0, "a lag is a number of messages");
	must(lag.oldest_timestamp_ms >= 0 || lag.oldest_timestamp_ms == MSP_TIMESTAMP_NONE, "a message is of some time");
	return status;
}

static enum msp_status ask_lag(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	enum msp_status status = ask_lag_until(client, "1700000000000-5", deadline_ms, err);
	return status == MSP_OK ? ask_lag_until(client, NULL, deadline_ms, err) : status;
}

static enum msp_status ask_stream(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	redisReply *info;
	enum msp_status status = redis_client_describe(client, GROUP.topic, deadline_ms, &info, err);
	if (status == MSP_OK)
		freeReplyObject(info);
	return status;
}

static enum msp_status (*const ASK[QUESTIONS])(struct redis_client *client, int64_t deadline_ms,
                                               struct msp_error *err) = {
    ask_server, ask_group, ask_lease, ask_lag, ask_stream,
};

/* One packet for each chunk: the client reads no more than it has asked for. Then the server is gone. */
static void server_speaks(int server, struct msp_bytes input)
{
	struct msp_bytes chunk;
	for (int i = 0; i < CHUNKS_MAX && chunk_next(&input, &chunk); i++)
		(void)!send(server, chunk.data, chunk.size, MSG_NOSIGNAL);
	(void)shutdown(server, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redis_endpoint endpoint = {.address = {.path = "/nowhere/redis.sock", .name = "unix:///nowhere/redis.sock"},
	                                  .options = {.retry_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS}};
	struct redis_client client;
	struct msp_error err = {.status = MSP_OK};
	if (size == 0)
		return 0;
	msp_log_set_level(MSP_LOG_ERROR);
	redis_resolver_init(&endpoint.resolver, &endpoint.address);
	redis_client_init(&client, &endpoint, "fuzz");
	int end = link_plug(&client.link, SOCK_SEQPACKET);
	server_speaks(end, msp_bytes_of(data + 1, size - 1));
	if (ASK[data[0] % QUESTIONS](&client, msp_monotonic_ms() + TIMEOUT_MS, &err) != MSP_OK)
		must(err.text[0] != '\0' && err.status != MSP_OK, "what is not answered has a reason");
	redis_client_done(&client);
	redis_resolver_done(&endpoint.resolver);
	close(end);
	return 0;
}
