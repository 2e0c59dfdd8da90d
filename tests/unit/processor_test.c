#include "fake_codec.h"
#include "fake_model.h"
#include "fake_transport.h"

#include <msp/clock.h>
#include <msp/log.h>
#include <msp/processor.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
	struct fake_transport transport;
	struct msp_registry_entry entry;
	struct msp_service_config config;
	struct msp_processor *processor;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	static char label[] = "fake";
	memset(&fixture, 0, sizeof(fixture));
	fake_model_tally_reset();
	msp_log_set_level(MSP_LOG_ERROR);
	fake_transport_init(&fixture.transport);
	fixture.entry.label = label;
	fixture.entry.plugin.symbol = &fake_model_plugin;
	fixture.entry.info = fake_model_plugin.info;
	fixture.entry.loaded = true;
	snprintf(fixture.entry.identity, sizeof(fixture.entry.identity), "fake/1.0");
	fixture.config = (struct msp_service_config){
	    .entry = &fixture.entry,
	    .transport = &fixture.transport.base,
	    .workers = 1,
	    .group = "group",
	    .batch_max_messages = 64,
	    .batch_max_bytes = (size_t)1 << 20,
	    .batch_max_ms = 1000,
	    .stop_timeout_ms = 300,
	    .pipeline = {.input_codec = &fake_codec,
	                 .output_codec = &fake_codec,
	                 .max_depth = 8,
	                 .max_message_bytes = 1000,
	                 .max_memory = (size_t)1 << 20},
	};
	assert_int_equal(msp_processor_new(&fixture.processor, NULL), MSP_OK);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	msp_processor_free(fixture->processor);
	fake_transport_done(&fixture->transport);
	assert_int_equal(fake_model_tally.open, 0);
	return 0;
}

static void put_numbers(struct fixture *fixture, int from, int to)
{
	char text[16];
	for (int n = from; n < to; n++) {
		snprintf(text, sizeof(text), "%d", n);
		fake_transport_put(&fixture->transport, text);
	}
}

static void start(struct fixture *fixture)
{
	assert_int_equal(msp_processor_add(fixture->processor, &fixture->config, NULL), MSP_OK);
	assert_int_equal(msp_processor_start(fixture->processor, NULL), MSP_OK);
}

static enum msp_status stop(struct fixture *fixture, struct msp_error *err)
{
	msp_processor_stop(fixture->processor);
	return msp_processor_join(fixture->processor, err);
}

static void run_until_settled(struct fixture *fixture, size_t count)
{
	struct msp_error err = {.text = ""};
	start(fixture);
	bool settled = fake_transport_wait_settled(&fixture->transport, count);
	enum msp_status status = stop(fixture, &err);
	if (status != MSP_OK)
		fail_msg("the worker ended: %s", err.text);
	assert_true(settled);
}

static bool wait_for(bool (*condition)(struct msp_processor *), struct msp_processor *processor, bool expected)
{
	for (int i = 0; i < 10000 && condition(processor) != expected; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return condition(processor) == expected;
}

static void snapshot_keep(void *context, const struct msp_worker_snapshot *snapshot)
{
	*(struct msp_worker_snapshot *)context = *snapshot;
}

/* The one worker. */
static struct msp_worker_snapshot look(struct fixture *fixture)
{
	struct msp_worker_snapshot snapshot = {.label = NULL};
	msp_processor_visit(fixture->processor, snapshot_keep, &snapshot);
	assert_non_null(snapshot.label);
	return snapshot;
}

/* ---- the loop ---- */

static void every_input_becomes_one_result_in_order(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 500);
	fake_transport_put(&fixture->transport, "no number");
	put_numbers(fixture, 500, 600);
	run_until_settled(fixture, 501);
	assert_int_equal(fixture->transport.record_count, 501);
	for (size_t i = 0; i < 501; i++) {
		const struct fake_record *record = &fixture->transport.records[i];
		assert_int_equal(record->source, i);
		if (i == 400) {
			assert_int_equal(record->route, MSP_ROUTE_ERRORS);
			assert_string_equal(record->code, "malformed");
			assert_string_equal(record->value, "no number");
			continue;
		}
		assert_int_equal(record->route, MSP_ROUTE_OUTPUTS);
		assert_int_equal(atoi(record->value), (int)i + 100 - (i > 400));
	}
	assert_int_equal(fixture->transport.largest_batch, 64);
}

static void a_batch_is_computed_while_another_is_in_flight(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 400);
	run_until_settled(fixture, 300);
	assert_true(fixture->transport.received_in_flight > 0);
	assert_int_equal(fixture->transport.most_alive, 2);
}

static void counters_tell_what_was_settled(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 110);
	fake_transport_put(&fixture->transport, "no number");
	fake_transport_put(&fixture->transport, "14");
	run_until_settled(fixture, 12);
	struct msp_counters counters;
	msp_processor_counters(fixture->processor, &counters);
	assert_int_equal(counters.received, 12);
	assert_int_equal(counters.outputs, 10);
	assert_int_equal(counters.errors, 2);
	assert_int_equal(counters.errors_by_code[MSP_FAILURE_MALFORMED], 1);
	assert_int_equal(counters.errors_by_code[MSP_FAILURE_MODEL_ERROR], 1);
	assert_int_equal(counters.lost, 0);
}

static void slow_models_get_short_batches(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.batch_max_ms = 20;
	for (int i = 0; i < 40; i++)
		fake_transport_put(&fixture->transport, "18");
	run_until_settled(fixture, 40);
	/* 5 ms each: at most four fit 20 ms. */
	assert_in_range(fixture->transport.largest_batch, 1, 4);
}

/* ---- the answers of settle_wait ---- */

static void again_waits_and_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 110);
	for (int i = 0; i < 4; i++)
		fake_transport_step(&fixture->transport, MSP_SETTLE_AGAIN, i % 2 ? MSP_E_UNAVAILABLE : MSP_OK, NULL);
	run_until_settled(fixture, 10);
	assert_int_equal(fixture->transport.record_count, 10);
}

static void waiting_is_not_ready(void **state)
{
	struct fixture *fixture = *state;
	assert_false(msp_processor_ready(fixture->processor));
	for (int i = 0; i < 5; i++)
		fake_transport_step(&fixture->transport, MSP_SETTLE_AGAIN, MSP_E_UNAVAILABLE, NULL);
	start(fixture);
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	put_numbers(fixture, 100, 101);
	assert_true(wait_for(msp_processor_ready, fixture->processor, false));
	assert_true(fake_transport_wait_settled(&fixture->transport, 1));
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	assert_false(msp_processor_ready(fixture->processor));
}

static void a_settle_that_stalls_is_not_ready(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 45; i++)
		fake_transport_step(&fixture->transport, MSP_SETTLE_AGAIN, MSP_OK, NULL);
	start(fixture);
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	put_numbers(fixture, 100, 101);
	assert_true(wait_for(msp_processor_ready, fixture->processor, false));
	struct msp_worker_snapshot snapshot = look(fixture);
	assert_int_equal(snapshot.waiting_for, MSP_WAIT_ACKNOWLEDGEMENT);
	assert_string_equal(snapshot.waiting_why, "the broker has not acknowledged the results yet");
	assert_int_equal(snapshot.in_flight, 1);
	assert_true(fake_transport_wait_settled(&fixture->transport, 1));
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
}

static void a_rejected_output_becomes_an_error_record(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 108);
	fake_transport_step(&fixture->transport, MSP_SETTLE_REJECTED, MSP_OK, "10");
	run_until_settled(fixture, 8);
	/* The first batch is one message: only that was there to be refused. */
	const struct fake_record *record = &fixture->transport.records[0];
	assert_int_equal(record->route, MSP_ROUTE_ERRORS);
	assert_string_equal(record->code, "output_rejected");
	assert_string_equal(record->value, "100");
	assert_string_equal(record->message, "the fake broker does not like it");
	for (size_t i = 1; i < 8; i++)
		assert_int_equal(fixture->transport.records[i].route, MSP_ROUTE_OUTPUTS);
}

static void a_rejected_error_record_goes_without_its_value(void **state)
{
	struct fixture *fixture = *state;
	fake_transport_put(&fixture->transport, "no number");
	fake_transport_step(&fixture->transport, MSP_SETTLE_REJECTED, MSP_OK, "no number");
	run_until_settled(fixture, 1);
	assert_string_equal(fixture->transport.records[0].value, "(null)");
	assert_string_equal(fixture->transport.records[0].code, "malformed");
}

static void an_error_record_refused_with_nothing_of_its_input_ends_the_worker(void **state)
{
	struct fixture *fixture = *state;
	struct msp_error err;
	fake_transport_put(&fixture->transport, "no number");
	fake_transport_step(&fixture->transport, MSP_SETTLE_REJECTED, MSP_OK, "no number");
	for (int i = 0; i < 4; i++) /* without value, headers, key, timestamp */
		fake_transport_step(&fixture->transport, MSP_SETTLE_REJECTED, MSP_OK, "(null)");
	start(fixture);
	assert_true(wait_for(msp_processor_failed, fixture->processor, true));
	assert_int_equal(stop(fixture, &err), MSP_E_LIMIT);
	assert_non_null(strstr(err.text, "fake/1.0"));
	assert_non_null(strstr(err.text, "the fake broker does not like it"));
	assert_int_equal(fixture->transport.record_count, 0);
}

static void a_lost_batch_takes_the_next_with_it(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 110);
	fake_transport_step(&fixture->transport, MSP_SETTLE_OK, MSP_OK, NULL);
	fake_transport_step(&fixture->transport, MSP_SETTLE_LOST, MSP_E_CONFLICT, NULL);
	run_until_settled(fixture, 10);
	assert_int_equal(fixture->transport.record_count, 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(fixture->transport.records[i].source, i);
	struct msp_counters counters;
	msp_processor_counters(fixture->processor, &counters);
	assert_int_equal(counters.lost, 1);
	assert_int_equal(counters.outputs, 10);
	assert_true(counters.received > 10);
}

static void a_broken_broker_ends_the_worker_with_its_reason(void **state)
{
	struct fixture *fixture = *state;
	struct msp_error err;
	put_numbers(fixture, 100, 101);
	fake_transport_step(&fixture->transport, MSP_SETTLE_FAILED, MSP_E_CORRUPT, NULL);
	start(fixture);
	assert_true(wait_for(msp_processor_failed, fixture->processor, true));
	assert_int_equal(stop(fixture, &err), MSP_E_CORRUPT);
	assert_string_equal(err.text, "fake/1.0 worker 0: the fake broker says no");
}

/* ---- the worker's life ---- */

static void a_broker_that_is_not_there_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	fixture->transport.open_failures = 3;
	fixture->transport.receive_failures = 3;
	put_numbers(fixture, 100, 105);
	run_until_settled(fixture, 5);
}

static void no_memory_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 16, 17);
	run_until_settled(fixture, 1);
	assert_true(fake_model_tally.memory_was_refused);
	assert_string_equal(fixture->transport.records[0].value, "16");
}

static void an_input_that_asks_for_too_much_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 19, 20);
	put_numbers(fixture, 100, 103);
	run_until_settled(fixture, 4);
	assert_string_equal(fixture->transport.records[1].value, "100");
	struct msp_counters counters;
	msp_processor_counters(fixture->processor, &counters);
	assert_int_equal(counters.errors_by_code[MSP_FAILURE_MODEL_ERROR], 1);
}

static void nothing_stays_in_flight_while_memory_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	fake_model_tally.memory_is_short = true;
	put_numbers(fixture, 100, 101);
	put_numbers(fixture, 16, 17);
	start(fixture);
	assert_true(fake_transport_wait_settled(&fixture->transport, 1));
	assert_true(wait_for(msp_processor_ready, fixture->processor, false));
	fake_model_tally.memory_is_short = false;
	assert_true(fake_transport_wait_settled(&fixture->transport, 2));
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
}

/* ---- a model that cannot now ---- */

static bool refused_twice(struct msp_processor *processor)
{
	(void)processor;
	return fake_model_tally.refused >= 2;
}

/* Waited for like a broker: nothing goes to errors, the one before is settled, the group's duties are served. */
static void a_model_that_cannot_now_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 100, 101);
	put_numbers(fixture, 21, 22);
	put_numbers(fixture, 100, 103);
	start(fixture);
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	assert_true(fake_transport_wait_settled(&fixture->transport, 5));
	fake_model_tally.is_away = true;
	put_numbers(fixture, 21, 22);
	assert_true(wait_for(refused_twice, fixture->processor, true));
	assert_false(msp_processor_ready(fixture->processor));
	struct msp_worker_snapshot snapshot = look(fixture);
	assert_int_equal(snapshot.state, MSP_WORKER_WAITING);
	assert_int_equal(snapshot.waiting_for, MSP_WAIT_MODEL);
	assert_string_equal(snapshot.waiting_why, "the fake model is away");
	assert_in_range(snapshot.waiting_since_ms, 1, msp_monotonic_ms());
	fake_model_tally.is_away = false;
	assert_true(fake_transport_wait_settled(&fixture->transport, 6));
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	assert_true(fixture->transport.served > 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(fixture->transport.records[i].route, MSP_ROUTE_OUTPUTS);
}

static void a_model_that_does_not_open_yet_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	fake_model_tally.is_away = true;
	put_numbers(fixture, 100, 105);
	start(fixture);
	assert_true(wait_for(refused_twice, fixture->processor, true));
	assert_false(msp_processor_ready(fixture->processor));
	assert_int_equal(look(fixture).waiting_for, MSP_WAIT_MODEL);
	fake_model_tally.is_away = false;
	assert_true(fake_transport_wait_settled(&fixture->transport, 5));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
}

static void a_codec_that_cannot_now_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	fake_codec_needs.refused = 0;
	fake_codec_needs.prepare = true;
	put_numbers(fixture, 100, 105);
	start(fixture);
	assert_true(wait_for(msp_processor_ready, fixture->processor, false));
	while (fake_codec_needs.refused < 2)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(look(fixture).waiting_for, MSP_WAIT_CODEC);
	fake_codec_needs.prepare = false;
	assert_true(fake_transport_wait_settled(&fixture->transport, 5));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
}

static void an_instance_that_says_something_else_ends_the_worker(void **state)
{
	struct fixture *fixture = *state;
	static struct msp_model_info other;
	struct msp_error err = {.text = ""};
	other = *fake_model_plugin.info;
	other.minor++;
	fixture->entry.info = &other;
	start(fixture);
	assert_true(wait_for(msp_processor_failed, fixture->processor, true));
	assert_int_equal(stop(fixture, &err), MSP_E_CONFLICT);
	assert_non_null(strstr(err.text, "says that it is fake/1.0"));
}

static bool model_is_blocked(struct msp_processor *processor)
{
	(void)processor;
	return fake_model_tally.is_blocked;
}

static void stop_wakes_a_model_that_waits(void **state)
{
	struct fixture *fixture = *state;
	put_numbers(fixture, 22, 23);
	start(fixture);
	assert_true(wait_for(model_is_blocked, fixture->processor, true));
	assert_true(look(fixture).computing_since_ms > 0);
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	assert_int_equal(fixture->transport.settled, 0);
}

/* ---- services that come and go ---- */

static void services_come_and_go_while_others_run(void **state)
{
	struct fixture *fixture = *state;
	start(fixture);
	struct fake_transport other;
	static char label[] = "other";
	struct msp_registry_entry entry = fixture->entry;
	entry.label = label;
	struct msp_service_config second = fixture->config;
	second.entry = &entry;
	second.transport = &other.base;
	for (int round = 0; round < 3; round++) {
		fake_transport_init(&other);
		assert_int_equal(msp_processor_add(fixture->processor, &second, NULL), MSP_OK);
		assert_int_equal(msp_processor_add(fixture->processor, &second, NULL), MSP_E_EXISTS);
		assert_int_equal(msp_processor_start(fixture->processor, NULL), MSP_OK);
		fake_transport_put(&other, "7");
		put_numbers(fixture, 100, 110);
		assert_true(fake_transport_wait_settled(&other, 1));
		assert_true(wait_for(msp_processor_ready, fixture->processor, true));
		if (round == 1)
			assert_int_equal(msp_processor_stop_service(fixture->processor, "other", NULL), MSP_OK);
		assert_int_equal(msp_processor_remove(fixture->processor, "other", NULL), MSP_OK);
		assert_int_equal(msp_processor_remove(fixture->processor, "other", NULL), MSP_E_NOT_FOUND);
		fake_transport_done(&other);
		assert_true(msp_processor_ready(fixture->processor));
	}
	assert_true(fake_transport_wait_settled(&fixture->transport, 30));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	struct msp_counters counters;
	msp_processor_counters(fixture->processor, &counters);
	assert_int_equal(counters.outputs, 33);
}

static void two_workers_of_one_model_are_told_apart(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.workers = 2;
	start(fixture);
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	assert_int_equal(fake_model_tally.open, 2);
	/* The last that the visitor meets. */
	assert_int_equal(look(fixture).slot, 1);
	assert_int_equal(stop(fixture, NULL), MSP_OK);
}

static void histograms_tell_how_long_it_took(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 20; i++)
		fake_transport_put(&fixture->transport, "18");
	run_until_settled(fixture, 20);
	struct msp_worker_snapshot snapshot = look(fixture);
	struct msp_histogram_snapshot predict = {.count = 0}, end_to_end = {.count = 0}, settle = {.count = 0};
	msp_histogram_add_to(snapshot.predict, &predict);
	msp_histogram_add_to(snapshot.end_to_end, &end_to_end);
	msp_histogram_add_to(snapshot.settle, &settle);
	assert_int_equal(predict.count, snapshot.counters.batches);
	assert_int_equal(settle.count, snapshot.counters.batches);
	assert_int_equal(end_to_end.count, 20);
	/* Twenty times 5 ms. */
	assert_in_range(predict.sum_ns, 100000000, 10000000000);
	assert_in_range(msp_histogram_quantile_ns(&predict, 0.01), 5000000, 10000000000);
}

static void stop_settles_what_is_in_hand(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 30; i++)
		fake_transport_put(&fixture->transport, "18");
	start(fixture);
	assert_true(fake_transport_wait_settled(&fixture->transport, 3));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	/* Whatever was received has been settled. */
	struct msp_counters counters;
	msp_processor_counters(fixture->processor, &counters);
	assert_int_equal(counters.received, fixture->transport.settled);
	assert_int_equal(counters.outputs, fixture->transport.settled);
}

static void stop_leaves_a_batch_that_nobody_takes(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < FAKE_MAX_STEPS; i++)
		fake_transport_step(&fixture->transport, MSP_SETTLE_AGAIN, MSP_E_UNAVAILABLE, NULL);
	start(fixture);
	assert_true(wait_for(msp_processor_ready, fixture->processor, true));
	put_numbers(fixture, 100, 110);
	assert_true(wait_for(msp_processor_ready, fixture->processor, false));
	int64_t begin_ms = msp_monotonic_ms();
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	assert_in_range(msp_monotonic_ms() - begin_ms, 0, 5000);
	assert_int_equal(fixture->transport.settled, 0);
}

static void many_workers_end_together(void **state)
{
	struct fixture *fixture = *state;
	struct fake_transport other;
	fake_transport_init(&other);
	static char label[] = "other";
	struct msp_registry_entry entry = fixture->entry;
	entry.label = label;
	struct msp_service_config second = fixture->config;
	second.entry = &entry;
	second.transport = &other.base;
	assert_int_equal(msp_processor_add(fixture->processor, &second, NULL), MSP_OK);
	fake_transport_put(&other, "7");
	put_numbers(fixture, 100, 200);
	start(fixture);
	assert_true(fake_transport_wait_settled(&fixture->transport, 100));
	assert_true(fake_transport_wait_settled(&other, 1));
	assert_int_equal(stop(fixture, NULL), MSP_OK);
	fake_transport_done(&other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_input_becomes_one_result_in_order),
	    TEST(a_batch_is_computed_while_another_is_in_flight),
	    TEST(counters_tell_what_was_settled),
	    TEST(slow_models_get_short_batches),
	    TEST(again_waits_and_loses_nothing),
	    TEST(waiting_is_not_ready),
	    TEST(a_settle_that_stalls_is_not_ready),
	    TEST(a_rejected_output_becomes_an_error_record),
	    TEST(a_rejected_error_record_goes_without_its_value),
	    TEST(an_error_record_refused_with_nothing_of_its_input_ends_the_worker),
	    TEST(a_lost_batch_takes_the_next_with_it),
	    TEST(a_broken_broker_ends_the_worker_with_its_reason),
	    TEST(a_broker_that_is_not_there_is_waited_for),
	    TEST(no_memory_is_waited_for),
	    TEST(an_input_that_asks_for_too_much_is_an_error),
	    TEST(nothing_stays_in_flight_while_memory_is_waited_for),
	    TEST(a_model_that_cannot_now_is_waited_for),
	    TEST(a_model_that_does_not_open_yet_is_waited_for),
	    TEST(a_codec_that_cannot_now_is_waited_for),
	    TEST(an_instance_that_says_something_else_ends_the_worker),
	    TEST(stop_wakes_a_model_that_waits),
	    TEST(services_come_and_go_while_others_run),
	    TEST(two_workers_of_one_model_are_told_apart),
	    TEST(histograms_tell_how_long_it_took),
	    TEST(stop_settles_what_is_in_hand),
	    TEST(stop_leaves_a_batch_that_nobody_takes),
	    TEST(many_workers_end_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
