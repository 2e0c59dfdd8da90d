/* The table by which the Kafka transport settles, walked without librdkafka: every path of design, and from every state
 * what ends a settle from outside. */
#include "check.h"

#include <settle.h>

/* What is seen, and what is to be done then. */
struct step {
	enum kafka_saw saw;
	enum kafka_action next;
};

static struct kafka_settle walk(struct kafka_settle settle, bool publishes, const struct step *steps, size_t count)
{
	kafka_settle_begin(&settle, publishes);
	assert_int_equal(settle.next, KAFKA_DO_PREPARE);
	for (size_t i = 0; i < count; i++) {
		kafka_settle_see(&settle, KAFKA_SAW_NOT_YET); /* never moves */
		kafka_settle_see(&settle, steps[i].saw);
		if (settle.next != steps[i].next)
			fail_msg("step %zu leads to %d, not to %d", i, (int)settle.next, (int)steps[i].next);
	}
	return settle;
}

#define WALK(settle, publishes, ...)                                                                                   \
	walk((settle), (publishes), (const struct step[]){__VA_ARGS__},                                                    \
	     sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static const struct kafka_settle at_least_once = {.transactional = false}, exactly_once = {.transactional = true};

static void at_least_once_publishes_then_stores(void **state)
{
	(void)state;
	struct kafka_settle end = WALK(at_least_once, true, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	                               {KAFKA_SAW_DONE, KAFKA_DO_STORE}, {KAFKA_SAW_DONE, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_OK);
	end = WALK(at_least_once, false, {KAFKA_SAW_DONE, KAFKA_DO_STORE}, {KAFKA_SAW_DONE, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_OK);
}

static void exactly_once_is_one_transaction(void **state)
{
	(void)state;
	struct kafka_settle end = WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN},
	                               {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE}, {KAFKA_SAW_DONE, KAFKA_DO_SEND_OFFSETS},
	                               {KAFKA_SAW_DONE, KAFKA_DO_COMMIT}, {KAFKA_SAW_DONE, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_OK);
	assert_false(end.transaction_open || end.producer_invalid);
	WALK(exactly_once, false, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_SEND_OFFSETS},
	     {KAFKA_SAW_DONE, KAFKA_DO_COMMIT}, {KAFKA_SAW_DONE, KAFKA_DO_ANSWER});
}

static void a_client_that_is_invalid_is_replaced_first(void **state)
{
	(void)state;
	struct kafka_settle invalid = exactly_once;
	invalid.producer_invalid = true;
	WALK(invalid, true, {KAFKA_SAW_DONE, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT},
	     {KAFKA_SAW_DONE, KAFKA_DO_BEGIN});
	WALK(exactly_once, true, {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT},
	     {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT}, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN},
	     {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE});
	WALK(at_least_once, true, {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE});
	WALK(at_least_once, false, {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_STORE});
}

/* A commit that may have been heard is asked for, with a client that has ended the old one's transaction. */
static void an_unknown_outcome_is_asked_for(void **state)
{
	(void)state;
	struct kafka_settle end =
	    WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	         {KAFKA_SAW_DONE, KAFKA_DO_SEND_OFFSETS}, {KAFKA_SAW_DONE, KAFKA_DO_COMMIT},
	         {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT}, {KAFKA_SAW_DONE, KAFKA_DO_CHECK},
	         {KAFKA_SAW_COMMITTED, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_OK);
	end =
	    WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	         {KAFKA_SAW_DONE, KAFKA_DO_SEND_OFFSETS}, {KAFKA_SAW_DONE, KAFKA_DO_COMMIT},
	         {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT}, {KAFKA_SAW_DONE, KAFKA_DO_CHECK},
	         {KAFKA_SAW_NOT_COMMITTED, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	         {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT}, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN});
	assert_false(end.outcome_unknown);
}

static void what_is_refused_ends_its_transaction(void **state)
{
	(void)state;
	struct kafka_settle end =
	    WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	         {KAFKA_SAW_REFUSED, KAFKA_DO_ABORT}, {KAFKA_SAW_DONE, KAFKA_DO_RECREATE}, {KAFKA_SAW_DONE, KAFKA_DO_INIT},
	         {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE}, {KAFKA_SAW_REJECTED, KAFKA_DO_ABORT},
	         {KAFKA_SAW_DONE, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_REJECTED);
	assert_false(end.transaction_open || end.producer_invalid);
	end = WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	           {KAFKA_SAW_REJECTED, KAFKA_DO_ABORT}, {KAFKA_SAW_INVALID, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_REJECTED);
	assert_true(end.producer_invalid);
	end = WALK(at_least_once, true, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE}, {KAFKA_SAW_REJECTED, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_REJECTED);
	WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	     {KAFKA_SAW_OVERSIZED, KAFKA_DO_RECREATE});
	WALK(at_least_once, true, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE}, {KAFKA_SAW_OVERSIZED, KAFKA_DO_RECREATE},
	     {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE});
}

static void what_cannot_be_published_is_prepared_anew(void **state)
{
	(void)state;
	WALK(at_least_once, true, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE}, {KAFKA_SAW_FAILED, KAFKA_DO_PREPARE},
	     {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE});
	WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	     {KAFKA_SAW_FAILED, KAFKA_DO_PREPARE}, {KAFKA_SAW_DONE, KAFKA_DO_RECREATE});
}

static void a_topic_that_is_gone_takes_the_batch_with_it(void **state)
{
	(void)state;
	struct kafka_settle end =
	    WALK(exactly_once, true, {KAFKA_SAW_DONE, KAFKA_DO_BEGIN}, {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	         {KAFKA_SAW_DONE, KAFKA_DO_SEND_OFFSETS}, {KAFKA_SAW_TOPIC_GONE, KAFKA_DO_ANSWER});
	assert_int_equal(end.answer, MSP_SETTLE_LOST);
	assert_true(end.topic_gone && end.producer_invalid);
	assert_false(end.transaction_open);
}

/* From every state on the way. */
static void outside_events_end_a_settle_wherever_it_is(void **state)
{
	(void)state;
	static const struct step way[] = {
	    {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE},  {KAFKA_SAW_DONE, KAFKA_DO_INIT},
	    {KAFKA_SAW_DONE, KAFKA_DO_BEGIN},        {KAFKA_SAW_DONE, KAFKA_DO_PRODUCE},
	    {KAFKA_SAW_DONE, KAFKA_DO_SEND_OFFSETS}, {KAFKA_SAW_DONE, KAFKA_DO_COMMIT},
	    {KAFKA_SAW_INVALID, KAFKA_DO_RECREATE},  {KAFKA_SAW_DONE, KAFKA_DO_INIT},
	    {KAFKA_SAW_DONE, KAFKA_DO_CHECK},
	};
	for (size_t count = 0; count <= sizeof(way) / sizeof(way[0]); count++) {
		struct kafka_settle at = walk(exactly_once, true, way, count), end = at;
		kafka_settle_see(&end, KAFKA_SAW_LOST);
		assert_int_equal(end.next, KAFKA_DO_ANSWER);
		assert_int_equal(end.answer, MSP_SETTLE_LOST);
		/* No abort while the membership is lost; what may be open is fenced by the next client. */
		bool may_be_open = at.transaction_open || at.next == KAFKA_DO_INIT || at.next == KAFKA_DO_CHECK;
		assert_true(!may_be_open || end.producer_invalid);
		assert_false(end.transaction_open);

		end = at;
		kafka_settle_see(&end, KAFKA_SAW_REVOKED);
		assert_int_equal(end.answer, MSP_SETTLE_LOST);
		assert_int_equal(end.next, at.transaction_open ? KAFKA_DO_ABORT : KAFKA_DO_ANSWER);
		if (end.next == KAFKA_DO_ABORT)
			kafka_settle_see(&end, KAFKA_SAW_INVALID);
		assert_int_equal(end.next, KAFKA_DO_ANSWER);
		assert_true(!may_be_open || end.producer_invalid);

		end = at;
		kafka_settle_see(&end, KAFKA_SAW_FATAL);
		assert_int_equal(end.next, KAFKA_DO_ANSWER);
		assert_int_equal(end.answer, MSP_SETTLE_FAILED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(at_least_once_publishes_then_stores),
	    cmocka_unit_test(exactly_once_is_one_transaction),
	    cmocka_unit_test(a_client_that_is_invalid_is_replaced_first),
	    cmocka_unit_test(an_unknown_outcome_is_asked_for),
	    cmocka_unit_test(what_is_refused_ends_its_transaction),
	    cmocka_unit_test(what_cannot_be_published_is_prepared_anew),
	    cmocka_unit_test(a_topic_that_is_gone_takes_the_batch_with_it),
	    cmocka_unit_test(outside_events_end_a_settle_wherever_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
