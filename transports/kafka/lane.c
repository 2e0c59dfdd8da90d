#include "lane.h"
#include "error.h"

#include <assert.h>
#include <msp/thread.h>

/* How long the thread tries an action that does not wait while it holds the lock, and how long it lets others have it.
 */
#define SLICE_MS 5
#define PAUSE_MS 1
/* How long a call of the thread waits that goes on where it was when it is called again. */
#define CALL_MS 100
/* Between tries while something stands in the way, doubled each time: a try may be a new client with a new login. */
#define RETRY_MS     20
#define RETRY_MAX_MS 1000

/* ---- one step, with the lock held ---- */

static bool lane_is_idle(const struct kafka_lane *lane)
{
	return lane->settle.next == KAFKA_DO_NOTHING;
}

static void lane_begin(struct kafka_lane *lane)
{
	struct msp_error why;
	lane->why.status = MSP_OK;
	lane->retry_ms = 0;
	kafka_settle_begin(&lane->settle, lane->job.outgoing != NULL);
	lane->is_threads = lane->has_thread && lane->settle.transactional;
	if (kafka_executor_begin(&lane->executor, &lane->job, &why) != MSP_OK) {
		lane->why = why;
		kafka_settle_see(&lane->settle, KAFKA_SAW_FATAL);
	}
}

static void lane_answer(struct kafka_lane *lane, enum msp_settle_answer answer, bool topic_gone)
{
	lane->answer = (struct kafka_answer){.answer = answer, .topic_gone = topic_gone, .why = lane->why};
	lane->answered = true;
}

/* The settle is over: lets go of the job, and begins what was posted meanwhile. */
static void lane_end(struct kafka_lane *lane)
{
	if (!lane->left && lane->settle.answer == MSP_SETTLE_OK)
		kafka_executor_publish_all(&lane->executor);
	kafka_executor_end(&lane->executor);
	kafka_job_done(&lane->job);
	if (!lane->left)
		lane_answer(lane, lane->settle.answer, lane->settle.topic_gone);
	lane->left = false;
	lane->settle.next = KAFKA_DO_NOTHING;
	if (lane->has_next) {
		lane->job = lane->next;
		lane->has_next = false;
		lane_begin(lane);
	}
}

static void lane_see(struct kafka_lane *lane, enum kafka_saw saw)
{
	kafka_settle_see(&lane->settle, saw);
	if (lane->left && lane->settle.next != KAFKA_DO_ANSWER && lane->settle.next != KAFKA_DO_ABORT)
		kafka_settle_see(&lane->settle, lane->left_as);
	while (lane->settle.next == KAFKA_DO_ANSWER)
		lane_end(lane);
	pthread_cond_broadcast(&lane->changed);
}

/* Tries the next action once; false when something stands in the way, and why. That stays until the owner has heard
 * it, whatever goes well meanwhile: a new client is made before each try. The lock is free during a call that may
 * wait. */
static bool lane_step(struct kafka_lane *lane, int slice_ms)
{
	struct msp_error why = {.status = MSP_OK};
	enum kafka_action action = lane->settle.next;
	bool waits = kafka_executor_blocks(&lane->executor, action);
	if (waits) {
		lane->in_call = true;
		pthread_mutex_unlock(&lane->lock);
	}
	enum kafka_saw saw = kafka_execute(&lane->executor, action, &lane->job, waits ? CALL_MS : slice_ms, &why);
	if (waits) {
		pthread_mutex_lock(&lane->lock);
		lane->in_call = false;
	}
	if (why.status != MSP_OK)
		lane->why = why;
	lane_see(lane, saw);
	return why.status == MSP_OK;
}

/* ---- the thread ---- */

/* Longer each time, until the settle is over. */
static int next_retry_ms(int retry_ms)
{
	if (retry_ms < RETRY_MS)
		return RETRY_MS;
	return retry_ms < RETRY_MAX_MS / 2 ? 2 * retry_ms : RETRY_MAX_MS;
}

/* At least once the owner goes on as soon as nothing waits for the broker any more. */
static void lane_hand_back(struct kafka_lane *lane)
{
	if (lane->settle.transactional || lane->left || kafka_executor_blocks(&lane->executor, lane->settle.next))
		return;
	lane->is_threads = false;
	pthread_cond_broadcast(&lane->changed);
}

static void *lane_main(void *context)
{
	struct kafka_lane *lane = context;
	pthread_mutex_lock(&lane->lock);
	while (!lane->stopping || lane->left) {
		if (lane_is_idle(lane) || !lane->is_threads) {
			pthread_cond_wait(&lane->changed, &lane->lock);
			continue;
		}
		enum kafka_action before = lane->settle.next;
		bool free = lane_step(lane, SLICE_MS);
		lane_hand_back(lane);
		if (!free)
			lane->retry_ms = next_retry_ms(lane->retry_ms);
		if (lane->is_threads && (!free || lane->settle.next == before))
			msp_condition_wait(&lane->changed, &lane->lock, msp_deadline_in(free ? PAUSE_MS : lane->retry_ms));
	}
	pthread_mutex_unlock(&lane->lock);
	return NULL;
}

/* Hands the job to the thread, which is started when it is first needed. */
static void lane_hand_over(struct kafka_lane *lane)
{
	if (!lane->has_thread && msp_thread_start(&lane->thread, lane_main, lane, &lane->why) != MSP_OK)
		return;
	lane->has_thread = true;
	lane->is_threads = true;
	pthread_cond_broadcast(&lane->changed);
}

/* ---- the owner ---- */

/* Works on a job of the owner's until nothing moves, for about slice_ms. */
static void lane_advance(struct kafka_lane *lane, int slice_ms)
{
	int64_t deadline_ms = msp_deadline_in(slice_ms);
	enum kafka_action before;
	bool free;
	do {
		if (lane_is_idle(lane) || lane->is_threads || lane->answered)
			return;
		before = lane->settle.next;
		if (kafka_executor_blocks(&lane->executor, before)) {
			lane_hand_over(lane);
			return;
		}
		free = lane_step(lane, msp_deadline_left_ms(deadline_ms));
	} while (free && lane->settle.next != before);
}

/* Leaves the job to the thread: its answer is LOST. What is open is ended without it. */
static void lane_leave(struct kafka_lane *lane, enum kafka_saw as)
{
	lane_answer(lane, MSP_SETTLE_LOST, false);
	lane->left = true;
	lane->left_as = as;
	if (lane->in_call)
		return;
	kafka_executor_end(&lane->executor);
	kafka_settle_see(&lane->settle, as);
	while (lane->settle.next == KAFKA_DO_ANSWER)
		lane_end(lane);
	pthread_cond_broadcast(&lane->changed);
}

void kafka_lane_post(struct kafka_lane *lane, struct kafka_job *job_take)
{
	pthread_mutex_lock(&lane->lock);
	assert(!lane->answered && !lane->has_next);
	if (lane_is_idle(lane)) {
		lane->job = *job_take;
		lane_begin(lane);
		if (lane->settle.next == KAFKA_DO_ANSWER)
			lane_end(lane);
	} else {
		lane->next = *job_take;
		lane->has_next = true;
	}
	*job_take = (struct kafka_job){.outgoing = NULL};
	lane_advance(lane, 0);
	pthread_cond_broadcast(&lane->changed);
	pthread_mutex_unlock(&lane->lock);
}

void kafka_lane_refuse(struct kafka_lane *lane, enum msp_settle_answer answer)
{
	pthread_mutex_lock(&lane->lock);
	lane_answer(lane, answer, false);
	pthread_mutex_unlock(&lane->lock);
}

/* Tells once why there is no answer yet. */
static void lane_explain(struct kafka_lane *lane, struct msp_error *ret_why)
{
	struct kafka_client *client = &lane->executor.publisher.client;
	*ret_why = lane->why;
	lane->why.status = MSP_OK;
	if (ret_why->status == MSP_OK && !lane->in_call && client->rk && client->down)
		kafka_client_error(client, RD_KAFKA_RESP_ERR__TRANSPORT, ret_why, "the broker does not answer");
}

bool kafka_lane_wait(struct kafka_lane *lane, int timeout_ms, struct kafka_answer *ret_answer,
                     struct msp_error *ret_why)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	pthread_mutex_lock(&lane->lock);
	lane_advance(lane, timeout_ms);
	while (!lane->answered && lane->is_threads && msp_condition_wait(&lane->changed, &lane->lock, deadline_ms))
		if (lane->why.status != MSP_OK)
			break;
	bool answered = lane->answered;
	if (answered)
		*ret_answer = lane->answer;
	else
		lane_explain(lane, ret_why);
	lane->answered = false;
	pthread_mutex_unlock(&lane->lock);
	return answered;
}

void kafka_lane_serve(struct kafka_lane *lane)
{
	if (pthread_mutex_trylock(&lane->lock) != 0)
		return; /* the thread is at work */
	lane_advance(lane, 0);
	if (lane_is_idle(lane))
		kafka_executor_idle(&lane->executor);
	pthread_mutex_unlock(&lane->lock);
}

/* Whether a job of the owner's is under way, without an answer. */
static bool lane_is_busy(const struct kafka_lane *lane)
{
	return !lane->answered && (lane->has_next || (!lane_is_idle(lane) && !lane->left));
}

void kafka_lane_revoke(struct kafka_lane *lane, bool lost, int64_t deadline_ms)
{
	pthread_mutex_lock(&lane->lock);
	while (!lost && lane_is_busy(lane) && msp_deadline_left_ms(deadline_ms) > 0) {
		lane_advance(lane, SLICE_MS);
		if (lane_is_busy(lane) && lane->is_threads)
			msp_condition_wait(&lane->changed, &lane->lock, deadline_ms);
	}
	if (lane_is_busy(lane) && lane->has_next) {
		kafka_job_done(&lane->next); /* nobody has touched it yet */
		lane->has_next = false;
		lane_answer(lane, MSP_SETTLE_LOST, false);
	} else if (lane_is_busy(lane)) {
		lane_leave(lane, lost ? KAFKA_SAW_LOST : KAFKA_SAW_REVOKED);
	}
	pthread_mutex_unlock(&lane->lock);
}

void kafka_lane_fail(struct kafka_lane *lane, const struct msp_error *why)
{
	kafka_lane_revoke(lane, true, 0);
	pthread_mutex_lock(&lane->lock);
	lane->answer = (struct kafka_answer){.answer = MSP_SETTLE_FAILED, .why = *why};
	pthread_mutex_unlock(&lane->lock);
}

/* ---- life ---- */

enum msp_status kafka_lane_init(struct kafka_lane *lane, const struct kafka_settings *settings,
                                const struct msp_consumer_config *config, const struct kafka_identity *member,
                                struct msp_error *err)
{
	*lane = (struct kafka_lane){.has_thread = false};
	if (!msp_condition_init(&lane->changed))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
	pthread_mutex_init(&lane->lock, NULL);
	enum msp_status status = kafka_executor_init(&lane->executor, settings, config, member, err);
	lane->settle.transactional = lane->executor.transactional;
	if (status != MSP_OK || !lane->executor.transactional)
		return status;
	status = msp_thread_start(&lane->thread, lane_main, lane, err);
	lane->has_thread = status == MSP_OK;
	return status;
}

void kafka_lane_stop(struct kafka_lane *lane)
{
	if (!lane->executor.settings)
		return;
	kafka_lane_revoke(lane, false, 0);
	pthread_mutex_lock(&lane->lock);
	lane->stopping = true;
	pthread_cond_broadcast(&lane->changed);
	pthread_mutex_unlock(&lane->lock);
	if (lane->has_thread)
		pthread_join(lane->thread, NULL);
	lane->has_thread = false;
	kafka_job_done(&lane->job);
	kafka_job_done(&lane->next);
}

void kafka_lane_done(struct kafka_lane *lane)
{
	if (!lane->executor.settings)
		return;
	kafka_executor_done(&lane->executor);
	pthread_cond_destroy(&lane->changed);
	pthread_mutex_destroy(&lane->lock);
}
