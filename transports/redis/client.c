#include "client.h"
#include "reply.h"
#include <msp/clock.h>

static void client_reply(void *context, int kind, size_t index, redisReply *reply)
{
	struct redis_client *client = context;
	(void)kind;
	if (client->on_reply) {
		client->on_reply(client->context, index, reply);
		return;
	}
	if (client->reply)
		freeReplyObject(client->reply);
	client->reply = reply;
}

static void client_down(void *context)
{
	struct redis_client *client = context;
	client->was_down = true;
	client->is_denied = client->link.error.status == MSP_E_DENIED;
}

static const struct redis_link_events EVENTS = {client_reply, client_down};

void redis_client_init(struct redis_client *client, struct redis_endpoint *endpoint, const char *name)
{
	*client = (struct redis_client){.wake = -1};
	struct redis_link_config config = {endpoint, name, &EVENTS, client};
	redis_link_init(&client->link, &config);
}

void redis_client_done(struct redis_client *client)
{
	redis_link_done(&client->link);
	if (client->reply)
		freeReplyObject(client->reply);
	client->reply = NULL;
}

static void client_pump(struct redis_client *client, int64_t deadline_ms)
{
	struct pollfd fds[2] = {{.fd = -1}, {.fd = client->wake, .events = POLLIN}};
	int wait_ms = redis_link_prepare(&client->link, &fds[0]);
	int64_t left_ms = deadline_ms - msp_monotonic_ms();
	if (left_ms < wait_ms)
		wait_ms = left_ms < 0 ? 0 : (int)left_ms;
	if (poll(fds, 2, wait_ms) < 0)
		fds[0].revents = fds[1].revents = 0;
	client->woken = fds[1].revents != 0;
	redis_link_serve(&client->link, &fds[0]);
}

static enum msp_status client_failure(const struct redis_client *client, struct msp_error *err)
{
	if (err)
		*err = client->link.error;
	if (err && client->is_denied)
		err->retriable = false;
	return client->link.error.status;
}

enum msp_status redis_client_ready(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	client->is_denied = client->woken = false;
	/* A connection may have ended while nobody looked. */
	if (redis_link_is_up(&client->link))
		client_pump(client, 0);
	while (!redis_link_is_up(&client->link) && !client->is_denied && !client->woken) {
		if (msp_monotonic_ms() >= deadline_ms)
			return client_failure(client, err);
		client_pump(client, deadline_ms);
	}
	if (client->is_denied)
		return client_failure(client, err);
	client->was_down = false;
	return MSP_OK;
}

enum msp_status redis_client_wait(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	client->woken = false;
	redis_link_flush(&client->link);
	while (client->link.count > 0 && !client->was_down && !client->woken) {
		client_pump(client, deadline_ms);
		if (msp_monotonic_ms() >= deadline_ms)
			break;
	}
	return client->was_down ? client_failure(client, err) : MSP_OK;
}

enum msp_status redis_client_finish(struct redis_client *client, int64_t deadline_ms, struct msp_error *err)
{
	enum msp_status status = redis_client_wait(client, deadline_ms, err);
	if (status != MSP_OK || client->link.count == 0 || client->woken)
		return status;
	struct msp_error why;
	msp_error_set(&why, MSP_E_UNAVAILABLE, "%s: no answer in time", client->link.config.endpoint->address.name);
	redis_link_fail(&client->link, &why);
	return client_failure(client, err);
}

enum msp_status redis_client_result(struct redis_client *client, const char *what, int64_t deadline_ms,
                                    redisReply **ret_reply, struct msp_error *err)
{
	enum msp_status status = redis_client_finish(client, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	redisReply *reply = client->reply;
	client->reply = NULL;
	if (!reply)
		return msp_error_set(err, MSP_E_UNAVAILABLE, "%s: no answer", what);
	if (reply->type == REDIS_REPLY_ERROR) {
		status = redis_reply_error(what, reply, err);
		freeReplyObject(reply);
		return status;
	}
	*ret_reply = reply;
	return MSP_OK;
}

enum msp_status redis_client_describe(struct redis_client *client, const char *topic, int64_t deadline_ms,
                                      redisReply **ret_info, struct msp_error *err)
{
	struct msp_error why;
	redis_put_command(&client->link.out, "XINFO", "STREAM", topic, (char *)NULL);
	redis_link_expect(&client->link, 0, 0);
	enum msp_status status = redis_client_result(client, topic, deadline_ms, ret_info, &why);
	if (status == MSP_OK)
		return MSP_OK;
	if (strstr(why.text, "no such key")) {
		status = msp_error_set(&why, MSP_E_NOT_FOUND, "topic %s does not exist", topic);
		why.retriable = true;
	}
	if (err)
		*err = why;
	return status;
}
