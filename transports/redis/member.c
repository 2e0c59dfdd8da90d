#include "member.h"
#include "check.h"
#include "reply.h"
#include <msp/clock.h>

#define OPEN_TIMEOUT_MS 2000

/* ---- opening ---- */

static enum msp_status group_open(const struct redis_session *session, struct redis_client *client, int64_t deadline_ms,
                                  struct msp_error *err)
{
	const char *results[] = {session->outputs, session->errors, NULL};
	struct redis_group group = redis_session_group(session);
	redisReply *reply;
	redis_group_put(&group, &client->link.out);
	redis_link_expect(&client->link, 0, 0);
	enum msp_status status = redis_client_result(client, session->inputs, deadline_ms, &reply, err);
	if (status != MSP_OK)
		return status;
	status = redis_group_result(&group, reply, err);
	freeReplyObject(reply);
	return status == MSP_OK ? redis_group_probe(&group, results, client, deadline_ms, err) : status;
}

enum msp_status redis_member_open(struct redis_session *session, const struct msp_consumer_config *config,
                                  unsigned transport, struct redis_client *client, struct msp_error *err)
{
	int64_t deadline_ms = msp_deadline_in(OPEN_TIMEOUT_MS);
	const char *topics[] = {session->inputs, session->outputs, session->errors, NULL};
	struct redis_lease_config lease = {session->inputs, session->group, config->instance, config->slot, transport};
	enum msp_status status = redis_client_ready(client, deadline_ms, err);
	if (status == MSP_OK)
		status = redis_check_server(client, topics, deadline_ms, err);
	if (status == MSP_OK)
		status = group_open(session, client, deadline_ms, err);
	if (status == MSP_OK)
		status = redis_lease_take(&session->lease, &lease, client, redis_session_lease_ms(session), err);
	return status;
}

void redis_member_done(struct redis_member *member)
{
	redis_lease_search_done(&member->search);
}

/* ---- asking ---- */

/* The lease before anything is read: what took the group may have taken it, and who has none counts as dead. */
static void group_ask(struct redis_session *session)
{
	struct redis_link *link = &session->writes;
	struct redis_group group = redis_session_group(session);
	redis_lease_put_renewal(&session->lease, &link->out, redis_session_lease_ms(session));
	redis_link_expect(link, REDIS_IGNORED, 0);
	redis_group_put(&group, &link->out);
	redis_link_expect(link, REDIS_JOINED, 0);
}

void redis_member_drive(struct redis_member *member, struct redis_session *session)
{
	struct redis_link *link = &session->writes;
	if (!redis_link_is_up(link))
		return;
	if (member->state == REDIS_MEMBER_OUTSIDE) {
		group_ask(session);
		member->state = REDIS_MEMBER_JOINING;
	} else if (member->state == REDIS_MEMBER_NAMELESS) {
		redis_lease_search_put(&member->search, &link->out, redis_session_lease_ms(session));
		redis_link_expect(link, REDIS_NAMED, 0);
		member->state = REDIS_MEMBER_NAMING;
	} else if (member->state == REDIS_MEMBER_LEAVING) {
		redis_lease_put_release(&session->lease, &link->out, redis_session_lease_ms(session));
		redis_link_expect(link, REDIS_RELEASED, 0);
		member->state = REDIS_MEMBER_RELEASING;
	}
}

enum msp_status redis_member_rename(struct redis_member *member, const struct redis_session *session,
                                    struct msp_error *err)
{
	struct redis_lease_config config = {.inputs = session->inputs, .group = session->group};
	redis_lease_search_done(&member->search);
	enum msp_status status = redis_lease_search_begin(&member->search, &config, err);
	if (status == MSP_OK)
		member->state = REDIS_MEMBER_NAMELESS;
	return status;
}

void redis_member_leave(struct redis_member *member)
{
	member->state = REDIS_MEMBER_LEAVING;
}

void redis_member_cut(struct redis_member *member)
{
	if (member->state == REDIS_MEMBER_JOINING || member->state == REDIS_MEMBER_INSIDE)
		member->state = REDIS_MEMBER_OUTSIDE;
	else if (member->state == REDIS_MEMBER_NAMING)
		member->state = REDIS_MEMBER_NAMELESS;
	else if (member->state == REDIS_MEMBER_RELEASING)
		member->state = REDIS_MEMBER_LEAVING;
}

/* ---- answers ---- */

static void joined_take(struct redis_member *member, const struct redis_session *session, const redisReply *reply,
                        struct redis_news *news)
{
	struct redis_group group = redis_session_group(session);
	bool is_inside = redis_group_result(&group, reply, &news->why) == MSP_OK;
	member->state = is_inside ? REDIS_MEMBER_INSIDE : REDIS_MEMBER_OUTSIDE;
	news->kind = is_inside ? REDIS_NEWS_JOINED : REDIS_NEWS_ERROR;
}

static void named_take(struct redis_member *member, const redisReply *reply, struct redis_news *news)
{
	enum redis_lease_step step = redis_lease_search_reply(&member->search, reply, &news->why);
	member->state = step == REDIS_LEASE_HELD ? REDIS_MEMBER_OUTSIDE : REDIS_MEMBER_NAMELESS;
	if (step == REDIS_LEASE_HELD)
		news->kind = REDIS_NEWS_NAMED;
	else if (step == REDIS_LEASE_FAILED)
		news->kind = REDIS_NEWS_ERROR;
}

void redis_member_reply(struct redis_member *member, struct redis_session *session, enum redis_kind kind,
                        redisReply *reply, struct redis_news *news)
{
	if (kind == REDIS_JOINED && member->state == REDIS_MEMBER_JOINING)
		joined_take(member, session, reply, news);
	else if (kind == REDIS_NAMED && member->state == REDIS_MEMBER_NAMING)
		named_take(member, reply, news);
	else if (kind == REDIS_RELEASED)
		member->state = REDIS_MEMBER_LEFT;
	freeReplyObject(reply);
}
