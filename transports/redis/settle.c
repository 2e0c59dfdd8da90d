#include "settle.h"
#include "consumer.h"
#include "reply.h"
#include "transport.h"
#include <assert.h>
#include <msp/backoff.h>
#include <stdio.h>

#define FLUSH_BYTES ((size_t)64 << 10)

static const char *route_topic(const struct rds_consumer *consumer, enum msp_route route)
{
	return route == MSP_ROUTE_OUTPUTS ? consumer->outputs : consumer->errors;
}

static size_t settle_count(const struct rds_settle *settle)
{
	return settle->batch->base.count;
}

static void settle_end(struct rds_settle *settle, enum msp_settle_answer answer)
{
	settle->step = RDS_STEP_DONE;
	settle->answer = answer;
}

/* Back to `step` after a pause; settle->error says why. */
static void settle_retry(struct rds_consumer *consumer, enum rds_step step)
{
	consumer->settle.step = step;
	consumer->settle.resume_at_ms = msp_monotonic_ms() + consumer->retry_ms;
}

static void topic_is_missing(struct rds_consumer *consumer, enum msp_route route)
{
	struct msp_error *err = &consumer->settle.error;
	msp_error_set(err, MSP_E_NOT_FOUND, "topic %s does not exist", route_topic(consumer, route));
	err->retriable = true;
}

static void settle_lost(struct rds_consumer *consumer)
{
	msp_error_set(&consumer->settle.error, MSP_E_NOT_FOUND, "group %s of topic %s is gone", consumer->group,
	              consumer->inputs);
	if (consumer->settle.batch->term == consumer->term)
		rds_consumer_void(consumer, &consumer->settle.error);
	settle_end(&consumer->settle, MSP_SETTLE_LOST);
}

/* ---- sending ---- */

/* Results that can never be published are found before anything is. */
static bool settle_refuses(struct rds_settle *settle)
{
	bool refuses = false;
	for (size_t i = 0; settle->outgoing && i < settle_count(settle); i++) {
		struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		outgoing->reason = rds_entry_refusal(&outgoing->message);
		if (outgoing->reason) {
			outgoing->state = MSP_OUTGOING_REJECTED;
			refuses = true;
		}
	}
	return refuses;
}

/* Results go out while the next ones are still being written, so that the server begins at once. */
static void publish_each(struct rds_consumer *consumer)
{
	struct rds_settle *settle = &consumer->settle;
	struct rds_link *link = &consumer->writes;
	size_t flush_at = FLUSH_BYTES;
	settle->due = 0;
	for (size_t i = 0; settle->outgoing && i < settle_count(settle); i++) {
		const struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		rds_put_array(link, 4 + 2 * rds_entry_fields(&outgoing->message));
		rds_put_string(link, "XADD");
		rds_put_string(link, route_topic(consumer, outgoing->route));
		rds_put_string(link, "NOMKSTREAM");
		rds_put_string(link, "*");
		rds_entry_put(link, &outgoing->message, RDS_ENTRY_ALL);
		rds_link_expect(link, RDS_ADDED, i);
		settle->due++;
		if (link->out.size >= flush_at) {
			rds_link_flush(link);
			flush_at = link->out.size + FLUSH_BYTES;
		}
	}
	settle->step = settle->due > 0 ? RDS_STEP_PUBLISHING : RDS_STEP_MARK;
}

/* In several calls, because the server does nothing else while it runs one. */
static void publish_by_script(struct rds_consumer *consumer)
{
	struct rds_settle *settle = &consumer->settle;
	settle->due = 0;
	settle->is_lost = false;
	for (size_t begin = 0; begin < settle_count(settle); begin += RDS_SCRIPT_MESSAGES) {
		if (!rds_script_put(consumer, begin))
			continue;
		rds_link_expect(&consumer->writes, RDS_SETTLED, begin);
		settle->due++;
		rds_link_flush(&consumer->writes);
	}
	settle->step = settle->due > 0 ? RDS_STEP_PUBLISHING : RDS_STEP_REPLICATE;
}

static void mark(struct rds_consumer *consumer)
{
	const struct msp_batch *batch = &consumer->settle.batch->base;
	struct rds_link *link = &consumer->writes;
	rds_put_array(link, 3 + batch->count);
	rds_put_string(link, "XACK");
	rds_put_string(link, consumer->inputs);
	rds_put_string(link, consumer->group);
	for (size_t i = 0; i < batch->count; i++)
		rds_put_string(link, batch->messages[i].id);
	rds_link_expect(link, RDS_MARKED, 0);
	consumer->settle.step = RDS_STEP_MARKING;
}

/* WAIT is about what its own connection wrote, and since Redis 7.2 about nothing when that was nothing: after a cut, or
 * when the batch was settled before. So something is written first, which comes after the batch wherever that was. */
static void replicate(struct rds_consumer *consumer)
{
	const struct rds_options *options = &consumer->transport->server.options;
	if (options->wait_replicas == 0) {
		settle_end(&consumer->settle, MSP_SETTLE_OK);
		return;
	}
	rds_lease_put_renewal(&consumer->lease, &consumer->writes, (int)consumer->transport->server.options.lease_ms);
	rds_link_expect(&consumer->writes, RDS_IGNORED, 0);
	rds_put_array(&consumer->writes, 3);
	rds_put_string(&consumer->writes, "WAIT");
	rds_put_integer(&consumer->writes, options->wait_replicas);
	rds_put_integer(&consumer->writes, options->wait_ms);
	rds_link_expect(&consumer->writes, RDS_REPLICATED, 0);
	consumer->writes.patience_ms = (int)options->wait_ms;
	consumer->settle.step = RDS_STEP_REPLICATING;
}

static void script_load(struct rds_consumer *consumer)
{
	if (consumer->settle.is_loading)
		return;
	rds_put_command(&consumer->writes, "SCRIPT", "LOAD", rds_settle_script, (char *)NULL);
	rds_link_expect(&consumer->writes, RDS_LOADED, 0);
	consumer->settle.is_loading = true;
}

static void publish(struct rds_consumer *consumer)
{
	struct rds_settle *settle = &consumer->settle;
	if (consumer->guarantee == MSP_AT_LEAST_ONCE || !settle->outgoing)
		publish_each(consumer);
	else if (settle->script[0])
		publish_by_script(consumer);
	else
		script_load(consumer);
}

void rds_settle_begin(struct rds_consumer *consumer, struct rds_batch *batch, struct msp_outgoing *outgoing)
{
	struct rds_settle *settle = &consumer->settle;
	assert(settle->step == RDS_STEP_NONE);
	settle->batch = batch;
	settle->outgoing = outgoing;
	settle->step = RDS_STEP_PUBLISH;
	settle->resume_at_ms = 0;
	settle->error.status = MSP_OK;
	batch->page->alone = false;
	rds_recovery_rest(consumer);
	if (settle_refuses(settle))
		settle_end(settle, MSP_SETTLE_REJECTED);
	(void)rds_settle_drive(consumer);
	rds_link_flush(&consumer->writes);
}

int64_t rds_settle_drive(struct rds_consumer *consumer)
{
	struct rds_settle *settle = &consumer->settle;
	int64_t left_ms = settle->resume_at_ms - msp_monotonic_ms();
	if (settle->step == RDS_STEP_PUBLISH && settle->batch->term != consumer->term)
		settle_lost(consumer);
	if (!rds_link_is_up(&consumer->writes))
		return -1;
	if (left_ms > 0)
		return settle->step == RDS_STEP_NONE || settle->step == RDS_STEP_DONE ? -1 : left_ms;
	if (settle->step == RDS_STEP_PUBLISH)
		publish(consumer);
	if (settle->step == RDS_STEP_MARK)
		mark(consumer);
	/* Whoever leaves does not ask for the answer, and must not renew what it gives up. */
	if (settle->step == RDS_STEP_REPLICATE && !consumer->leaving)
		replicate(consumer);
	return -1;
}

/* ---- answers ---- */

static void take_script(struct rds_consumer *consumer, const redisReply *reply)
{
	struct rds_settle *settle = &consumer->settle;
	settle->is_loading = false;
	snprintf(settle->script, sizeof(settle->script), "%s", rds_reply_text(reply));
	if (settle->script[0] || settle->step != RDS_STEP_PUBLISH)
		return;
	rds_reply_error("the script that settles", reply, &settle->error);
	settle_retry(consumer, RDS_STEP_PUBLISH);
}

/* The verdict on one message that the script did not publish. One that stays pending is sent again. */
static void verdict_take(struct rds_consumer *consumer, struct msp_outgoing *outgoing, const char *verdict)
{
	outgoing->state = verdict[0] ? MSP_OUTGOING_PENDING : MSP_OUTGOING_ALREADY_SETTLED;
	if (strcmp(verdict, "-") == 0)
		topic_is_missing(consumer, outgoing->route);
	else if (verdict[0])
		rds_text_error(route_topic(consumer, outgoing->route), verdict, &consumer->settle.error);
}

/* How many messages one call had: those of its part that are still pending. */
static size_t pending_count(const struct rds_settle *settle, size_t begin)
{
	size_t count = 0, end = rds_script_end(settle, begin);
	for (size_t i = begin; i < end; i++)
		count += settle->outgoing[i].state == MSP_OUTGOING_PENDING;
	return count;
}

/* Whether it is what the script says, about messages that the call had, in their order. Nothing else is believed,
 * because silence about a message means that it was published. */
static bool are_verdicts(const struct rds_settle *settle, size_t begin, const redisReply *reply)
{
	if (rds_reply_at(reply, 0)->type != REDIS_REPLY_INTEGER || reply->elements % 2 == 0)
		return false;
	long long next = 0, count = (long long)pending_count(settle, begin);
	for (size_t i = 1; i < reply->elements; i += 2) {
		const redisReply *number = reply->element[i], *verdict = reply->element[i + 1];
		if (number->type != REDIS_REPLY_INTEGER || verdict->type != REDIS_REPLY_STRING || number->integer < next ||
		    number->integer >= count)
			return false;
		next = number->integer + 1;
	}
	return true;
}

static void verdicts_take(struct rds_consumer *consumer, size_t begin, const redisReply *reply)
{
	struct rds_settle *settle = &consumer->settle;
	size_t next = 1, number = 0, end = rds_script_end(settle, begin);
	for (size_t i = begin; i < end; i++) {
		struct msp_outgoing *outgoing = &settle->outgoing[i];
		if (outgoing->state != MSP_OUTGOING_PENDING)
			continue;
		outgoing->state = MSP_OUTGOING_PUBLISHED;
		if (next + 1 < reply->elements && reply->element[next]->integer == (long long)number) {
			verdict_take(consumer, outgoing, rds_reply_text(reply->element[next + 1]));
			next += 2;
		}
		number++;
	}
}

static bool settle_is_published(const struct rds_settle *settle)
{
	for (size_t i = 0; i < settle_count(settle); i++)
		if (settle->outgoing[i].state == MSP_OUTGOING_PENDING)
			return false;
	return true;
}

static void take_settled(struct rds_consumer *consumer, size_t begin, const redisReply *reply)
{
	struct rds_settle *settle = &consumer->settle;
	bool is_known = !rds_reply_is_error(reply, "NOSCRIPT");
	if (!is_known) {
		settle->script[0] = '\0';
	} else if (!are_verdicts(settle, begin, reply)) {
		rds_reply_error("the script that settles", reply, &settle->error);
	} else {
		verdicts_take(consumer, begin, reply);
		settle->is_lost |= reply->element[0]->integer == 1;
	}
	if (--settle->due > 0)
		return;
	if (settle->is_lost)
		settle_lost(consumer);
	else if (settle_is_published(settle))
		settle->step = RDS_STEP_REPLICATE;
	else if (is_known)
		settle_retry(consumer, RDS_STEP_PUBLISH);
	else
		settle->step = RDS_STEP_PUBLISH;
}

static void take_added(struct rds_consumer *consumer, size_t index, const redisReply *reply)
{
	struct rds_settle *settle = &consumer->settle;
	struct msp_outgoing *outgoing = &settle->outgoing[index];
	if (reply->type == REDIS_REPLY_STRING)
		outgoing->state = MSP_OUTGOING_PUBLISHED;
	else if (reply->type == REDIS_REPLY_NIL)
		topic_is_missing(consumer, outgoing->route);
	else
		rds_reply_error(route_topic(consumer, outgoing->route), reply, &settle->error);
	if (--settle->due > 0)
		return;
	if (settle_is_published(settle))
		settle->step = RDS_STEP_MARK;
	else
		settle_retry(consumer, RDS_STEP_PUBLISH);
}

/* Fewer than all: others were first with some, or the group is gone. */
static void take_marked(struct rds_consumer *consumer, const redisReply *reply)
{
	struct rds_settle *settle = &consumer->settle;
	if (reply->type != REDIS_REPLY_INTEGER) {
		rds_reply_error(consumer->inputs, reply, &settle->error);
		settle_retry(consumer, RDS_STEP_MARK);
	} else if ((size_t)reply->integer == settle_count(settle)) {
		settle->step = RDS_STEP_REPLICATE;
	} else {
		rds_put_command(&consumer->writes, "XPENDING", consumer->inputs, consumer->group, (char *)NULL);
		rds_link_expect(&consumer->writes, RDS_PROBED, 0);
	}
}

static void take_probed(struct rds_consumer *consumer, const redisReply *reply)
{
	if (rds_reply_is_error(reply, "NOGROUP")) {
		settle_lost(consumer);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		rds_reply_error(consumer->inputs, reply, &consumer->settle.error);
		settle_retry(consumer, RDS_STEP_MARK);
	} else {
		consumer->settle.step = RDS_STEP_REPLICATE;
	}
}

static void take_replicated(struct rds_consumer *consumer, const redisReply *reply)
{
	struct rds_settle *settle = &consumer->settle;
	const struct rds_options *options = &consumer->transport->server.options;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= options->wait_replicas) {
		settle_end(settle, MSP_SETTLE_OK);
		return;
	}
	if (reply->type == REDIS_REPLY_INTEGER)
		msp_error_set(&settle->error, MSP_E_UNAVAILABLE, "%lld of redis.wait.replicas %lld have the batch",
		              reply->integer, (long long)options->wait_replicas);
	else
		rds_reply_error("WAIT", reply, &settle->error);
	settle_retry(consumer, RDS_STEP_REPLICATE);
}

void rds_settle_reply(struct rds_consumer *consumer, int kind, size_t index, redisReply *reply)
{
	if (kind == RDS_LOADED)
		take_script(consumer, reply);
	else if (kind == RDS_SETTLED)
		take_settled(consumer, index, reply);
	else if (kind == RDS_ADDED)
		take_added(consumer, index, reply);
	else if (kind == RDS_MARKED)
		take_marked(consumer, reply);
	else if (kind == RDS_PROBED)
		take_probed(consumer, reply);
	else
		take_replicated(consumer, reply);
	freeReplyObject(reply);
	/* Most answers are followed by others. */
	if (consumer->settle.step != RDS_STEP_PUBLISHING)
		(void)rds_settle_drive(consumer);
}

void rds_settle_cut(struct rds_consumer *consumer)
{
	struct rds_settle *settle = &consumer->settle;
	settle->is_loading = false;
	settle->script[0] = '\0';
	if (settle->step == RDS_STEP_NONE || settle->step == RDS_STEP_DONE)
		return;
	settle->error = consumer->writes.error;
	if (settle->step == RDS_STEP_PUBLISHING)
		settle->step = RDS_STEP_PUBLISH;
	if (settle->step == RDS_STEP_MARKING)
		settle->step = RDS_STEP_MARK;
	if (settle->step == RDS_STEP_REPLICATING)
		settle->step = RDS_STEP_REPLICATE;
}
