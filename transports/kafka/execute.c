/* Exactly once: results and offsets of a batch in one transaction.
 *
 * Where librdkafka wants an abort the client is replaced instead: a new one with the same transactional id makes the
 * broker abort what the old one left open, in some tens of milliseconds, and none of the library's errors survives. (An
 * abort after a refused message fails the next transaction too, an abort that follows a send too closely ends the
 * client anyhow: librdkafka's issue 4849.) */
#include "execute.h"
#include "error.h"
#include "offsets.h"

#include <errno.h>
#include <msp/log.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* The longest wait for one call to a broker that is slow or far away. */
#define ROUND_TRIP_MAX_MS 2000
/* Past the transaction's timeout the broker has aborted it: a call that still waits by then waits in vain. */
#define GRACE_MS 5000
/* librdkafka 2.0.2 forgets that it commits when a call that resumes a commit times out before its main thread has
 * answered, and ends the process when the broker answers. So a call is given the time to do all of it. */
#define COMMIT_MS 1000
/* How long an abort may take; then the client is replaced. */
#define ABORT_MS 1000

void kafka_job_done(struct kafka_job *job)
{
	if (job->offsets)
		rd_kafka_topic_partition_list_destroy(job->offsets);
	if (job->membership)
		rd_kafka_consumer_group_metadata_destroy(job->membership);
	*job = (struct kafka_job){.outgoing = NULL};
}

/* ---- calls ---- */

/* Some calls begin anew each time, so that a slice shorter than the way to the broker would never see one done: they
 * get twice the time that the last took. */
static int executor_timeout_ms(const struct kafka_executor *executor, int slice_ms)
{
	int timeout_ms = executor->round_trip_ms > slice_ms ? executor->round_trip_ms : slice_ms;
	return timeout_ms > 0 ? timeout_ms : 1;
}

static void executor_learn(struct kafka_executor *executor, int64_t since_ms)
{
	int64_t twice_ms = 2 * (msp_monotonic_ms() - since_ms);
	executor->round_trip_ms = twice_ms < ROUND_TRIP_MAX_MS ? (int)twice_ms : ROUND_TRIP_MAX_MS;
}

/* Calls take 0 for "say only whether it is done", and then never get it done. */
static int at_least_1(int slice_ms)
{
	return slice_ms > 0 ? slice_ms : 1;
}

/* A call of the transaction came back with `error`, which this destroys. */
static enum kafka_saw transaction_saw(const struct kafka_executor *executor, rd_kafka_error_t *error, const char *call,
                                      struct msp_error *why)
{
	if (!error)
		return KAFKA_SAW_DONE;
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	bool again = rd_kafka_error_is_retriable(error) && !rd_kafka_error_is_fatal(error) &&
	             !rd_kafka_error_txn_requires_abort(error);
	bool overdue =
	    msp_monotonic_ms() - executor->action_since_ms > executor->settings->options.transaction_timeout_ms + GRACE_MS;
	if (!again || code != RD_KAFKA_RESP_ERR__TIMED_OUT)
		kafka_error_set(why, code, rd_kafka_error_string(error), "%s", call);
	if (!again || overdue)
		msp_log(MSP_LOG_DEBUG, "the transaction is invalid", "group", executor->member.group, "call", call, "reason",
		        rd_kafka_error_string(error), NULL);
	rd_kafka_error_destroy(error);
	return again && !overdue ? KAFKA_SAW_NOT_YET : KAFKA_SAW_INVALID;
}

/* ---- the producer client ---- */

static bool client_is_invalid(const struct kafka_executor *executor)
{
	return executor->publishes && (executor->publisher.outdated || kafka_publisher_is_broken(&executor->publisher));
}

/* The first route of the batch whose topic is not known, or -1. */
static int unknown_route(const struct kafka_executor *executor)
{
	const struct kafka_flight *flight = executor->publication.flight;
	for (size_t i = 0; flight && i < flight->count; i++)
		if (!executor->publisher.topics[flight->tickets[i].route])
			return (int)flight->tickets[i].route;
	return -1;
}

/* A client that has just been made is still finding the broker. */
static bool is_only_slow(const struct kafka_executor *executor)
{
	return !executor->publisher.client.down && msp_monotonic_ms() - executor->action_since_ms < ROUND_TRIP_MAX_MS;
}

static enum kafka_saw execute_prepare(struct kafka_executor *executor, int slice_ms, struct msp_error *why)
{
	struct kafka_publisher *publisher = &executor->publisher;
	if (executor->publication.flight && kafka_publisher_start(publisher, why) != MSP_OK)
		return KAFKA_SAW_NOT_YET;
	for (int route; (route = unknown_route(executor)) >= 0;) {
		int64_t since_ms = msp_monotonic_ms();
		enum msp_status status =
		    kafka_publisher_open_topic(publisher, (enum msp_route)route, executor_timeout_ms(executor, slice_ms), why);
		executor_learn(executor, since_ms);
		if (status == MSP_E_UNAVAILABLE && is_only_slow(executor))
			why->status = MSP_OK;
		if (status != MSP_OK)
			return KAFKA_SAW_NOT_YET;
	}
	return client_is_invalid(executor) ? KAFKA_SAW_INVALID : KAFKA_SAW_DONE;
}

static enum kafka_saw execute_recreate(struct kafka_executor *executor, struct msp_error *why)
{
	bool renewed = kafka_publisher_renew(&executor->publisher, executor->publication.flight, why) == MSP_OK;
	return renewed ? KAFKA_SAW_DONE : KAFKA_SAW_NOT_YET;
}

/* ---- publishing ---- */

/* When a partition cannot be added to a transaction, librdkafka purges its messages and tells the reason with the next
 * call: this one adds nothing that could last. */
static void transaction_explain(struct kafka_executor *executor, const struct kafka_job *job, struct msp_error *why)
{
	const struct kafka_publisher *publisher = &executor->publisher;
	rd_kafka_error_t *error =
	    rd_kafka_send_offsets_to_transaction(publisher->client.rk, job->offsets, job->membership, at_least_1(0));
	if (!error)
		return;
	if (rd_kafka_error_txn_requires_abort(error))
		kafka_error_set(why, rd_kafka_error_code(error), rd_kafka_error_string(error), "cannot publish to %s or %s",
		                publisher->names[MSP_ROUTE_OUTPUTS], publisher->names[MSP_ROUTE_ERRORS]);
	rd_kafka_error_destroy(error);
}

static enum kafka_saw produce_failed(struct kafka_executor *executor, const struct kafka_job *job,
                                     struct msp_error *why)
{
	if (executor->transactional)
		transaction_explain(executor, job, why);
	if (why->status == MSP_E_NOT_FOUND)
		kafka_publisher_forget_topics(&executor->publisher);
	return KAFKA_SAW_FAILED;
}

static enum kafka_saw produce_done(struct kafka_executor *executor)
{
	struct kafka_publication *publication = &executor->publication;
	if (publication->rejected > 0)
		return KAFKA_SAW_REJECTED;
	if (!kafka_publication_is_oversized(publication))
		return KAFKA_SAW_DONE;
	kafka_publication_shrink(publication);
	msp_log(MSP_LOG_INFO, "smaller requests, the broker refuses larger ones", "group", executor->member.group, "bytes",
	        MSP_LOG_NUMBER(executor->publisher.batch_bytes), NULL);
	kafka_publication_restart(publication);
	return KAFKA_SAW_OVERSIZED;
}

static enum kafka_saw execute_produce(struct kafka_executor *executor, const struct kafka_job *job, int slice_ms,
                                      struct msp_error *why)
{
	int64_t deadline_ms = msp_deadline_in(slice_ms);
	enum kafka_progress progress;
	do {
		progress = kafka_publication_step(&executor->publication, kafka_left_ms(deadline_ms), why);
	} while (progress == KAFKA_REFUSAL && !executor->transactional && kafka_left_ms(deadline_ms) > 0);
	if (progress == KAFKA_DONE)
		return produce_done(executor);
	if (progress == KAFKA_FAILURE)
		return produce_failed(executor, job, why);
	return progress == KAFKA_REFUSAL && executor->transactional ? KAFKA_SAW_REFUSED : KAFKA_SAW_NOT_YET;
}

void kafka_executor_publish_all(struct kafka_executor *executor)
{
	struct kafka_flight *flight = executor->publication.flight;
	for (size_t i = 0; flight && i < flight->count; i++)
		if (flight->outgoing[i].state == MSP_OUTGOING_PENDING)
			flight->outgoing[i].state = MSP_OUTGOING_PUBLISHED;
}

/* ---- offsets ---- */

static enum kafka_saw execute_check(struct kafka_executor *executor, const struct kafka_job *job, int slice_ms,
                                    struct msp_error *why)
{
	rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(job->offsets);
	int64_t since_ms = msp_monotonic_ms();
	rd_kafka_resp_err_t code =
	    rd_kafka_committed(executor->member.rk, committed, executor_timeout_ms(executor, slice_ms));
	executor_learn(executor, since_ms);
	bool all = true;
	for (int i = 0; i < committed->cnt && !code; i++) {
		code = committed->elems[i].err;
		all &= committed->elems[i].offset >= job->offsets->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(committed);
	if (code && code != RD_KAFKA_RESP_ERR__TIMED_OUT)
		kafka_error_set(why, code, NULL, "offsets of group %s", executor->member.group);
	if (code)
		return KAFKA_SAW_NOT_YET;
	return all ? KAFKA_SAW_COMMITTED : KAFKA_SAW_NOT_COMMITTED;
}

static enum kafka_saw execute_send_offsets(struct kafka_executor *executor, const struct kafka_job *job, int slice_ms,
                                           struct msp_error *why)
{
	int64_t since_ms = msp_monotonic_ms();
	rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(
	    executor->publisher.client.rk, job->offsets, job->membership, executor_timeout_ms(executor, slice_ms));
	executor_learn(executor, since_ms);
	if (error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
		rd_kafka_error_destroy(error);
		return KAFKA_SAW_TOPIC_GONE;
	}
	return transaction_saw(executor, error, "send_offsets_to_transaction", why);
}

static enum kafka_saw execute_commit_offsets(struct kafka_executor *executor, const struct kafka_job *job, int slice_ms,
                                             struct msp_error *why)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (!executor->commit) {
		executor->commit = rd_kafka_queue_new(executor->member.rk);
		executor->commit_answer = RD_KAFKA_RESP_ERR__IN_PROGRESS;
		code = rd_kafka_commit_queue(executor->member.rk, job->offsets, executor->commit, kafka_commit_answered,
		                             &executor->commit_answer);
	}
	if (!code)
		rd_kafka_queue_poll_callback(executor->commit, slice_ms);
	if (!code && executor->commit_answer == RD_KAFKA_RESP_ERR__IN_PROGRESS)
		return KAFKA_SAW_NOT_YET;
	code = kafka_commit_error(code ? code : executor->commit_answer, NULL);
	rd_kafka_queue_destroy(executor->commit);
	executor->commit = NULL;
	if (!code)
		return KAFKA_SAW_DONE;
	kafka_error_set(why, code, NULL, "commit of group %s", executor->member.group);
	return KAFKA_SAW_NOT_YET;
}

static enum kafka_saw execute_store(struct kafka_executor *executor, const struct kafka_job *job, int slice_ms,
                                    struct msp_error *why)
{
	if (executor->commits_at_once)
		return execute_commit_offsets(executor, job, slice_ms, why);
	rd_kafka_resp_err_t code = rd_kafka_offsets_store(executor->member.rk, job->offsets);
	if (!code)
		return KAFKA_SAW_DONE;
	kafka_error_set(why, code, NULL, "the offsets of group %s", executor->member.group);
	return KAFKA_SAW_NOT_YET;
}

/* ---- transactions ---- */

static enum kafka_saw execute_begin(struct kafka_executor *executor, struct msp_error *why)
{
	rd_kafka_error_t *error = rd_kafka_begin_transaction(executor->publisher.client.rk);
	enum kafka_saw saw = transaction_saw(executor, error, "begin_transaction", why);
	return saw == KAFKA_SAW_DONE ? saw : KAFKA_SAW_INVALID;
}

static enum kafka_saw execute_abort(struct kafka_executor *executor)
{
	rd_kafka_error_t *error = rd_kafka_abort_transaction(executor->publisher.client.rk, ABORT_MS);
	if (!error)
		return KAFKA_SAW_DONE;
	rd_kafka_error_destroy(error);
	return KAFKA_SAW_INVALID;
}

enum kafka_saw kafka_execute(struct kafka_executor *executor, enum kafka_action action, const struct kafka_job *job,
                             int slice_ms, struct msp_error *why)
{
	rd_kafka_t *rk = executor->publisher.client.rk;
	if (executor->action != action)
		executor->action_since_ms = msp_monotonic_ms();
	executor->action = action;
	switch (action) {
	case KAFKA_DO_PREPARE:
		return execute_prepare(executor, slice_ms, why);
	case KAFKA_DO_RECREATE:
		return execute_recreate(executor, why);
	case KAFKA_DO_INIT:
		return transaction_saw(executor, rd_kafka_init_transactions(rk, at_least_1(slice_ms)), "init_transactions",
		                       why);
	case KAFKA_DO_CHECK:
		return execute_check(executor, job, slice_ms, why);
	case KAFKA_DO_BEGIN:
		return execute_begin(executor, why);
	case KAFKA_DO_PRODUCE:
		return execute_produce(executor, job, slice_ms, why);
	case KAFKA_DO_SEND_OFFSETS:
		return execute_send_offsets(executor, job, slice_ms, why);
	case KAFKA_DO_COMMIT:
		return transaction_saw(executor, rd_kafka_commit_transaction(rk, COMMIT_MS), "commit_transaction", why);
	case KAFKA_DO_ABORT:
		return execute_abort(executor);
	case KAFKA_DO_STORE:
		return execute_store(executor, job, slice_ms, why);
	case KAFKA_DO_NOTHING:
	case KAFKA_DO_ANSWER:
		break;
	}
	return KAFKA_SAW_NOT_YET;
}

bool kafka_executor_blocks(const struct kafka_executor *executor, enum kafka_action action)
{
	switch (action) {
	case KAFKA_DO_PREPARE:
		return executor->publication.flight && unknown_route(executor) >= 0;
	case KAFKA_DO_RECREATE:
	case KAFKA_DO_INIT:
	case KAFKA_DO_CHECK:
	case KAFKA_DO_SEND_OFFSETS:
	case KAFKA_DO_COMMIT:
	case KAFKA_DO_ABORT:
		return true;
	default:
		return false;
	}
}

/* ---- batches ---- */

enum msp_status kafka_executor_begin(struct kafka_executor *executor, const struct kafka_job *job,
                                     struct msp_error *err)
{
	executor->action = KAFKA_DO_NOTHING;
	if (!job->outgoing)
		return MSP_OK;
	return kafka_publication_begin(&executor->publication, &executor->publisher, job->outgoing, job->count,
	                               executor->transactional, err);
}

void kafka_executor_end(struct kafka_executor *executor)
{
	kafka_publication_end(&executor->publication);
	if (executor->commit)
		rd_kafka_queue_destroy(executor->commit);
	executor->commit = NULL;
}

void kafka_executor_idle(struct kafka_executor *executor)
{
	if (executor->publisher.client.rk)
		kafka_client_poll(&executor->publisher.client);
}

/* ---- life ---- */

/* The same for the same process and worker for good, so that a restarted process ends what it had begun. */
static enum msp_status transactional_id(const char *group, const char *instance, char *id, size_t size,
                                        struct msp_error *err)
{
	unsigned char random[8];
	if (instance) {
		snprintf(id, size, "%s-%s", group, instance);
		return MSP_OK;
	}
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return msp_error_set(err, MSP_E_UNAVAILABLE, "no random numbers: %s", strerror(errno));
	int end = snprintf(id, size, "%s-", group);
	for (size_t i = 0; i < sizeof(random) && (size_t)end < size; i++)
		end += snprintf(id + end, size - (size_t)end, "%02x", random[i]);
	return MSP_OK;
}

static enum msp_status transactional_id_claim(struct kafka_executor *executor, struct msp_error *err)
{
	struct kafka_client *client = &executor->publisher.client;
	rd_kafka_error_t *error = rd_kafka_init_transactions(client->rk, KAFKA_OPEN_TIMEOUT_MS);
	if (!error)
		return MSP_OK;
	kafka_client_poll(client);
	enum msp_status status = kafka_client_error(client, rd_kafka_error_code(error), err, "transactions");
	rd_kafka_error_destroy(error);
	if (status == MSP_E_UNSUPPORTED)
		msp_error_prefix(err, status, "exactly_once needs Kafka 2.5 or newer");
	return status;
}

/* Topics that are not there are waited for when there is something to publish to them. */
static enum msp_status executor_open_topics(struct kafka_publisher *publisher, struct msp_error *err)
{
	enum msp_status status = kafka_publisher_start(publisher, err);
	for (size_t route = 0; route < 2 && status == MSP_OK; route++) {
		if (publisher->names[route])
			status = kafka_publisher_open_topic(publisher, (enum msp_route)route, KAFKA_OPEN_TIMEOUT_MS, err);
		if (status == MSP_E_NOT_FOUND)
			status = MSP_OK;
	}
	return status == MSP_OK && publisher->outdated ? kafka_publisher_renew(publisher, NULL, err) : status;
}

/* At least once, a worker that has nothing to publish has no producer client: an idle model costs half as much. */
enum msp_status kafka_executor_init(struct kafka_executor *executor, const struct kafka_settings *settings,
                                    const struct msp_consumer_config *config, const struct kafka_identity *member,
                                    struct msp_error *err)
{
	char id[512];
	bool exactly_once = config->guarantee == MSP_EXACTLY_ONCE;
	executor->settings = settings;
	executor->member = *member;
	executor->publishes = config->outputs || config->errors;
	executor->transactional = exactly_once && executor->publishes;
	executor->commits_at_once = config->commit_interval_ms <= 0 || (exactly_once && !executor->publishes);
	if (!executor->publishes)
		return MSP_OK;
	enum msp_status status = MSP_OK;
	if (executor->transactional)
		status = transactional_id(member->group, member->instance, id, sizeof(id), err);
	if (status == MSP_OK)
		status = kafka_publisher_init(&executor->publisher, settings, executor->transactional ? id : NULL, err);
	if (status == MSP_OK && config->outputs)
		status = kafka_publisher_name_topic(&executor->publisher, MSP_ROUTE_OUTPUTS, config->outputs, err);
	if (status == MSP_OK && config->errors)
		status = kafka_publisher_name_topic(&executor->publisher, MSP_ROUTE_ERRORS, config->errors, err);
	if (status == MSP_OK && executor->transactional)
		status = executor_open_topics(&executor->publisher, err);
	return status == MSP_OK && executor->transactional ? transactional_id_claim(executor, err) : status;
}

void kafka_executor_done(struct kafka_executor *executor)
{
	kafka_executor_end(executor);
	kafka_publisher_done(&executor->publisher);
}
