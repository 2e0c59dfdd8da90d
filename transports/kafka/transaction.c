/* Exactly once: results and offsets of a batch in one transaction.
 *
 * Where librdkafka wants an abort the client is replaced instead: a new one with the same transactional id makes the
 * broker abort what the old one left open, in some tens of milliseconds, and none of the library's errors survives. (An
 * abort after a refused message fails the next transaction too, an abort that follows a send too closely ends the
 * client anyhow: librdkafka's issue 4849.) */
#include "consumer.h"
#include "error.h"

#include <msp/backoff.h>
#include <msp/log.h>

/* Past the transaction's timeout the broker has aborted it: a call that still waits by then waits in vain. */
#define GRACE_MS 5000
/* librdkafka 2.0.2 forgets that it commits when a call that resumes a commit times out before its main thread has
 * answered, and ends the process when the broker answers. So a call is given the time to do all of it. */
#define COMMIT_MS 1000

/* The calls take 0 for "say only whether it is done", and then never get it done. */
static int at_least_1(int slice_ms)
{
	return slice_ms > 0 ? slice_ms : 1;
}

static void transaction_void(struct kafka_consumer *consumer)
{
	consumer->settle.void_client = true;
	kafka_settle_go(consumer, KAFKA_SETTLE_RENEW);
}

/* A call came back with `error`, which this destroys: the same call again, or a new client. */
static void transaction_failed(struct kafka_consumer *consumer, rd_kafka_error_t *error, const char *call)
{
	struct kafka_settle *settle = &consumer->settle;
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	bool again = rd_kafka_error_is_retriable(error) && !rd_kafka_error_is_fatal(error) &&
	             !rd_kafka_error_txn_requires_abort(error);
	bool overdue =
	    msp_monotonic_ms() - settle->step_since_ms > consumer->settings->options.transaction_timeout_ms + GRACE_MS;
	if (!again || code != RD_KAFKA_RESP_ERR__TIMED_OUT)
		kafka_error_set(&settle->why, code, rd_kafka_error_string(error), "%s", call);
	if (!again || overdue) {
		msp_log(MSP_LOG_DEBUG, "the transaction is void", "group", consumer->group, "call", call, "reason",
		        rd_kafka_error_string(error), NULL);
		transaction_void(consumer);
	}
	rd_kafka_error_destroy(error);
}

void kafka_transaction_renew(struct kafka_consumer *consumer)
{
	struct kafka_settle *settle = &consumer->settle;
	settle->transaction_open = false;
	settle->void_client = true;
	if (kafka_publisher_renew(&consumer->publisher, settle->publication.flight, &settle->why) != MSP_OK)
		return;
	settle->void_client = false;
	if (consumer->transactional)
		kafka_settle_go(consumer, KAFKA_SETTLE_FENCE);
	else
		kafka_settle_go(consumer, settle->publication.flight ? KAFKA_SETTLE_PUBLISH : KAFKA_SETTLE_MARK);
}

void kafka_transaction_fence(struct kafka_consumer *consumer, int slice_ms)
{
	rd_kafka_error_t *error = rd_kafka_init_transactions(consumer->publisher.client.rk, at_least_1(slice_ms));
	if (error)
		transaction_failed(consumer, error, "init_transactions");
	else
		kafka_settle_go(consumer, consumer->settle.committing ? KAFKA_SETTLE_RESOLVE : KAFKA_SETTLE_BEGIN);
}

static void results_are_published(struct kafka_consumer *consumer)
{
	struct kafka_flight *flight = consumer->settle.publication.flight;
	for (size_t i = 0; flight && i < flight->count; i++)
		if (flight->outgoing[i].state == MSP_OUTGOING_PENDING)
			flight->outgoing[i].state = MSP_OUTGOING_PUBLISHED;
}

void kafka_transaction_resolve(struct kafka_consumer *consumer, int slice_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(settle->offsets);
	int64_t since_ms = msp_monotonic_ms();
	rd_kafka_resp_err_t code =
	    rd_kafka_committed(consumer->client.rk, committed, kafka_settle_patience(consumer, slice_ms));
	kafka_settle_learn_patience(consumer, since_ms);
	bool all = true;
	for (int i = 0; i < committed->cnt && !code; i++) {
		code = committed->elems[i].err;
		all &= committed->elems[i].offset >= settle->offsets->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(committed);
	if (code && code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
		kafka_error_set(&settle->why, code, NULL, "offsets of group %s", consumer->group);
	} else if (!code && all) {
		results_are_published(consumer);
		kafka_settle_end(consumer, MSP_SETTLE_OK);
	} else if (!code) {
		settle->committing = false;
		kafka_settle_go(consumer, KAFKA_SETTLE_BEGIN);
	}
}

void kafka_transaction_begin(struct kafka_consumer *consumer)
{
	struct kafka_settle *settle = &consumer->settle;
	rd_kafka_error_t *error = rd_kafka_begin_transaction(consumer->publisher.client.rk);
	if (error) {
		transaction_failed(consumer, error, "begin_transaction");
		if (settle->step == KAFKA_SETTLE_BEGIN)
			transaction_void(consumer);
		return;
	}
	settle->transaction_open = true;
	kafka_settle_go(consumer, settle->publication.flight ? KAFKA_SETTLE_PUBLISH : KAFKA_SETTLE_OFFSETS);
}

/* Not tried again: the mark must not come to another topic of the same name. */
static void topic_is_gone(struct kafka_consumer *consumer)
{
	struct kafka_settle *settle = &consumer->settle;
	settle->topic_gone = true;
	settle->void_client = true;
	settle->transaction_open = false;
	kafka_settle_end(consumer, MSP_SETTLE_LOST);
}

void kafka_transaction_offsets(struct kafka_consumer *consumer, int slice_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	int64_t since_ms = msp_monotonic_ms();
	rd_kafka_error_t *error =
	    rd_kafka_send_offsets_to_transaction(consumer->publisher.client.rk, settle->offsets, consumer->membership,
	                                         kafka_settle_patience(consumer, slice_ms));
	kafka_settle_learn_patience(consumer, since_ms);
	if (error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
		topic_is_gone(consumer);
		rd_kafka_error_destroy(error);
		return;
	}
	if (error) {
		transaction_failed(consumer, error, "send_offsets_to_transaction");
		return;
	}
	settle->committing = true;
	kafka_settle_go(consumer, KAFKA_SETTLE_COMMIT);
}

/* When a partition cannot be added to a transaction, librdkafka purges its messages and tells the reason with the next
 * call: this one adds nothing that could last. */
void kafka_transaction_explain(struct kafka_consumer *consumer)
{
	rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(
	    consumer->publisher.client.rk, consumer->settle.offsets, consumer->membership, at_least_1(0));
	if (!error)
		return;
	if (rd_kafka_error_txn_requires_abort(error))
		kafka_error_set(&consumer->settle.why, rd_kafka_error_code(error), rd_kafka_error_string(error),
		                "cannot publish to %s or %s", consumer->publisher.names[MSP_ROUTE_OUTPUTS],
		                consumer->publisher.names[MSP_ROUTE_ERRORS]);
	rd_kafka_error_destroy(error);
}

void kafka_transaction_commit(struct kafka_consumer *consumer)
{
	struct kafka_settle *settle = &consumer->settle;
	rd_kafka_error_t *error = rd_kafka_commit_transaction(consumer->publisher.client.rk, COMMIT_MS);
	if (error) {
		transaction_failed(consumer, error, "commit_transaction");
		return;
	}
	settle->transaction_open = false;
	results_are_published(consumer);
	kafka_settle_end(consumer, MSP_SETTLE_OK);
}

void kafka_transaction_abandon(struct kafka_consumer *consumer, int timeout_ms)
{
	struct kafka_settle *settle = &consumer->settle;
	rd_kafka_error_t *error = rd_kafka_abort_transaction(consumer->publisher.client.rk, timeout_ms);
	settle->transaction_open = false;
	if (error) {
		settle->void_client = true;
		rd_kafka_error_destroy(error);
	}
}
