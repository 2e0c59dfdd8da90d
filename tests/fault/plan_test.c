/* A verifier that recognises everything would find every trial good. */
#include "check.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGES 1000

struct fixture {
	struct plan plan;
	struct plan_text text;
	struct msp_message message;
	char value[64]; /* of the message, to be changed */
	char reason[256];
};

static const struct msp_codec_ops *codec; /* that the plan is written in */

static int fixture_make(void **state)
{
	static const struct plan_special specials[PLAN_SPECIALS] = {{PLAN_HUGE, 3}, {PLAN_ABORT, 2}};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	*state = fixture;
	return fixture && plan_init(&fixture->plan, codec, MESSAGES, 42, specials) ? 0 : -1;
}

static int fixture_free(void **state)
{
	struct fixture *fixture = *state;
	plan_done(&fixture->plan);
	free(fixture);
	return 0;
}

/* Writes the first message of a kind. */
static size_t write_first(struct fixture *fixture, enum plan_kind kind)
{
	size_t id = 0;
	while (fixture->plan.items[id].kind != kind)
		id++;
	plan_write(&fixture->plan, id, &fixture->text, &fixture->message);
	return id;
}

static bool recognise(struct fixture *fixture, enum msp_route route, size_t *ret_id)
{
	return plan_recognise(&fixture->plan, route, &fixture->message, ret_id, fixture->reason, sizeof(fixture->reason));
}

static void knows_an_output(void **state)
{
	struct fixture *fixture = *state;
	size_t found = SIZE_MAX, id = write_first(fixture, PLAN_VALID);
	assert_true(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	assert_int_equal(found, id);
	assert_false(recognise(fixture, MSP_ROUTE_ERRORS, &found));
}

static void knows_changed_bytes(void **state)
{
	struct fixture *fixture = *state;
	size_t found;
	write_first(fixture, PLAN_VALID);
	assert_in_range(fixture->message.value.size, 8, sizeof(fixture->value));
	memcpy(fixture->value, fixture->message.value.data, fixture->message.value.size);
	fixture->message.value.data = fixture->value;
	assert_true(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	fixture->value[2] ^= 1;
	assert_false(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	write_first(fixture, PLAN_VALID);
	fixture->text.key[0] = 'x';
	assert_false(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	write_first(fixture, PLAN_VALID);
	fixture->message.timestamp_ms++;
	assert_false(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	write_first(fixture, PLAN_VALID);
	fixture->text.headers[1].value.size--;
	assert_false(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	write_first(fixture, PLAN_VALID);
	fixture->text.headers[0].value = MSP_BYTES_LITERAL("1000");
	assert_false(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
}

/* An error record of the message that is written: its headers, then the code. */
static void make_error_record(struct fixture *fixture, struct msp_header headers[3], const char *code)
{
	headers[0] = fixture->text.headers[0];
	headers[1] = fixture->text.headers[1];
	headers[2] = (struct msp_header){MSP_BYTES_LITERAL("msp-error-code"), msp_bytes_of_string(code)};
	fixture->message.headers = headers;
	fixture->message.header_count = 3;
}

static void knows_an_error_record(void **state)
{
	struct fixture *fixture = *state;
	struct msp_header headers[3];
	size_t found, id = write_first(fixture, PLAN_BROKEN);
	make_error_record(fixture, headers, "malformed");
	assert_true(recognise(fixture, MSP_ROUTE_ERRORS, &found));
	assert_int_equal(found, id);
	assert_false(recognise(fixture, MSP_ROUTE_OUTPUTS, &found));
	make_error_record(fixture, headers, "model_error");
	assert_false(recognise(fixture, MSP_ROUTE_ERRORS, &found));
}

static void knows_an_omitted_value(void **state)
{
	struct fixture *fixture = *state;
	struct msp_header headers[4];
	char size[16];
	size_t found;
	write_first(fixture, PLAN_HUGE);
	assert_in_range(fixture->message.value.size, PLAN_HUGE_BYTES, PLAN_HUGE_BYTES + 100);
	snprintf(size, sizeof(size), "%zu", fixture->message.value.size);
	make_error_record(fixture, headers, "output_rejected");
	fixture->message.value = MSP_BYTES_ABSENT;
	assert_false(recognise(fixture, MSP_ROUTE_ERRORS, &found));
	headers[3] = (struct msp_header){MSP_BYTES_LITERAL("msp-value-omitted"), msp_bytes_of_string(size)};
	fixture->message.header_count = 4;
	assert_true(recognise(fixture, MSP_ROUTE_ERRORS, &found));
}

static void a_seed_repeats_the_plan(void **state)
{
	struct fixture *fixture = *state;
	static const struct plan_special specials[PLAN_SPECIALS] = {{PLAN_HUGE, 3}, {PLAN_ABORT, 2}};
	struct plan again;
	assert_true(plan_init(&again, codec, MESSAGES, 42, specials));
	for (size_t id = 0; id < MESSAGES; id++) {
		assert_int_equal(again.items[id].key, fixture->plan.items[id].key);
		assert_int_equal(again.items[id].kind, fixture->plan.items[id].kind);
		assert_int_equal(again.items[id].sequence, fixture->plan.items[id].sequence);
	}
	assert_true(msp_bytes_equal(msp_buffer_bytes(&again.values), msp_buffer_bytes(&fixture->plan.values)));
	plan_done(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(knows_an_output, fixture_make, fixture_free),
	    cmocka_unit_test_setup_teardown(knows_changed_bytes, fixture_make, fixture_free),
	    cmocka_unit_test_setup_teardown(knows_an_error_record, fixture_make, fixture_free),
	    cmocka_unit_test_setup_teardown(knows_an_omitted_value, fixture_make, fixture_free),
	    cmocka_unit_test_setup_teardown(a_seed_repeats_the_plan, fixture_make, fixture_free),
	};
	int failed = 0;
	for (size_t i = 0; (codec = plan_codecs[i]); i++)
		failed += cmocka_run_group_tests_name(codec->name, tests, NULL, NULL);
	return failed;
}
