#include "settle.h"
#include "reply.h"
#include "settle_script.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdio.h>

#define FLUSH_BYTES ((size_t)64 << 10)

static const char *route_topic(const struct redis_session *session, enum msp_route route)
{
	return route == MSP_ROUTE_OUTPUTS ? session->outputs : session->errors;
}

static size_t settle_count(const struct redis_settle *settle)
{
	return settle->batch->count;
}

static void settle_end(struct redis_settle *settle, enum msp_settle_answer answer)
{
	settle->step = REDIS_STEP_DONE;
	settle->answer = answer;
}

/* Back to `step` after a pause; settle->error says why. */
static void settle_retry(struct redis_settle *settle, const struct redis_session *session, enum redis_step step)
{
	settle->step = step;
	settle->resume_ms = msp_monotonic_ms() + session->endpoint->options.retry_ms;
}

static void topic_is_missing(struct redis_settle *settle, const struct redis_session *session, enum msp_route route)
{
	msp_error_set(&settle->error, MSP_E_NOT_FOUND, "topic %s does not exist", route_topic(session, route));
	settle->error.retriable = true;
}

/* Of a batch that was received before the group went, everybody knows already. */
static void settle_lost(struct redis_settle *settle, const struct redis_session *session, struct redis_news *news)
{
	msp_error_set(&settle->error, MSP_E_NOT_FOUND, "group %s of topic %s is gone", session->group, session->inputs);
	settle_end(settle, MSP_SETTLE_LOST);
	if (settle->generation != session->generation)
		return;
	news->kind = REDIS_NEWS_GROUP_GONE;
	news->why = settle->error;
}

/* ---- sending ---- */

/* Results that can never be published are found before anything is. */
static bool settle_refuses(struct redis_settle *settle)
{
	bool refuses = false;
	for (size_t i = 0; settle->outgoing && i < settle_count(settle); i++) {
		struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		outgoing->reason = redis_entry_refusal(&outgoing->message);
		if (outgoing->reason) {
			outgoing->state = MSP_OUTGOING_REJECTED;
			refuses = true;
		}
	}
	return refuses;
}

/* Results go out while the next ones are still being written, so that the server begins at once. */
static void publish_each(struct redis_settle *settle, struct redis_session *session)
{
	struct redis_link *link = &session->writes;
	size_t flush_at = FLUSH_BYTES;
	settle->due = 0;
	for (size_t i = 0; settle->outgoing && i < settle_count(settle); i++) {
		const struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		redis_put_array(&link->out, 4 + 2 * redis_entry_fields(&outgoing->message));
		redis_put_string(&link->out, "XADD");
		redis_put_string(&link->out, route_topic(session, outgoing->route));
		redis_put_string(&link->out, "NOMKSTREAM");
		redis_put_string(&link->out, "*");
		redis_entry_put(&link->out, &outgoing->message, REDIS_ENTRY_ALL);
		redis_link_expect(link, REDIS_ADDED, i);
		settle->due++;
		if (link->out.bytes.size >= flush_at) {
			redis_link_flush(link);
			flush_at = link->out.bytes.size + FLUSH_BYTES;
		}
	}
	settle->step = settle->due > 0 ? REDIS_STEP_PUBLISHING : REDIS_STEP_ACKNOWLEDGE;
}

/* In several calls, because the server does nothing else while it runs one. */
static void publish_by_script(struct redis_settle *settle, struct redis_session *session)
{
	struct redis_results results = {settle->batch->messages, settle->outgoing, settle_count(settle)};
	settle->due = 0;
	settle->is_lost = false;
	for (size_t begin = 0; begin < results.count; begin = redis_script_end(results.count, begin)) {
		if (!redis_script_put(&results, session, settle->script, begin))
			continue;
		redis_link_expect(&session->writes, REDIS_SETTLED, begin);
		settle->due++;
		redis_link_flush(&session->writes);
	}
	settle->step = settle->due > 0 ? REDIS_STEP_PUBLISHING : REDIS_STEP_REPLICATE;
}

static void script_load(struct redis_settle *settle, struct redis_session *session)
{
	redis_put_command(&session->writes.out, "SCRIPT", "LOAD", redis_settle_script, (char *)NULL);
	redis_link_expect(&session->writes, REDIS_LOADED, 0);
	settle->step = REDIS_STEP_LOADING;
}

static void publish(struct redis_settle *settle, struct redis_session *session)
{
	if (session->guarantee == MSP_AT_LEAST_ONCE || !settle->outgoing)
		publish_each(settle, session);
	else if (settle->script[0])
		publish_by_script(settle, session);
	else
		script_load(settle, session);
}

static void acknowledge(struct redis_settle *settle, struct redis_session *session)
{
	const struct msp_batch *batch = settle->batch;
	struct redis_output *out = &session->writes.out;
	redis_put_array(out, 3 + batch->count);
	redis_put_string(out, "XACK");
	redis_put_string(out, session->inputs);
	redis_put_string(out, session->group);
	for (size_t i = 0; i < batch->count; i++)
		redis_put_string(out, batch->messages[i].id);
	redis_link_expect(&session->writes, REDIS_ACKNOWLEDGED, 0);
	settle->step = REDIS_STEP_ACKNOWLEDGING;
}

/* WAIT is about what its own connection wrote, and since Redis 7.2 about nothing when that was nothing: after a cut, or
 * when the batch was settled before. So something is written first, which comes after the batch wherever that was. */
static void replicate(struct redis_settle *settle, struct redis_session *session)
{
	const struct redis_options *options = &session->endpoint->options;
	struct redis_link *link = &session->writes;
	if (options->wait_replicas == 0) {
		settle_end(settle, MSP_SETTLE_OK);
		return;
	}
	redis_lease_put_renewal(&session->lease, &link->out, redis_session_lease_ms(session));
	redis_link_expect(link, REDIS_IGNORED, 0);
	redis_put_array(&link->out, 3);
	redis_put_string(&link->out, "WAIT");
	redis_put_integer(&link->out, options->wait_replicas);
	redis_put_integer(&link->out, options->wait_ms);
	redis_link_expect(link, REDIS_REPLICATED, 0);
	link->extra_ms = (int)options->wait_ms;
	settle->step = REDIS_STEP_REPLICATING;
}

void redis_settle_begin(struct redis_settle *settle, const struct msp_batch *batch, uint64_t generation,
                        struct msp_outgoing *outgoing)
{
	assert(settle->step == REDIS_STEP_NONE);
	settle->batch = batch;
	settle->generation = generation;
	settle->outgoing = outgoing;
	settle->step = REDIS_STEP_PUBLISH;
	settle->resume_ms = 0;
	settle->error.status = MSP_OK;
	if (settle_refuses(settle))
		settle_end(settle, MSP_SETTLE_REJECTED);
}

bool redis_settle_is_under_way(const struct redis_settle *settle)
{
	return settle->step != REDIS_STEP_NONE && settle->step != REDIS_STEP_DONE;
}

int64_t redis_settle_drive(struct redis_settle *settle, struct redis_session *session, struct redis_news *news)
{
	if (!redis_settle_is_under_way(settle))
		return -1;
	if (settle->step == REDIS_STEP_PUBLISH && settle->generation != session->generation)
		settle_lost(settle, session, news);
	if (!redis_link_is_up(&session->writes))
		return -1;
	int64_t left_ms = settle->resume_ms == 0 ? 0 : settle->resume_ms - msp_monotonic_ms();
	if (left_ms > 0)
		return left_ms;
	if (settle->step == REDIS_STEP_PUBLISH)
		publish(settle, session);
	if (settle->step == REDIS_STEP_ACKNOWLEDGE)
		acknowledge(settle, session);
	/* Whoever leaves does not ask for the answer, and must not renew what it gives up. */
	if (settle->step == REDIS_STEP_REPLICATE && !session->leaving)
		replicate(settle, session);
	return -1;
}

/* ---- answers ---- */

static void loaded_take(struct redis_settle *settle, const struct redis_session *session, const redisReply *reply)
{
	snprintf(settle->script, sizeof(settle->script), "%s", redis_reply_text(reply));
	settle->step = REDIS_STEP_PUBLISH;
	if (settle->script[0])
		return;
	redis_reply_error("the script that settles", reply, &settle->error);
	settle_retry(settle, session, REDIS_STEP_PUBLISH);
}

/* The result of one message that the script did not publish. One that stays pending is sent again. */
static void result_take(struct redis_settle *settle, const struct redis_session *session, struct msp_outgoing *outgoing,
                        const char *result)
{
	outgoing->state = result[0] ? MSP_OUTGOING_PENDING : MSP_OUTGOING_ALREADY_SETTLED;
	if (strcmp(result, "-") == 0)
		topic_is_missing(settle, session, outgoing->route);
	else if (result[0])
		redis_text_error(route_topic(session, outgoing->route), result, &settle->error);
}

/* How many messages one call had: those of its part that are still pending. */
static size_t pending_count(const struct redis_settle *settle, size_t begin)
{
	size_t count = 0, end = redis_script_end(settle_count(settle), begin);
	for (size_t i = begin; i < end; i++)
		count += settle->outgoing[i].state == MSP_OUTGOING_PENDING;
	return count;
}

/* Whether it is what the script says, about messages that the call had, in their order. Nothing else is believed,
 * because silence about a message means that it was published. */
static bool are_results(const struct redis_settle *settle, size_t begin, const redisReply *reply)
{
	if (redis_reply_at(reply, 0)->type != REDIS_REPLY_INTEGER || reply->elements % 2 == 0)
		return false;
	long long next = 0, count = (long long)pending_count(settle, begin);
	for (size_t i = 1; i < reply->elements; i += 2) {
		const redisReply *number = reply->element[i], *result = reply->element[i + 1];
		if (number->type != REDIS_REPLY_INTEGER || result->type != REDIS_REPLY_STRING || number->integer < next ||
		    number->integer >= count)
			return false;
		next = number->integer + 1;
	}
	return true;
}

static void results_take(struct redis_settle *settle, const struct redis_session *session, size_t begin,
                         const redisReply *reply)
{
	size_t next = 1, number = 0, end = redis_script_end(settle_count(settle), begin);
	for (size_t i = begin; i < end; i++) {
		struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		outgoing->state = MSP_OUTGOING_PUBLISHED;
		if (next + 1 < reply->elements && reply->element[next]->integer == (long long)number) {
			result_take(settle, session, outgoing, redis_reply_text(reply->element[next + 1]));
			next += 2;
		}
		number++;
	}
}

static bool settle_is_published(const struct redis_settle *settle)
{
	for (size_t i = 0; i < settle_count(settle); i++)
		if (settle->outgoing[i].state == MSP_OUTGOING_PENDING)
			return false;
	return true;
}

static void settled_take(struct redis_settle *settle, const struct redis_session *session, size_t begin,
                         const redisReply *reply, struct redis_news *news)
{
	bool is_known = !redis_reply_is_error(reply, "NOSCRIPT");
	if (!is_known) {
		settle->script[0] = '\0';
	} else if (!are_results(settle, begin, reply)) {
		redis_reply_error("the script that settles", reply, &settle->error);
	} else {
		results_take(settle, session, begin, reply);
		settle->is_lost |= reply->element[0]->integer == 1;
	}
	if (--settle->due > 0)
		return;
	if (settle->is_lost)
		settle_lost(settle, session, news);
	else if (settle_is_published(settle))
		settle->step = REDIS_STEP_REPLICATE;
	else if (is_known)
		settle_retry(settle, session, REDIS_STEP_PUBLISH);
	else
		settle->step = REDIS_STEP_PUBLISH;
}

static void added_take(struct redis_settle *settle, const struct redis_session *session, size_t index,
                       const redisReply *reply)
{
	struct msp_outgoing *outgoing = &settle->outgoing[index];
	if (reply->type == REDIS_REPLY_STRING)
		outgoing->state = MSP_OUTGOING_PUBLISHED;
	else if (reply->type == REDIS_REPLY_NIL)
		topic_is_missing(settle, session, outgoing->route);
	else
		redis_reply_error(route_topic(session, outgoing->route), reply, &settle->error);
	if (--settle->due > 0)
		return;
	if (settle_is_published(settle))
		settle->step = REDIS_STEP_ACKNOWLEDGE;
	else
		settle_retry(settle, session, REDIS_STEP_PUBLISH);
}

/* Fewer than all: others were first with some, or the group is gone. */
static void acknowledged_take(struct redis_settle *settle, struct redis_session *session, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_INTEGER) {
		redis_reply_error(session->inputs, reply, &settle->error);
		settle_retry(settle, session, REDIS_STEP_ACKNOWLEDGE);
	} else if ((size_t)reply->integer == settle_count(settle)) {
		settle->step = REDIS_STEP_REPLICATE;
	} else {
		redis_put_command(&session->writes.out, "XPENDING", session->inputs, session->group, (char *)NULL);
		redis_link_expect(&session->writes, REDIS_PROBED, 0);
	}
}

static void probed_take(struct redis_settle *settle, const struct redis_session *session, const redisReply *reply,
                        struct redis_news *news)
{
	if (redis_reply_is_error(reply, "NOGROUP")) {
		settle_lost(settle, session, news);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		redis_reply_error(session->inputs, reply, &settle->error);
		settle_retry(settle, session, REDIS_STEP_ACKNOWLEDGE);
	} else {
		settle->step = REDIS_STEP_REPLICATE;
	}
}

static void replicated_take(struct redis_settle *settle, const struct redis_session *session, const redisReply *reply)
{
	const struct redis_options *options = &session->endpoint->options;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= options->wait_replicas) {
		settle_end(settle, MSP_SETTLE_OK);
		return;
	}
	if (reply->type == REDIS_REPLY_INTEGER)
		msp_error_set(&settle->error, MSP_E_UNAVAILABLE, "%lld of redis.wait.replicas %lld have the batch",
		              reply->integer, (long long)options->wait_replicas);
	else
		redis_reply_error("WAIT", reply, &settle->error);
	settle_retry(settle, session, REDIS_STEP_REPLICATE);
}

void redis_settle_reply(struct redis_settle *settle, struct redis_session *session, enum redis_kind kind, size_t index,
                        redisReply *reply, struct redis_news *news)
{
	if (kind == REDIS_LOADED)
		loaded_take(settle, session, reply);
	else if (kind == REDIS_SETTLED)
		settled_take(settle, session, index, reply, news);
	else if (kind == REDIS_ADDED)
		added_take(settle, session, index, reply);
	else if (kind == REDIS_ACKNOWLEDGED)
		acknowledged_take(settle, session, reply);
	else if (kind == REDIS_PROBED)
		probed_take(settle, session, reply, news);
	else
		replicated_take(settle, session, reply);
	freeReplyObject(reply);
}

void redis_settle_cut(struct redis_settle *settle, const struct msp_error *why)
{
	settle->script[0] = '\0';
	if (!redis_settle_is_under_way(settle))
		return;
	settle->error = *why;
	if (settle->step == REDIS_STEP_PUBLISHING || settle->step == REDIS_STEP_LOADING)
		settle->step = REDIS_STEP_PUBLISH;
	if (settle->step == REDIS_STEP_ACKNOWLEDGING)
		settle->step = REDIS_STEP_ACKNOWLEDGE;
	if (settle->step == REDIS_STEP_REPLICATING)
		settle->step = REDIS_STEP_REPLICATE;
}
