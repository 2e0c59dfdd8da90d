#include "fake_transport.h"

#include <msp/clock.h>
#include <msp/thread.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct fake_consumer {
	struct msp_consumer base;
	struct fake_transport *fake;
	int alive;
	struct msp_batch *flying;
	struct msp_outgoing *outgoing;
};

struct fake_batch {
	struct msp_batch base;
	size_t first;
};

static struct fake_consumer *fake_of(struct msp_consumer *consumer);

/* ---- consumer ---- */

static void fake_wait_for_input(struct fake_transport *fake, int timeout_ms)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	while (timeout_ms > 0 && fake->received == fake->input_count && !fake->woken)
		if (!msp_condition_wait(&fake->changed, &fake->mutex, deadline_ms))
			break;
	fake->woken = false;
}

static enum msp_status fake_receive(struct msp_consumer *base, const struct msp_receive_limits *limits,
                                    struct msp_batch **ret_batch, struct msp_error *err)
{
	struct fake_consumer *consumer = fake_of(base);
	struct fake_transport *fake = consumer->fake;
	enum msp_status status = MSP_OK;
	*ret_batch = NULL;
	pthread_mutex_lock(&fake->mutex);
	if (fake->receive_failures > 0) {
		fake->receive_failures--;
		status = msp_error_set(err, MSP_E_UNAVAILABLE, "the fake broker is away");
		goto out;
	}
	fake_wait_for_input(fake, limits->timeout_ms);
	size_t count = fake->input_count - fake->received;
	if (count > limits->max_messages)
		count = limits->max_messages;
	if (count == 0)
		goto out;
	struct fake_batch *batch = calloc(1, sizeof(*batch));
	assert(batch);
	batch->base = (struct msp_batch){fake->inputs + fake->received, count};
	batch->first = fake->received;
	fake->received += count;
	fake->received_in_flight += consumer->flying != NULL;
	if (count > fake->largest_batch)
		fake->largest_batch = count;
	if (++consumer->alive > fake->most_alive)
		fake->most_alive = consumer->alive;
	*ret_batch = &batch->base;
out:
	pthread_mutex_unlock(&fake->mutex);
	return status;
}

static enum msp_status fake_serve(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	(void)err;
	struct fake_transport *fake = fake_of(base)->fake;
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	pthread_mutex_lock(&fake->mutex);
	fake->served++;
	pthread_cond_broadcast(&fake->changed);
	while (!fake->woken && msp_condition_wait(&fake->changed, &fake->mutex, deadline_ms))
		;
	fake->woken = false;
	pthread_mutex_unlock(&fake->mutex);
	return MSP_OK;
}

static void fake_batch_free(struct msp_consumer *base, struct msp_batch *batch)
{
	struct fake_consumer *consumer = fake_of(base);
	assert(batch != consumer->flying);
	consumer->alive--;
	free(batch);
}

static void fake_settle_begin(struct msp_consumer *base, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct fake_consumer *consumer = fake_of(base);
	assert(!consumer->flying);
	consumer->flying = batch;
	consumer->outgoing = outgoing;
	for (size_t i = 0; i < batch->count; i++)
		assert(outgoing[i].state != MSP_OUTGOING_REJECTED);
}

static void copy_text(char *target, size_t size, struct msp_bytes bytes)
{
	if (!bytes.data)
		bytes = MSP_BYTES_LITERAL("(null)");
	snprintf(target, size, "%.*s", (int)bytes.size, (const char *)bytes.data);
}

static void fake_keep(struct fake_transport *fake, const struct msp_outgoing *outgoing, size_t source)
{
	struct fake_record *record = &fake->records[fake->record_count++];
	*record = (struct fake_record){
	    .route = outgoing->route, .header_count = outgoing->message.header_count, .source = source};
	copy_text(record->value, sizeof(record->value), outgoing->message.value);
	for (size_t i = 0; i < outgoing->message.header_count; i++) {
		const struct msp_header *header = &outgoing->message.headers[i];
		if (msp_bytes_equal(header->name, MSP_BYTES_LITERAL("msp-error-code")))
			copy_text(record->code, sizeof(record->code), header->value);
		if (msp_bytes_equal(header->name, MSP_BYTES_LITERAL("msp-error-message")))
			copy_text(record->message, sizeof(record->message), header->value);
	}
}

static void fake_finish(struct fake_consumer *consumer)
{
	struct fake_transport *fake = consumer->fake;
	size_t first = ((struct fake_batch *)(void *)consumer->flying)->first;
	assert(first == fake->settled);
	for (size_t i = 0; i < consumer->flying->count; i++) {
		fake_keep(fake, &consumer->outgoing[i], first + i);
		consumer->outgoing[i].state = MSP_OUTGOING_PUBLISHED;
	}
	fake->settled += consumer->flying->count;
}

static void fake_reject(struct fake_consumer *consumer, const char *text)
{
	for (size_t i = 0; i < consumer->flying->count; i++) {
		char value[128];
		copy_text(value, sizeof(value), consumer->outgoing[i].message.value);
		if (!strstr(value, text))
			continue;
		consumer->outgoing[i].state = MSP_OUTGOING_REJECTED;
		consumer->outgoing[i].reason = "the fake broker does not like it";
	}
}

static enum msp_settle_answer fake_settle_wait(struct msp_consumer *base, int timeout_ms, struct msp_error *err)
{
	struct fake_consumer *consumer = fake_of(base);
	struct fake_transport *fake = consumer->fake;
	assert(consumer->flying);
	pthread_mutex_lock(&fake->mutex);
	struct fake_step step = {.answer = MSP_SETTLE_OK};
	if (fake->step_at < fake->step_count)
		step = fake->steps[fake->step_at++];
	if (step.status != MSP_OK)
		msp_error_set(err, step.status, "the fake broker says no");
	/* Slow: nothing came until the timeout. */
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	while (step.answer == MSP_SETTLE_AGAIN && step.status == MSP_OK &&
	       msp_condition_wait(&fake->changed, &fake->mutex, deadline_ms))
		;
	if (step.answer == MSP_SETTLE_OK)
		fake_finish(consumer);
	if (step.answer == MSP_SETTLE_REJECTED)
		fake_reject(consumer, step.reject);
	if (step.answer == MSP_SETTLE_LOST)
		fake->received = fake->settled;
	if (step.answer != MSP_SETTLE_AGAIN)
		consumer->flying = NULL;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->mutex);
	return step.answer;
}

static void fake_wake(struct msp_consumer *base)
{
	struct fake_transport *fake = fake_of(base)->fake;
	pthread_mutex_lock(&fake->mutex);
	fake->woken = true;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->mutex);
}

static void fake_consumer_free(struct msp_consumer *base)
{
	struct fake_consumer *consumer = fake_of(base);
	struct fake_transport *fake = consumer->fake;
	free(consumer->flying);
	pthread_mutex_lock(&fake->mutex); /* another worker's consumer may be receiving */
	fake->received = fake->settled;
	pthread_mutex_unlock(&fake->mutex);
	free(consumer);
}

static const struct msp_consumer_ops consumer_ops = {
    .receive = fake_receive,
    .serve = fake_serve,
    .batch_free = fake_batch_free,
    .settle_begin = fake_settle_begin,
    .settle_wait = fake_settle_wait,
    .wake = fake_wake,
    .free = fake_consumer_free,
};

static struct fake_consumer *fake_of(struct msp_consumer *consumer)
{
	assert(consumer->ops == &consumer_ops);
	return (struct fake_consumer *)consumer;
}

/* ---- transport ---- */

static enum msp_status fake_consumer_open(struct msp_transport *transport, const struct msp_consumer_config *config,
                                          struct msp_consumer **ret_consumer, struct msp_error *err)
{
	(void)config;
	struct fake_transport *fake = (struct fake_transport *)transport;
	if (fake->open_failures > 0) {
		fake->open_failures--;
		return msp_error_set(err, MSP_E_UNAVAILABLE, "the fake broker is not there yet");
	}
	struct fake_consumer *consumer = calloc(1, sizeof(*consumer));
	assert(consumer);
	consumer->base.ops = &consumer_ops;
	consumer->fake = fake;
	*ret_consumer = &consumer->base;
	return MSP_OK;
}

static const struct msp_transport_ops transport_ops = {.name = "fake", .consumer_open = fake_consumer_open};

void fake_transport_init(struct fake_transport *fake)
{
	*fake = (struct fake_transport){.base.ops = &transport_ops};
	pthread_mutex_init(&fake->mutex, NULL);
	if (!msp_condition_init(&fake->changed))
		abort();
}

void fake_transport_done(struct fake_transport *fake)
{
	for (size_t i = 0; i < fake->input_count; i++)
		free((char *)(uintptr_t)fake->inputs[i].value.data);
	free(fake->inputs);
	free(fake->records);
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->mutex);
}

void fake_transport_put(struct fake_transport *fake, const char *value)
{
	pthread_mutex_lock(&fake->mutex);
	/* Batches borrow from this array: it must not move while a consumer is at work. */
	assert(fake->input_count < 4096);
	if (!fake->inputs) {
		fake->inputs = calloc(4096, sizeof(*fake->inputs));
		fake->records = calloc(4096, sizeof(*fake->records));
		assert(fake->inputs && fake->records);
	}
	fake->inputs[fake->input_count] = (struct msp_message){
	    .value = msp_bytes_of_string(value ? strdup(value) : NULL),
	    .timestamp_ms = 1,
	    .topic = "inputs",
	    .partition = 0,
	    .offset = (int64_t)fake->input_count,
	    .attempts = 1,
	};
	fake->input_count++;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->mutex);
}

void fake_transport_step(struct fake_transport *fake, enum msp_settle_answer answer, enum msp_status status,
                         const char *reject)
{
	assert(fake->step_count < FAKE_MAX_STEPS);
	fake->steps[fake->step_count++] = (struct fake_step){answer, status, reject};
}

bool fake_transport_wait_settled(struct fake_transport *fake, size_t count)
{
	int64_t deadline_ms = msp_deadline_in(10000);
	pthread_mutex_lock(&fake->mutex);
	while (fake->settled < count && msp_condition_wait(&fake->changed, &fake->mutex, deadline_ms))
		;
	bool settled = fake->settled >= count;
	pthread_mutex_unlock(&fake->mutex);
	return settled;
}

bool fake_transport_wait_steps(struct fake_transport *fake)
{
	int64_t deadline_ms = msp_deadline_in(10000);
	pthread_mutex_lock(&fake->mutex);
	while (fake->step_at < fake->step_count && msp_condition_wait(&fake->changed, &fake->mutex, deadline_ms))
		;
	bool taken = fake->step_at == fake->step_count;
	pthread_mutex_unlock(&fake->mutex);
	return taken;
}
